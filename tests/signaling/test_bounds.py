"""What one participant may cost: bytes in all, bytes of a voice, what Python is told of."""

import struct

import pytest

from tests.signaling.forwarding import LAYERS, Forwarding, picture, voice
from tests.signaling.peer import rtp_packet

SECOND = 1_000_000


def flood(call, packets, *, every):
    """Have packets arrive, one each so many microseconds; give how many are forwarded."""
    forwarded = 0
    for packet in packets:
        call.now += every - 20_000
        call.receiver.raw.clear()
        call.receiver.rtp.clear()
        forwarded += len(call.send(packet))
    return forwarded


@pytest.mark.parametrize(
    ("kind", "make", "bytes_per_second"),
    [
        (
            "video",
            lambda n: picture(1001, n, picture_id=n, key=n == 1, rest=bytes(1181)),
            1_000_000,
        ),
        ("audio", lambda n: voice(1000, n, bytes(1188)), 37_500),
    ],
)
def test_who_sends_twice_as_much_as_allowed_gets_half_of_it_through(kind, make, bytes_per_second):
    call = Forwarding(kind=kind)
    every = SECOND * 1200 // (2 * bytes_per_second)
    count = 20 * SECOND // every

    forwarded = flood(call, map(make, range(1, count + 1)), every=every)
    call.now += 3 * SECOND
    after = flood(call, [make(count + each) for each in range(1, 11)], every=every)

    assert 0.5 < forwarded / count < 0.6  # a second or two of it may come at once
    assert call.slab.plane.counts.dropped_excess_media == count - forwarded
    assert after == 10


def test_what_was_too_much_is_not_told_to_have_arrived():
    call = Forwarding()
    call.sender.struct.wide_id = 3
    packets = [rtp_packet(1001, each, payload=bytes(1300), number=each) for each in range(800)]
    forwarded = flood(call, packets, every=1)
    call.sender.struct.arrival_count = 0

    flood(call, [rtp_packet(1001, 800, payload=bytes(1300), number=800)], every=1)

    assert 600 < forwarded < 800
    assert call.sender.struct.arrival_count == 0


def test_reports_that_come_by_the_thousand_are_taken_two_hundred_at_a_time():
    call = Forwarding()
    report = struct.pack("!BBHI", 0x80, 201, 1, 5000)

    for _ in range(2):
        call.now += SECOND // 10
        for _ in range(1000):
            call.receive(call.sender.outward.protect_rtcp(report))

    assert len(call.sender.reports) == 400
    assert call.slab.plane.counts.dropped_excess_control == 1600


def test_packets_that_may_be_of_a_layer_are_looked_at_two_hundred_at_a_time():
    call = Forwarding(layers=LAYERS)
    call.sender.struct.learns = True

    for number in range(1000):
        call.receive(call.sender.outward.protect(rtp_packet(9999, number)))

    assert len(call.sender.undeclared) == 200
    assert call.slab.plane.counts.dropped_excess_media == 800
