"""When packets that a stream misses are asked for."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.gaps import Gaps


def test_what_is_skipped_is_asked_for_once_at_first():
    gaps = Gaps()

    first, again = gaps.note([3, 4], 1.0), gaps.note([4, 5], 1.01)

    assert (first, again) == ([3, 4], [5])
    assert gaps.due(1.02, 0.2) == []


def test_each_is_asked_for_again_a_round_trip_after_it_was_last_asked_for():
    gaps = Gaps()
    gaps.note([3], 1.0)
    gaps.note([9], 1.03)

    assert gaps.due(1.05, 0.05) == [3]
    assert gaps.due(1.08, 0.05) == [9]
    assert gaps.due(1.11, 0.05) == [3]


def test_what_stays_away_is_asked_for_once_per_round_trip_until_given_up():
    gaps = Gaps()
    gaps.note([7], 1.0)

    asked = [at for at in (1 + each * 0.03 for each in range(1, 60)) if gaps.due(at, 0.1)]

    assert len(asked) == 5
    assert all(later - at >= 0.1 - 1e-9 for at, later in pairwise(asked))
    assert not gaps.missing


def test_what_came_late_is_known_to_have_been_missing():
    gaps = Gaps()
    gaps.note([7, 8], 1.0)

    gaps.found(7)
    gaps.found(9)

    assert [gaps.was_missing(number) for number in (7, 8, 9)] == [True, False, False]


def test_what_has_come_is_not_asked_for_again():
    gaps = Gaps()
    gaps.note([7, 8], 1.0)

    gaps.found(7)

    assert gaps.due(1.5, 0.1) == [8]


@given(st.lists(st.integers(0, 10_000), max_size=2000))
def test_a_stream_full_of_holes_costs_bounded_memory(numbers):
    gaps = Gaps()

    for number in numbers:
        gaps.note([number], 1.0)

    assert len(gaps.due(9.0, 0.1)) == 0
    assert not gaps.missing
    assert len(gaps.note(range(10_000), 10.0)) <= 256
