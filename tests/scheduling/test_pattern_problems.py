"""What is wrong with hours is found by the calendar, not by the weekday alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.hours import Pattern
from scheduling.pattern_problems import (
    Flaw,
    first_common_day,
    first_day,
    fits_opening,
    problems,
)

MONDAY = dt.date(2026, 10, 12)
WEEK = dt.timedelta(weeks=1)
MORNING = Pattern(0, 540, 720, MONDAY)
OPEN = [[0, 480, 600], [0, 600, 780]]

patterns = st.builds(
    lambda weekday, start, length, first, days, weeks: Pattern(
        weekday, start, start + length, MONDAY + dt.timedelta(days=first),
        None if days is None else MONDAY + dt.timedelta(days=first + days), weeks,
    ),
    st.integers(0, 1), st.sampled_from([540, 600, 660]), st.sampled_from([60, 120]),
    st.integers(0, 40), st.none() | st.integers(0, 60), st.integers(1, 4),
)  # fmt: skip


def flaws(pattern: Pattern, *others: Pattern, opening: object = ()) -> list[Flaw]:
    return [problem.flaw for problem in problems(pattern, others, opening)]


def test_hours_that_begin_at_or_after_their_end_are_refused() -> None:
    assert flaws(replace(MORNING, ends_minute=540)) == [Flaw.ORDER]
    assert flaws(replace(MORNING, starts_minute=800)) == [Flaw.ORDER]
    assert flaws(replace(MORNING, ends_minute=1445)) == [Flaw.ORDER]


def test_hours_off_the_five_minute_grid_are_refused() -> None:
    assert flaws(replace(MORNING, starts_minute=542)) == [Flaw.GRID]


def test_hours_that_never_come_are_refused() -> None:
    tuesday = MONDAY + dt.timedelta(days=1)

    assert flaws(replace(MORNING, valid_until=MONDAY - WEEK)) == [Flaw.VALIDITY]
    assert flaws(replace(MORNING, valid_from=tuesday, valid_until=tuesday)) == [Flaw.NEVER]


def test_every_second_week_leaves_room_for_somebody_elses_other_weeks() -> None:
    even = replace(MORNING, every_weeks=2)
    odd = replace(even, valid_from=MONDAY + WEEK)

    assert flaws(even, odd) == []
    assert flaws(even, MORNING) == [Flaw.OVERLAP]


def test_alternations_of_two_and_three_weeks_meet_some_time() -> None:
    two = replace(MORNING, every_weeks=2)
    three = replace(MORNING, every_weeks=3, valid_from=MONDAY + WEEK)

    (problem,) = problems(two, [three], [])

    assert (problem.other, problem.day) == (three, MONDAY + 4 * WEEK)


def test_hours_that_end_before_others_begin_do_not_meet() -> None:
    until = replace(MORNING, valid_until=MONDAY + WEEK)

    assert flaws(until, replace(MORNING, valid_from=MONDAY + 2 * WEEK)) == []
    assert flaws(MORNING, replace(MORNING, starts_minute=720, ends_minute=780)) == []


def test_visitors_need_an_open_house_but_home_office_does_not() -> None:
    late = replace(MORNING, ends_minute=800)

    (problem,) = problems(late, [], OPEN)

    assert (problem.flaw, problem.opening) == (Flaw.OPENING, ((480, 600), (600, 780)))
    assert flaws(replace(late, ways=("phone", "video")), opening=OPEN) == []
    assert flaws(MORNING, opening=OPEN) == []
    assert not fits_opening(replace(MORNING, weekday=1), OPEN)


@settings(max_examples=300)
@given(patterns, patterns)
def test_two_patterns_meet_exactly_when_a_day_by_day_look_finds_it(
    one: Pattern, other: Pattern
) -> None:
    days = [MONDAY + dt.timedelta(days=number) for number in range(200)]
    meet = one.starts_minute < other.ends_minute and other.starts_minute < one.ends_minute
    both = [day for day in days if one.holds_on(day) and other.holds_on(day) and meet]

    assert first_common_day(one, other) == (both[0] if both else None)
    assert first_day(one, MONDAY) == next((day for day in days if one.holds_on(day)), None)
