"""What a sender is told of its audience's downlinks."""

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import rtcp
from signaling.relay.ceiling import UNBOUND, Ceiling
from tests.signaling.peer import rtp_packet


def told(peer):
    return [
        estimate
        for compound in peer.rtcp
        for kind, form, body in rtcp.blocks(compound)
        if (kind, form) == (rtcp.PAYLOAD_FEEDBACK, rtcp.APPLICATION_LAYER)
        and (estimate := rtcp.estimated_maximum(body)) is not None
    ]


@given(st.integers(0, 1 << 40), st.integers(0, 0xFFFFFFFF))
def test_an_estimate_reads_back_in_another_parser(bits, media):
    message = rtcp.estimate(7, media, bits)

    [packet] = RtcpPacket.parse(message)
    assert isinstance(packet, RtcpPsfbPacket)
    value, ssrcs = unpack_remb_fci(packet.fci)
    assert ssrcs == [media]
    assert value == bits or 0 <= bits - value < bits / 2**17


def test_an_estimate_above_what_is_sent_holds_nobody_back():
    ceiling = Ceiling()

    assert [ceiling.tell(300_000, 450_000, at) for at in range(10)] == [None] * 10
    assert ceiling.tell(300_000, None, 10) is None


def test_an_estimate_below_what_is_sent_is_told_until_it_is_long_no_hindrance():
    ceiling = Ceiling()
    ceiling.tell(1_500_000, 2_000_000, 0)

    held = [ceiling.tell(450_000, 500_000, at) for at in range(1, 20)]
    idle = [ceiling.tell(100_000, 500_000, at) for at in range(20, 40)]

    assert held == [500_000] * 19
    assert idle.index(UNBOUND) in range(10, 16)
    assert set(idle[idle.index(UNBOUND) + 1 :]) == {None}


def test_a_receiver_that_is_gone_holds_nobody_back():
    ceiling = Ceiling()
    ceiling.tell(1_000_000, 500_000, 0)

    assert [ceiling.tell(500_000, None, 1), ceiling.tell(500_000, None, 2)] == [UNBOUND, None]


async def test_a_sender_learns_that_a_receiver_can_take_less(connect):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    number = 0

    def keeps_sending():
        nonlocal number
        for _ in range(20):
            alice.send_rtp(rtp_packet(1001, number, payload=bytes(1000), number=number & 0xFFFF))
            number += 1
        bob.send_rtcp(rtcp.estimate(1, 0, 100_000))
        bob.rtp.clear()
        return told(alice)

    await alice.until(keeps_sending)

    assert told(alice)[0] in range(99_000, 100_001)
