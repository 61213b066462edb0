"""What headless callers tell of arrivals is what was noted."""

import random

import pytest

from benchmarks.arrivals import Arrivals, transport_wide_number
from signaling.relay import rtcp
from tests.signaling.packets import read_wide

ME, THEM = 7, 8


def told(arrivals):
    """Give what the next feedback tells."""
    message = arrivals.feedback(ME, THEM)
    [(kind, form, body)] = rtcp.blocks(message)
    assert (kind, form) == (rtcp.TRANSPORT_FEEDBACK, rtcp.TRANSPORT_WIDE)
    assert body[:8] == ME.to_bytes(4, "big") + THEM.to_bytes(4, "big")
    return list(read_wide(message).items())


def note(arrivals, came):
    for number, at in came:
        arrivals.numbers.append(number & 0xFFFF)
        arrivals.times.append(at)


def gone_by(read):
    """Give numbers, and quarters of a millisecond since the first arrival, None for what is lost."""
    first = next(at for _, at in read if at is not None)
    return [(number, None if at is None else (at - first) // 250) for number, at in read]


def test_what_came_in_order_is_read_with_the_times_between():
    arrivals = Arrivals()
    note(arrivals, [(10, 64_000_000), (11, 64_000_250), (12, 64_060_000)])

    assert gone_by(told(arrivals)) == [(10, 0), (11, 1), (12, 240)]


@pytest.mark.parametrize("pause", [70_000, 5_000_000], ids=["64 ms", "seconds"])
def test_a_long_pause_is_told(pause):
    arrivals = Arrivals()
    note(arrivals, [(1, 1_000_000), (2, 1_000_000 + pause)])

    assert gone_by(told(arrivals)) == [(1, 0), (2, pause // 250)]


def test_what_was_lost_between_two_feedbacks_is_told_by_the_second():
    arrivals = Arrivals()
    note(arrivals, [(5, 1_000_000)])
    told(arrivals)
    note(arrivals, [(8, 1_100_000)])

    assert gone_by(told(arrivals)) == [(6, None), (7, None), (8, 0)]


def test_any_loss_order_and_jitter_is_read_as_it_was():
    chance = random.Random(1)
    arrivals = Arrivals()
    base, at = 65_000, 10_000_000
    note(arrivals, [(base - 1, at)])
    told(arrivals)
    for _ in range(200):
        came = {}
        for number in range(base, base + chance.randint(1, 40)):
            at += chance.choice((0, 250, 5_000, 30_000, 90_000))
            if chance.random() < 0.8:
                came[number] = at
        came = came or {base: at}
        order = sorted(came.items(), key=lambda each: each[1] + chance.choice((0, 40_000)))
        note(arrivals, order)

        read = told(arrivals)

        numbers = range(base, max(came) + 1)
        assert [number for number, _ in read] == [each & 0xFFFF for each in numbers]
        first = min(came)
        expected = [
            came[each] // 250 - came[first] // 250 if each in came else None for each in numbers
        ]
        assert [each for _, each in gone_by(read)] == expected
        base = max(came) + 1


def test_nothing_is_told_when_nothing_came():
    assert Arrivals().feedback(ME, THEM) == b""


@pytest.mark.parametrize(
    ("elements", "number"),
    [
        (bytes((0x31, 2, 3, 0)), 0x0203),
        (bytes((0x22, 9, 9, 9, 0x31, 2, 3, 0)), 0x0203),
        (bytes((0x22, 9, 9, 9)), -1),
    ],
    ids=["first", "second", "absent"],
)
def test_a_number_is_found_among_header_extensions(elements, number):
    head = bytes((0x90, 96)) + bytes(10) + b"\xbe\xde" + (len(elements) // 4).to_bytes(2, "big")

    assert transport_wide_number(head + elements + bytes(20), 3) == number
