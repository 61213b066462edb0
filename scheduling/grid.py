"""Days as integers: one bit for every five minutes, so that searching is a few shifts.

Bit 0 of a day is the five minutes that begin at local midnight. A day has as many bits as
five-minute steps really pass in it: 288, or 276 and 300 when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

TICK_SECONDS = 300
ZONE = ZoneInfo("Europe/Berlin")
_UTC_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Day:
    """One local day. `midnight` counts seconds since 1970, `ticks` its five-minute steps."""

    date: dt.date
    midnight: int
    ticks: int

    @classmethod
    def of(cls, date: dt.date) -> Day:
        """Measure the local day `date`."""
        midnight = _local_seconds(date, 0)
        length = _local_seconds(date + dt.timedelta(days=1), 0) - midnight
        return cls(date, midnight, length // TICK_SECONDS)

    def pattern(self, starts_minute: int, ends_minute: int) -> int:
        """Return the bits between two wall-clock times, given in minutes after midnight."""
        if self.ticks * TICK_SECONDS == _UTC_DAY:
            return mask(starts_minute // 5, ends_minute // 5)
        return self.between(
            _local_seconds(self.date, starts_minute), _local_seconds(self.date, ends_minute)
        )

    def between(self, start: int, end: int) -> int:
        """Return the bits that the seconds ``[start, end)`` touch, cut to this day."""
        first = max((start - self.midnight) // TICK_SECONDS, 0)
        last = min(-((self.midnight - end) // TICK_SECONDS), self.ticks)
        return mask(first, last)

    def start_of(self, tick: int) -> dt.datetime:
        """Return the instant at which `tick` begins, in UTC."""
        return dt.datetime.fromtimestamp(self.midnight + tick * TICK_SECONDS, dt.UTC)


def mask(first: int, last: int) -> int:
    """Return the bits `first` up to but without `last`."""
    return ((1 << (last - first)) - 1) << first if last > first else 0


def starts(free: int, ticks: int) -> int:
    """Return a bit wherever a run of `ticks` free bits begins.

    The run is doubled instead of lengthened, so an hour takes four shifts, not eleven.
    """
    done = 1
    while done < ticks and free:
        step = min(done, ticks - done)
        free &= free >> step
        done += step
    return free


def bits(value: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while value:
        lowest = value & -value
        yield lowest.bit_length() - 1
        value ^= lowest


def every(step_minutes: int, ticks: int) -> int:
    """Return a bit for each start on a grid of `step_minutes` after midnight."""
    step = step_minutes // 5
    return sum(1 << tick for tick in range(0, ticks, step))


def local_date(instant: dt.datetime) -> dt.date:
    """Return the day on which `instant` falls where the office is."""
    return instant.astimezone(ZONE).date()


def _local_seconds(date: dt.date, minute: int) -> int:
    days, minute = divmod(minute, 1440)
    wall = dt.time(minute // 60, minute % 60)
    return int(dt.datetime.combine(date + dt.timedelta(days=days), wall, ZONE).timestamp())
