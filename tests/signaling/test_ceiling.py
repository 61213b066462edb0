"""What a sender is told of its audience's downlinks, and who of the audience goes without."""

from dataclasses import dataclass

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import rtcp
from signaling.relay.ceiling import TOO_LITTLE, UNBOUND, Ceiling
from tests.signaling.packets import wide_number, write_wide
from tests.signaling.peer import rtp_packet


@dataclass
class Viewer:
    room: int | None = None
    until: float = 0.0
    steady: bool = True

    @property
    def resting(self):
        return self.until > 0

    def rest(self, now):
        self.until = now + 20

    def wake(self, now):
        if now >= self.until:
            self.until = 0.0
            self.room = None


def told(peer):
    return [
        unpack_remb_fci(body[8:])[0]
        for compound in peer.rtcp
        for kind, form, body in rtcp.blocks(compound)
        if (kind, form) == (rtcp.PAYLOAD_FEEDBACK, rtcp.APPLICATION_LAYER)
    ]


@given(st.integers(0, 1 << 40), st.integers(0, 0xFFFFFFFF))
def test_an_estimate_reads_back_in_another_parser(bits, media):
    message = rtcp.estimate(7, media, bits)

    [packet] = RtcpPacket.parse(message)
    assert isinstance(packet, RtcpPsfbPacket)
    value, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == [media]
    assert value == bits or 0 <= bits - value < bits / 2**17


def test_an_audience_without_limits_holds_nobody_back():
    ceiling = Ceiling()

    assert [ceiling.tell([Viewer()], 300_000, at) for at in range(10)] == [None] * 10


def test_a_single_receiver_decides_and_its_relief_is_told_once():
    ceiling = Ceiling()
    viewer = Viewer(500_000)

    held = [ceiling.tell([viewer], 1_500_000, at) for at in range(3)]
    viewer.room = None
    freed = [ceiling.tell([viewer], 1_500_000, at) for at in range(3, 6)]

    assert held == [500_000] * 3
    assert freed == [UNBOUND, None, None]


def test_of_several_one_far_below_the_others_goes_without_the_picture_and_they_keep_theirs():
    ceiling = Ceiling()
    slow, quick = Viewer(150_000), Viewer(None)

    assert ceiling.tell([slow, quick], 1_200_000, 0) is None
    assert [slow.resting, quick.resting] == [True, False]


def test_one_who_has_just_rested_is_no_measure_for_the_others():
    ceiling = Ceiling()
    other, woken = Viewer(400_000), Viewer(None, steady=False)

    assert ceiling.tell([other, woken], 1_200_000, 0) == 400_000
    assert not other.resting


def test_of_several_one_a_little_below_the_others_slows_all_down():
    ceiling = Ceiling()
    slow, quick = Viewer(800_000), Viewer(None)

    assert ceiling.tell([slow, quick], 1_200_000, 0) == 800_000
    assert not slow.resting


def test_room_for_the_voice_alone_is_left_to_the_voice():
    ceiling = Ceiling()
    viewer = Viewer(TOO_LITTLE - 1)

    resting = [ceiling.tell([viewer], 300_000, 0), viewer.resting]
    back = [ceiling.tell([viewer], 300_000, 20), viewer.resting]

    assert resting == [150_000, True]
    assert back == [UNBOUND, False]


async def test_a_sender_learns_at_once_that_a_receiver_can_take_less(connect):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    video = bob.seat_ssrcs(0)[1]
    number = feedback = clock = 0

    def arrives_through_half_a_megabit():
        nonlocal number, feedback, clock
        for _ in range(20):
            alice.send_rtp(rtp_packet(1001, number, payload=bytes(1000), number=number & 0xFFFF))
            number += 1
        arrived = []
        for packet in bob.received(video):
            clock += 16_000  # microseconds that 1,000 bytes take at 500 kbit/s
            arrived.append((wide_number(packet), 64_000_000 + clock))
        bob.rtp.clear()
        if arrived:
            bob.send_rtcp(write_wide(video, feedback, arrived))
            feedback += 1
        return told(alice)

    await alice.until(arrives_through_half_a_megabit)

    assert 200_000 < told(alice)[0] < 500_000
