"""Sequence numbers of 16 bits and timestamps of 32 that begin anew in the middle of a call."""

import itertools
import random

import pytest

from tests.signaling.forwarding import LAYERS, Forwarding, described, picture, voice
from tests.signaling.packets import sequence

LAST = 0xFFFFFFFF


def timed(packet, timestamp):
    """Give a packet another timestamp, of which the lower 32 bits count."""
    return packet[:4] + (timestamp & LAST).to_bytes(4, "big") + packet[8:]


def timestamp(packet):
    return int.from_bytes(packet[4:8], "big")


def test_a_picture_in_layers_survives_the_wrap_of_its_numbers_with_losses_and_fewer_frames():
    """70,000 packets: the numbers of the sender and those of the receiver both begin anew."""
    call, chance = Forwarding(layers=LAYERS), random.Random(1)
    call.send(picture(102, 0, picture_id=0, key=True))
    wrong, repeated, last = [], 0, None
    for number in range(1, 70_000):
        if number % 20_000 in {5_000, 12_000}:
            call.sink.temporal = 0 if number % 20_000 == 5_000 else 3
        if chance.random() < 0.02:
            continue
        call.receiver.raw.clear()
        call.receiver.rtp.clear()
        text, tid = b"%d" % number, (0, 2, 1, 2)[number % 4]
        frame = picture(102, number, picture_id=number, tl0=number // 4, tid=tid, sync=tid > 0,
                        rest=text)  # fmt: skip
        for packet in map(described, call.send(frame)):
            ahead = (packet[0] - last[0]) & 0xFFFF if last else 1
            wrong += [number] if not 0 < ahead < 40 or packet[4] != text else []
            last = packet
        if number % 977 == 0 and call.repeat(last[0]):
            again = call.receiver.rtp[-1]
            restored = described(again[:20] + again[22:])
            wrong += [number] if again[20:22] != last[0].to_bytes(2) else []
            wrong += [number] if restored[1:] != last[1:] else []
            repeated += 1

    assert wrong == []
    assert repeated > 50


def test_times_run_on_when_the_senders_begin_anew():
    call = Forwarding(layers=LAYERS)
    frames = [
        timed(picture(102, number, picture_id=number, key=number == 1), LAST - 4000 + 3000 * number)
        for number in range(1, 5)
    ]

    times = [timestamp(each) for frame in frames for each in call.send(frame)]
    call.sink.layer = 0
    [other] = call.send(timed(picture(100, 9, picture_id=9, key=True), LAST))

    steps = [(after - before) & LAST for before, after in itertools.pairwise(times)]
    assert steps == [3000] * 3
    assert times[-1] < times[0]
    assert (timestamp(other) - times[-1]) & LAST == 1800  # 20 ms


def test_times_run_on_when_the_receivers_begin_anew():
    call = Forwarding(layers=LAYERS)
    [before] = call.send(timed(picture(102, 1, picture_id=1, key=True), LAST - 500))
    call.sink.layer = 0

    small = [picture(100, number, picture_id=number, key=number == 1) for number in range(1, 4)]
    after = [packet for each in small for packet in call.send(each)]

    times = [timestamp(each) for each in (before, *after)]
    assert [(each - times[0]) & LAST for each in times] == [0, 1800, 4800, 7800]
    assert [sequence(each) - sequence(before) for each in after] == [1, 2, 3]


@pytest.mark.parametrize("first", [1, LAST - 50 * 960])
def test_packets_that_come_evenly_have_no_jitter_across_the_wrap_of_their_times(first):
    call = Forwarding(kind="audio")

    for number in range(100):
        call.send(timed(voice(1000, number, b"frame"), first + 960 * number))

    [encoding] = call.source.encodings
    assert encoding.reception.jitter < 0.01
    assert encoding.report(1.0, 0)[4:8] == bytes(4)  # nothing lost
