"""RTCP as bytes, held against aiortc's parser, and transport-wide feedback read back."""

import struct

from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.relay import rtcp
from signaling.relay.plane.library import ffi, lib
from tests.signaling.packets import DELTA_US, read_wide

_U32 = st.integers(0, 0xFFFFFFFF)


def feedback(leg, arrivals):
    """Have packets arrive, (16-bit number, µs), and give the feedback on them."""
    for number, at in arrivals:
        leg.arrived_numbers[leg.arrival_count] = number & 0xFFFF
        leg.arrived_times[leg.arrival_count] = at
        leg.arrival_count += 1
    out = ffi.new("unsigned char[]", 2000)
    return bytes(ffi.buffer(out, lib.feedback_write(leg, out)))


def new_leg():
    leg = ffi.new("struct leg *")
    leg.feedback_base = -1
    return leg


@settings(deadline=None)
@given(
    start=st.integers(0, 0xFFFF),
    steps=st.lists(
        st.tuples(st.integers(1, 40), st.integers(-5_000, 200_000)), min_size=1, max_size=60
    ),
)
def test_transport_wide_feedback_tells_every_arrival_and_every_gap(start, steps):
    numbers, clock = [], 10_000_000
    number = start
    for gap, pause in steps:
        number += gap
        clock += pause
        numbers.append((number, clock))

    told = read_wide(feedback(new_leg(), numbers))

    expected = dict(numbers)
    assert len(told) == numbers[-1][0] - numbers[0][0] + 1
    for each in range(numbers[0][0], numbers[-1][0] + 1):
        arrival = told[each & 0xFFFF]
        assert (arrival is None) == (each not in expected)
        if arrival is not None:
            assert 0 <= expected[each] - arrival < 2 * DELTA_US


def test_feedback_starts_where_the_last_one_ended():
    leg = new_leg()

    first = read_wide(feedback(leg, [(65534, 1_000_000)]))
    second = read_wide(feedback(leg, [(1, 1_100_000)]))

    assert list(first) == [65534]
    assert [number for number, arrival in second.items() if arrival is None] == [65535, 0]
    assert second[1] == 1_100_000
    assert feedback(leg, []) == b""


def test_numbers_far_apart_cost_no_more_than_a_fresh_start():
    arrivals = [(index * 7919 & 0xFFFF, 1_000_000) for index in range(lib.PLANE_ARRIVALS)]

    assert len(feedback(new_leg(), arrivals)) < 1400


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 1 << 40)), max_size=400))
def test_any_arrivals_fit_a_datagram(arrivals):
    leg = new_leg()

    for few in range(0, len(arrivals), 50):
        assert len(feedback(leg, arrivals[few : few + 50])) < 1900


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(0, 0xFFFF))
def test_a_nack_names_exactly_what_is_missing(missing, start):
    wanted = [(start + each) & 0xFFFF for each in sorted(missing)]

    message = rtcp.nack(1, 2, wanted)

    [parsed] = RtcpPacket.parse(message)
    assert isinstance(parsed, RtcpRtpfbPacket)
    assert [each & 0xFFFF for each in parsed.lost] == wanted  # that parser counts on past the wrap
    assert list(rtcp.nacked(message[4:])) == wanted


@given(_U32, st.tuples(_U32, _U32), _U32, _U32, _U32)
def test_reports_read_back_in_another_parser(ssrc, ntp, timestamp, packets, octets):
    compound = rtcp.sender_report(ssrc, ntp, timestamp, packets, octets) + rtcp.source_description(
        ssrc, "seat0"
    )

    report, description = RtcpPacket.parse(compound)

    assert isinstance(report, RtcpSrPacket)
    assert report.sender_info.ntp_timestamp == ntp[0] << 32 | ntp[1]
    assert report.sender_info.rtp_timestamp == timestamp
    assert description.chunks[0].items == [(1, b"seat0")]


def test_a_picture_loss_reads_back_in_another_parser():
    [parsed] = RtcpPacket.parse(rtcp.picture_loss(1, 2))

    assert isinstance(parsed, RtcpPsfbPacket)
    assert (parsed.fmt, parsed.ssrc, parsed.media_ssrc) == (1, 1, 2)


def sent(count):
    """Give a participant to whom packets 1 to `count` were sent."""
    leg = ffi.new("struct leg *")
    for number in range(1, count + 1):
        lib.feedback_number(leg, 100, 1_000_000 + number)
    return leg


def read(leg, body):
    told = ffi.new("struct told *")
    lib.feedback_read(leg, body, len(body), told)
    return told


@given(st.dictionaries(st.integers(1, 300), st.integers(0, 4000), min_size=1, max_size=100))
def test_transport_wide_feedback_reads_back_as_it_was_told(came):
    ascending = [(number, 64_000_000 + DELTA_US * at) for number, at in sorted(came.items())]

    told = read(sent(300), feedback(new_leg(), ascending)[4:])

    times = list(told.arrivals[0 : told.came])
    assert [each - times[0] for each in times] == [each - ascending[0][1] for _, each in ascending]
    assert told.octets == 100 * len(came)


def test_losses_are_counted_but_for_those_of_an_outage():
    leg = new_leg()
    feedback(leg, [(1, 1_000_000)])

    few = read(sent(40), feedback(leg, [(6, 1_001_000)])[4:])
    many = read(sent(40), feedback(leg, [(30, 1_002_000)])[4:])

    assert (few.came, few.lost) == (1, 4)
    assert (many.came, many.lost) == (1, 0)


def test_feedback_cannot_tell_of_more_packets_than_there_can_be():
    runs = struct.pack("!H", 0x3FFF) * 8

    told = read(sent(3000), struct.pack("!IIHHI", 1, 2, 0, 0xFFFF, 0) + runs + bytes(8000))

    assert told.came <= lib.PLANE_LEFT


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_raise(compound):
    for _, _, body in rtcp.blocks(compound):
        list(rtcp.nacked(body))
        list(rtcp.intra_requested(body))
        read(sent(10), body)
    read(sent(10), compound)


def test_feedback_tells_packets_that_overtook_each_other_in_order():
    arrivals = [(10, 1_000_000), (12, 1_001_000), (11, 1_002_000), (12, 1_500_000)]

    told = read_wide(feedback(new_leg(), arrivals))

    assert told == {10: 1_000_000, 11: 1_002_000, 12: 1_001_000}
