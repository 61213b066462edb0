"""What is wrong with somebody's hours: order, grid, opening hours, overlaps on the calendar.

Pure functions over patterns; whether two of them meet is a question of dates, since alternating
weeks and validity count as much as the weekday.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scheduling.hours import Pattern
from scheduling.model import Way

WEEKS_AT_MOST = 8
"""The longest alternation: every so many weeks."""

GRID_MINUTES = 5
_DAY_MINUTES = 1440
_WEEK = dt.timedelta(weeks=1)
_DAY = dt.timedelta(days=1)


class Flaw(enum.StrEnum):
    """Why hours cannot be as they were entered."""

    ORDER = "order"
    GRID = "grid"
    VALIDITY = "validity"
    NEVER = "never"
    OPENING = "opening"
    OVERLAP = "overlap"


@dataclass(frozen=True, slots=True)
class Problem:
    """A flaw of `pattern`; `other` is what it collides with, `day` the first day it shows."""

    flaw: Flaw
    pattern: Pattern
    other: Pattern | None = None
    day: dt.date | None = None
    opening: tuple[tuple[int, int], ...] = ()
    """When the house is open on that weekday, in minutes after midnight."""


def problems(
    pattern: Pattern, others: Iterable[Pattern], opening: Iterable[Iterable[int]]
) -> Iterator[Problem]:
    """Yield what is wrong with a pattern of somebody who has the `others` already.

    `opening` are the hours of their site as ``[weekday, starts_minute, ends_minute]``; none
    means always open. Hours of video and phone alone need no open house.
    """
    if not 0 <= pattern.starts_minute < pattern.ends_minute <= _DAY_MINUTES:
        yield Problem(Flaw.ORDER, pattern)
        return
    if pattern.starts_minute % GRID_MINUTES or pattern.ends_minute % GRID_MINUTES:
        yield Problem(Flaw.GRID, pattern)
    if pattern.valid_until is not None and pattern.valid_until < pattern.valid_from:
        yield Problem(Flaw.VALIDITY, pattern)
        return
    if first_day(pattern, pattern.valid_from) is None:
        yield Problem(Flaw.NEVER, pattern)
        return
    opens = [*opening]
    if opens and not fits_opening(pattern, opens):
        there = sorted((start, end) for day, start, end in opens if day == pattern.weekday)
        yield Problem(Flaw.OPENING, pattern, opening=tuple(there))
    for other in others:
        day = first_common_day(pattern, other)
        if day is not None:
            yield Problem(Flaw.OVERLAP, pattern, other, day)


def fits_opening(pattern: Pattern, opening: Iterable[Iterable[int]]) -> bool:
    """Tell whether a house with these opening hours is open whenever visitors are received."""
    if pattern.ways and not {Way.IN_PERSON, Way.BRANCH_VIDEO} & {*pattern.ways}:
        return True
    minute = pattern.starts_minute
    for day, start, end in sorted(tuple(one) for one in opening):
        if day == pattern.weekday and start <= minute:
            minute = max(minute, end)
    return minute >= pattern.ends_minute


def first_day(pattern: Pattern, day: dt.date) -> dt.date | None:
    """Return the first day from `day` on, on which the hours are worked; None when there is none.

    Holidays count as any other day.
    """
    start = max(day, pattern.valid_from)
    start += _DAY * ((pattern.weekday - start.weekday()) % 7)
    for _ in range(pattern.every_weeks):
        if pattern.valid_until is not None and start > pattern.valid_until:
            return None
        if pattern.holds_on(start):
            return start
        start += _WEEK
    return None


def first_common_day(one: Pattern, other: Pattern) -> dt.date | None:
    """Return the first day on which both are worked at the same time; None when there is none."""
    if one.weekday != other.weekday:
        return None
    if one.ends_minute <= other.starts_minute or other.ends_minute <= one.starts_minute:
        return None
    day = first_day(one, other.valid_from)
    # Both alternations together repeat after their least common multiple.
    for _ in range(math.lcm(one.every_weeks, other.every_weeks)):
        if day is None or other.holds_on(day):
            return day
        day = first_day(one, day + _DAY)
    return None
