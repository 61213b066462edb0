"""What a sender is told of its audience's downlinks."""

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import rtcp
from tests.signaling.packets import wide_number, write_wide
from tests.signaling.peer import rtp_packet


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
