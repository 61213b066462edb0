"""RTCP as bytes, held against aiortc's parser, and transport-wide feedback read back."""

import struct

from aiortc.rtp import (
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.relay import rtcp
from signaling.relay.reception import Arrivals, History, Reception

_U32 = st.integers(0, 0xFFFFFFFF)


def read_wide(message):
    """Read transport-wide feedback into {number: arrival in µs or None}."""
    padding = message[-1] if message[0] & 0x20 else 0
    end = len(message) - padding
    base, count = struct.unpack_from("!HH", message, 12)
    clock = int.from_bytes(message[16:19], "big", signed=True) * rtcp.REFERENCE_US
    symbols, position = [], 20
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", message, position)
        position += 2
        if chunk & 0x8000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
    arrivals = {}
    for index, symbol in enumerate(symbols[:count]):
        if symbol:
            size = {1: "!B", 2: "!h"}[symbol]
            clock += struct.unpack_from(size, message, position)[0] * rtcp.DELTA_US
            position += struct.calcsize(size)
        arrivals[(base + index) & 0xFFFF] = clock if symbol else None
    assert position == end
    assert len(message) == 4 + 4 * int.from_bytes(message[2:4], "big")
    return arrivals


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

    told = read_wide(rtcp.transport_wide(1, 2, 3, numbers, numbers[0][0]))

    expected = dict(numbers)
    assert len(told) == numbers[-1][0] - numbers[0][0] + 1
    for each in range(numbers[0][0], numbers[-1][0] + 1):
        arrival = told[each & 0xFFFF]
        assert (arrival is None) == (each not in expected)
        if arrival is not None:
            assert 0 <= expected[each] - arrival < 2 * rtcp.DELTA_US


@given(st.lists(st.integers(0, 80_000), min_size=1, max_size=60), st.integers(0, 0x1FFFF))
def test_feedback_without_a_gap_tells_the_same_as_any_other(steps, base):
    times = [1_000_000 + sum(steps[: index + 1]) for index in range(len(steps))]

    unbroken = rtcp.transport_wide_unbroken(1, 2, 3, times, base)

    arrivals = list(zip(range(base, base + len(times)), times, strict=True))
    assert unbroken in {None, rtcp.transport_wide(1, 2, 3, arrivals, base)}
    assert (unbroken is None) <= (max(steps) > 63_000)


def note(arrivals, number, at):
    arrivals.numbers.append(number)
    arrivals.times.append(at)


def test_feedback_starts_where_the_last_one_ended():
    arrivals = Arrivals()
    note(arrivals, 65534, 1_000_000)

    first = read_wide(arrivals.feedback(1, 2))
    note(arrivals, 1, 1_100_000)
    second = read_wide(arrivals.feedback(1, 2))

    assert list(first) == [65534]
    assert [number for number, arrival in second.items() if arrival is None] == [65535, 0]
    assert second[1] == 1_100_000
    assert arrivals.feedback(1, 2) is None


def test_numbers_far_apart_cost_no_more_than_a_fresh_start():
    arrivals = Arrivals()

    for index in range(2000):
        note(arrivals, index * 7919 & 0xFFFF, 1_000_000)

    assert len(arrivals.feedback(1, 2)) < 1400


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(0, 0xFFFF))
def test_a_nack_names_exactly_what_is_missing(missing, start):
    wanted = [(start + each) & 0xFFFF for each in sorted(missing)]

    message = rtcp.nack(1, 2, wanted)

    [parsed] = RtcpPacket.parse(message)
    assert isinstance(parsed, RtcpRtpfbPacket)
    assert parsed.lost == wanted
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


@given(
    st.dictionaries(st.integers(0, 300), st.integers(0, 4000), min_size=1, max_size=100),
    st.integers(0, 0xFFFF),
)
def test_transport_wide_feedback_reads_back_as_it_was_told(came, first):
    ascending = sorted(came.items())
    base = ascending[0][0]
    told = [(first + number, 64_000_000 + 250 * at) for number, at in ascending]

    read = rtcp.arrivals(rtcp.transport_wide(1, 2, 0, told, first + base)[4:])

    arrived = [(number, at) for number, at in read if at >= 0]
    assert [number for number, _ in read] == [
        first + base + index & 0xFFFF for index in range(len(read))
    ]
    assert [number for number, _ in arrived] == [number & 0xFFFF for number, _ in told]
    assert [at - arrived[0][1] for _, at in arrived] == [at - told[0][1] for _, at in told]


def test_feedback_cannot_tell_of_more_packets_than_there_can_be():
    runs = struct.pack("!H", 0x1FFF) * 8

    read = rtcp.arrivals(struct.pack("!IIHHI", 1, 2, 0, 0xFFFF, 0) + runs)

    assert len(read) <= rtcp.MOST_TOLD


@given(st.binary(max_size=200))
def test_no_bytes_make_the_readers_raise(compound):
    for _, _, body in rtcp.blocks(compound):
        list(rtcp.nacked(body))
        list(rtcp.intra_requested(body))
        rtcp.arrivals(body)


def test_reception_tells_loss_in_the_interval_and_in_total():
    reception = Reception(90_000)
    for sequence in (65534, 65535, 1, 2):  # 0 is lost, and the numbers wrap
        reception.note(reception.extend(sequence), 0, 1.0)

    [first] = RtcpPacket.parse(rtcp.receiver_report(9, [reception.report(7, 1.0)]))
    [second] = RtcpPacket.parse(rtcp.receiver_report(9, [reception.report(7, 2.0)]))

    assert isinstance(first, RtcpRrPacket)
    assert (first.reports[0].fraction_lost, first.reports[0].packets_lost) == (256 // 5, 1)
    assert (second.reports[0].fraction_lost, second.reports[0].packets_lost) == (0, 1)


def test_a_sender_that_starts_anew_keeps_its_numbers_unique():
    reception = Reception(90_000)
    reception.note(reception.extend(40_000), 0, 1.0)
    before = reception.highest

    after = reception.extend(30_000)

    assert after > before
    assert after & 0xFFFF == 30_000


def test_feedback_tells_packets_that_overtook_each_other_in_order():
    arrivals = Arrivals()
    for number, at in ((10, 1_000_000), (12, 1_001_000), (11, 1_002_000), (12, 1_500_000)):
        note(arrivals, number, at)

    told = read_wide(arrivals.feedback(1, 2))

    assert told == {10: 1_000_000, 11: 1_002_000, 12: 1_001_000}


def test_history_refuses_what_was_here_and_what_is_too_old():
    history = History()

    history.add(1000, b"a")
    history.add(1128, b"c")

    assert [history.is_new(each) for each in (1000, 1127, 1128, 1129)] == [False, True, False, True]
    assert history.find(1128) == b"c"
    assert history.find(1000) is None
