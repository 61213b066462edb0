"""When somebody works and something is open: weekly patterns, opening hours, closures, holidays.

Pure functions over a `Horizon`; the result is always one integer of free ticks.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import holidays

from scheduling.grid import Horizon, mask
from scheduling.model import Way


class Release(enum.StrEnum):
    """For whom hours are kept."""

    ONLINE = "online"
    RECEPTION = "reception"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Weekly hours. `weekday` 0 is Monday; times are minutes after midnight on the wall clock.

    No `ways` means all. Every `every_weeks` weeks, counted from the week of `valid_from`.
    """

    weekday: int
    starts_minute: int
    ends_minute: int
    valid_from: dt.date
    valid_until: dt.date | None = None
    every_weeks: int = 1
    ways: tuple[str, ...] = ()
    release: str = Release.ONLINE

    def always(self, horizon: Horizon) -> bool:
        """Tell whether these hours are worked every week of the whole `horizon`."""
        return (
            self.every_weeks == 1
            and self.valid_from <= horizon.first
            and (self.valid_until is None or self.valid_until >= horizon.last)
        )

    def holds_on(self, date: dt.date) -> bool:
        """Tell whether these hours are worked on `date`, holidays apart."""
        if date.weekday() != self.weekday or date < self.valid_from:
            return False
        if self.valid_until is not None and date > self.valid_until:
            return False
        first_monday = self.valid_from - dt.timedelta(days=self.valid_from.weekday())
        return ((date - first_monday).days // 7) % self.every_weeks == 0


@dataclass(frozen=True, slots=True)
class Closure:
    """A time in which a site or a resource cannot be had, in some ways or (none named) in all."""

    start: dt.datetime
    end: dt.datetime
    ways: tuple[str, ...] = ()


def working(
    horizon: Horizon,
    patterns: tuple[Pattern, ...],
    way: Way,
    release: Release,
) -> int:
    """Return the ticks that `patterns` keep for `release` and that serve `way`."""
    bitmap = 0
    for pattern in patterns:
        if pattern.release != release or (pattern.ways and way not in pattern.ways):
            continue
        starts, ends = pattern.starts_minute, pattern.ends_minute
        if pattern.always(horizon):
            bitmap |= horizon.weekly(pattern.weekday, starts, ends)
            continue
        for date in horizon.weekdays(pattern.weekday):
            if pattern.holds_on(date):
                bitmap |= horizon.wall_clock(date, starts, ends)
    return bitmap


def closed(horizon: Horizon, closures: tuple[Closure, ...], way: Way) -> int:
    """Return the ticks at which one of the `closures` forbids `way`."""
    if not closures:
        return 0
    return horizon.touched(
        (int(closure.start.timestamp()), int(closure.end.timestamp()))
        for closure in closures
        if not closure.ways or way in closure.ways
    )


@lru_cache(maxsize=256)
def public_holidays(horizon: Horizon, state: str) -> int:
    """Return the ticks of the days that are holidays in the federal `state`."""
    bitmap = 0
    for date in horizon.dates():
        if date in _holidays(date.year, state):
            bitmap |= horizon.wall_clock(date, 0, 1440)
    return bitmap


def named_holidays(horizon: Horizon, state: str) -> dict[dt.date, str]:
    """Return the holidays of the federal `state` with their German names."""
    return {
        date: name
        for date in horizon.dates()
        if (name := _holidays(date.year, state).get(date)) is not None
    }


def whole(horizon: Horizon) -> int:
    """Return all ticks."""
    return mask(0, horizon.ticks)


@lru_cache(maxsize=64)
def _holidays(year: int, state: str) -> Mapping[dt.date, str]:
    # A copy: the library's own mapping would reckon with further years when asked for them.
    return {**holidays.country_holidays("DE", subdiv=state, years=year, language="de")}
