"""What a sender is told of its audience's downlinks."""

import itertools

from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, unpack_remb_fci
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import rtcp
from signaling.relay.estimates import Estimates
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


def pictures(numbers):
    return [rtp_packet(1001, each, payload=bytes(1000), number=each) for each in numbers]


async def test_a_receiver_who_tells_no_arrivals_is_taken_at_its_word(connect):
    alice = await connect("alice")
    bob = await connect("bob", ssrc=2000, tells_arrivals=False)
    video = bob.seat_ssrcs(0)[1]
    number = itertools.count()

    def tells_of_eighty_kilobits():
        for packet in pictures(itertools.islice(number, 20)):
            alice.send_rtp(packet)
        bob.send_rtcp(rtcp.estimate(1, video, 80_000))
        return told(alice)

    await alice.until(tells_of_eighty_kilobits)

    assert told(alice)[0] == 80_000
    assert "a=rtcp-fb:96 goog-remb" in bob.answer.partition("a=mid:3")[2]
    assert "transport-cc" not in bob.answer.partition("a=mid:2")[2]
    assert all(wide_number(each) is None for each in bob.received(video))


async def test_who_tells_arrivals_is_not_asked_for_an_estimate_nor_believed_one(connect, relay):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    leg = relay.conference("room").legs[1]
    video = bob.seat_ssrcs(0)[1]

    for packet in pictures(range(200)):
        alice.send_rtp(packet)
    bob.send_rtcp(rtcp.estimate(1, video, 80_000))
    await bob.bind()  # an answered question tells that what was sent before has arrived

    assert leg.room_for_a_picture() is None
    assert "goog-remb" not in bob.answer.partition("a=mid:2")[2]


def test_an_estimate_of_what_comes_is_of_no_limit():
    estimates = Estimates()
    sent = 0

    for second in range(10):
        assert estimates.room(1_000_000, sent, float(second)) is None
        sent += 125_000


def test_an_estimate_of_less_than_is_sent_is_a_limit_until_twenty_seconds_later():
    estimates = Estimates()
    estimates.room(1_000_000, 0, 0.0)

    rooms = [estimates.room(400_000, 125_000, 1.0)]
    rooms += [estimates.room(450_000, 125_000 + 50_000 * each, 1.0 + each) for each in range(1, 25)]

    assert rooms == [400_000] + [450_000] * 19 + [None] * 5


def test_an_estimate_while_nothing_is_sent_is_of_no_limit():
    estimates = Estimates()
    estimates.room(1_000_000, 0, 0.0)

    assert estimates.room(30_000, 0, 5.0) is None


@given(st.integers(0, 1 << 40))
def test_an_estimate_is_read_as_it_was_written(bits):
    [(_, _, body)] = rtcp.blocks(rtcp.estimate(7, 8, bits))

    value = rtcp.estimated(body)

    assert value == bits or 0 <= bits - value < bits / 2**17


@given(st.binary(max_size=40))
def test_what_is_no_estimate_is_none(body):
    assert rtcp.estimated(body) is None or body[8:12] == b"REMB"
