"""Free times as people choose among them: by day, by morning and afternoon, in two weeks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from zoneinfo import ZoneInfo

from scheduling.model import Slot

WINDOW_DAYS = 14
_NOON = 12


@dataclass(frozen=True, slots=True)
class FreeDay:
    """The free times of one day; the starts are in local time."""

    date: dt.date
    morning: tuple[dt.datetime, ...]
    afternoon: tuple[dt.datetime, ...]

    @property
    def count(self) -> int:
        """How many times the day offers."""
        return len(self.morning) + len(self.afternoon)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The days of a window that have free times, and the one that is open.

    `earlier` and `later` are the first days of the windows before and after, if any.
    """

    days: tuple[FreeDay, ...]
    chosen: FreeDay | None
    first: dt.date
    earlier: dt.date | None
    later: dt.date | None


@dataclass(frozen=True, slots=True)
class Window:
    """The days that a page of free times covers, within `today` and the `horizon`."""

    first: dt.date
    today: dt.date
    horizon: dt.date

    @classmethod
    def around(cls, wanted: dt.date, today: dt.date, horizon: dt.date) -> Window:
        """Put a wanted first day into the bounds."""
        return cls(min(max(wanted, today), horizon), today, horizon)

    @property
    def last(self) -> dt.date:
        """The last day, included."""
        return min(self.first + dt.timedelta(days=WINDOW_DAYS - 1), self.horizon)

    @property
    def earlier(self) -> dt.date | None:
        """The first day of the window before."""
        if self.first <= self.today:
            return None
        return max(self.first - dt.timedelta(days=WINDOW_DAYS), self.today)

    @property
    def later(self) -> dt.date | None:
        """The first day of the window after."""
        following = self.first + dt.timedelta(days=WINDOW_DAYS)
        return following if following <= self.horizon else None


def free_days(slots: Iterable[Slot], timezone: ZoneInfo) -> tuple[FreeDay, ...]:
    """Group `slots`, which are in order of time, by local day."""
    local = (slot.start.astimezone(timezone) for slot in slots)
    return tuple(
        _free_day(date, tuple(starts))
        for date, starts in groupby(local, lambda start: start.date())
    )


def timetable(
    slots: Iterable[Slot], window: Window, timezone: ZoneInfo, wanted: dt.date | None
) -> Timetable:
    """Lay out `slots`; the open day is the wanted one, or the first that has times."""
    days = free_days(slots, timezone)
    chosen = next((day for day in days if day.date == wanted), days[0] if days else None)
    return Timetable(days, chosen, window.first, window.earlier, window.later)


def _free_day(date: dt.date, starts: tuple[dt.datetime, ...]) -> FreeDay:
    return FreeDay(
        date,
        tuple(start for start in starts if start.hour < _NOON),
        tuple(start for start in starts if start.hour >= _NOON),
    )
