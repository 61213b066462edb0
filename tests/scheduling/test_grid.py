"""Days as integers: runs of free time, wall-clock patterns, days on which clocks change."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from scheduling.grid import ZONE, Horizon, bits, mask, starts


@given(st.integers(0, (1 << 300) - 1), st.integers(1, 40))
def test_runs_begin_exactly_where_enough_free_bits_follow(free: int, length: int) -> None:
    found = {*bits(starts(free, length))}

    expected = {tick for tick in range(300) if all(free >> (tick + n) & 1 for n in range(length))}
    assert found == expected


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_mask_holds_the_bits_from_first_up_to_last(first: int, last: int) -> None:
    assert [*bits(mask(first, last))] == [*range(first, last)]


def test_a_day_has_as_many_ticks_as_really_pass() -> None:
    days = (dt.date(2026, 6, 1), dt.date(2026, 3, 29), dt.date(2026, 10, 25))

    assert [Horizon(day, day).ticks for day in days] == [288, 276, 300]
    assert Horizon(days[0], days[0] - dt.timedelta(days=1)).ticks == 0


@given(
    st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)),
    st.integers(0, 40),
    st.integers(6 * 12, 288),
    st.integers(6 * 12, 288),
)
def test_working_hours_keep_their_wall_clock_time_on_every_day(
    first: dt.date, offset: int, one: int, other: int
) -> None:
    date = first + dt.timedelta(days=offset)
    begins, ends = sorted((one * 5, other * 5))
    horizon = Horizon(first, date)

    bitmap = horizon.wall_clock(date, begins, ends)

    if begins == ends:
        assert bitmap == 0
    else:
        *_, last = horizon.instants(bitmap)
        start, end = (
            instant.astimezone(ZONE)
            for instant in (horizon.instants(bitmap)[0], last + dt.timedelta(minutes=5))
        )
        assert start.date() == date
        assert start.hour * 60 + start.minute == begins
        assert (end.hour * 60 + end.minute) % 1440 == ends % 1440


def test_what_touches_a_tick_takes_it_and_what_ends_there_does_not() -> None:
    day = Horizon(dt.date(2026, 6, 1), dt.date(2026, 6, 1))
    nine = day.origin + 9 * 3600

    assert [*bits(day.touched([(nine + 60, nine + 300)]))] == [108]
    assert [*bits(day.touched([(nine + 299, nine + 301)]))] == [108, 109]
    assert day.touched([(nine - 86_400, nine - 80_000)]) == 0
    assert day.touched([(day.origin - 60, day.origin + 86_460)]) == mask(0, 288)


@given(st.lists(st.tuples(st.integers(-400, 900), st.integers(1, 90)), max_size=12))
def test_touched_bits_are_those_of_each_span_joined(spans: list[tuple[int, int]]) -> None:
    horizon = Horizon(dt.date(2026, 10, 24), dt.date(2026, 10, 25))
    seconds = [
        (horizon.origin + start * 60, horizon.origin + (start + length) * 60)
        for start, length in spans
    ]

    touched = {*bits(horizon.touched(seconds))}

    assert touched == {
        tick
        for tick in range(horizon.ticks)
        if any(start < (tick + 1) * 5 and tick * 5 < start + length for start, length in spans)
    }


def test_the_grid_of_choices_follows_the_wall_clock_also_when_clocks_change() -> None:
    horizon = Horizon(dt.date(2026, 10, 24), dt.date(2026, 10, 26))

    choices = [instant.astimezone(ZONE) for instant in horizon.instants(horizon.grid(30))]

    assert all(choice.minute in {0, 30} for choice in choices)
    assert {choice.date() for choice in choices} == {*horizon.dates()}
