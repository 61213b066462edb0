"""Free times as people choose among them: by day, by morning and afternoon, in two weeks."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from scheduling.model import Slot

WINDOW_DAYS = 14
_NOON = dt.time(12)


@dataclass(frozen=True, slots=True)
class FreeDay:
    """The free times of one local day, in order; `noon` is when its afternoon begins."""

    date: dt.date
    starts: tuple[dt.datetime, ...]
    noon: dt.datetime

    @property
    def count(self) -> int:
        """How many times the day offers."""
        return len(self.starts)

    @property
    def morning(self) -> tuple[dt.datetime, ...]:
        """The times before noon."""
        return self.starts[: bisect_left(self.starts, self.noon)]

    @property
    def afternoon(self) -> tuple[dt.datetime, ...]:
        """The times from noon on."""
        return self.starts[bisect_left(self.starts, self.noon) :]


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


def free_days(slots: Sequence[Slot], timezone: ZoneInfo) -> tuple[FreeDay, ...]:
    """Group `slots`, which are in order of time, by local day."""
    starts = [slot.start for slot in slots]
    days: list[FreeDay] = []
    first = 0
    while first < len(starts):
        # Where a day ends is asked once for the day, not its date for each of its times.
        date = starts[first].astimezone(timezone).date()
        midnight = dt.datetime.combine(date + dt.timedelta(days=1), dt.time(), timezone)
        last = bisect_left(starts, midnight.astimezone(dt.UTC), first)
        noon = dt.datetime.combine(date, _NOON, timezone).astimezone(dt.UTC)
        days.append(FreeDay(date, tuple(starts[first:last]), noon))
        first = last
    return tuple(days)


def timetable(
    slots: Sequence[Slot], window: Window, timezone: ZoneInfo, wanted: dt.date | None
) -> Timetable:
    """Lay out `slots`; the open day is the wanted one, or the first that has times."""
    days = free_days(slots, timezone)
    chosen = next((day for day in days if day.date == wanted), days[0] if days else None)
    return Timetable(days, chosen, window.first, window.earlier, window.later)
