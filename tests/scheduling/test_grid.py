"""Days as integers: runs of free time, wall-clock patterns, days on which clocks change."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from scheduling.grid import ZONE, Day, bits, every, mask, starts


@given(st.integers(0, (1 << 300) - 1), st.integers(1, 40))
def test_runs_begin_exactly_where_enough_free_bits_follow(free: int, length: int) -> None:
    found = {*bits(starts(free, length))}

    expected = {tick for tick in range(300) if all(free >> (tick + n) & 1 for n in range(length))}
    assert found == expected


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_mask_holds_the_bits_from_first_up_to_last(first: int, last: int) -> None:
    assert [*bits(mask(first, last))] == [*range(first, last)]


def test_a_day_has_as_many_ticks_as_really_pass() -> None:
    ordinary, spring, autumn = (Day.of(dt.date(2026, *day)) for day in ((6, 1), (3, 29), (10, 25)))

    assert (ordinary.ticks, spring.ticks, autumn.ticks) == (288, 276, 300)


@given(
    st.dates(dt.date(2026, 1, 1), dt.date(2027, 12, 31)),
    st.integers(6 * 12, 288),
    st.integers(6 * 12, 288),
)
def test_working_hours_keep_their_wall_clock_time_on_every_day(
    date: dt.date, one: int, other: int
) -> None:
    first, last = sorted((one * 5, other * 5))
    day = Day.of(date)

    bitmap = day.pattern(first, last)

    if first == last:
        assert bitmap == 0
    else:
        begins = day.start_of(next(bits(bitmap))).astimezone(ZONE)
        ends = day.start_of(bitmap.bit_length()).astimezone(ZONE)
        assert begins.hour * 60 + begins.minute == first
        assert (ends.hour * 60 + ends.minute) % 1440 == last % 1440


def test_what_touches_a_tick_takes_it_and_what_ends_there_does_not() -> None:
    day = Day.of(dt.date(2026, 6, 1))
    nine = day.midnight + 9 * 3600

    assert [*bits(day.between(nine + 60, nine + 300))] == [108]
    assert [*bits(day.between(nine + 299, nine + 301))] == [108, 109]
    assert day.between(nine - 86_400, nine - 80_000) == 0


def test_the_grid_of_choices_does_not_depend_on_bookings() -> None:
    assert [*bits(every(15, 12))] == [0, 3, 6, 9]
