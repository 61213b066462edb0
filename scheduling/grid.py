"""Time as one integer: a bit for every five minutes, so that searching is a few shifts.

A `Horizon` is some consecutive local days. Bit 0 is the five minutes that begin at its first
local midnight; bits count time that really passes, so a day has 288 of them, or 276 and 300
when the clocks change, and nothing else has to know about that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

TICK_SECONDS = 300
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Horizon:
    """The local days `first` to `last`, both included; an earlier `last` makes it empty."""

    first: dt.date
    last: dt.date

    @property
    def start(self) -> dt.datetime:
        """The first midnight, in UTC."""
        return dt.datetime.fromtimestamp(self.origin, dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The midnight after the last day, in UTC."""
        return dt.datetime.fromtimestamp(self.origin + self.ticks * TICK_SECONDS, dt.UTC)

    @property
    def origin(self) -> int:
        """The first midnight, in seconds since 1970."""
        return _local_seconds(self.first, 0)

    @property
    def ticks(self) -> int:
        """How many bits there are."""
        return max(0, _local_seconds(self.last, 1440) - self.origin) // TICK_SECONDS

    def dates(self) -> Iterator[dt.date]:
        """Yield every day."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + dt.timedelta(days=offset)

    def tick(self, instant: dt.datetime) -> int:
        """Return the tick that `instant` falls into; negative or too large when outside."""
        return (int(instant.timestamp()) - self.origin) // TICK_SECONDS

    def wall_clock(self, date: dt.date, starts_minute: int, ends_minute: int) -> int:
        """Return the bits between two wall-clock times of a day, in minutes after midnight."""
        origin = self.origin
        first = (_local_seconds(date, starts_minute) - origin) // TICK_SECONDS
        return mask(first, (_local_seconds(date, ends_minute) - origin) // TICK_SECONDS)

    def touched(self, spans: Iterable[tuple[int, int]]) -> int:
        """Return the bits that any of the `spans`, ``[start, end)`` in seconds, touches."""
        origin, ticks = self.origin, self.ticks
        # One digit per bit, highest first: filling slices and reading the number once is
        # several times as fast as shifting and joining an integer for every span.
        digits = bytearray(b"0") * (ticks + 1)
        for start, end in spans:
            first = max((start - origin) // TICK_SECONDS, 0)
            last = min(-((origin - end) // TICK_SECONDS), ticks)
            if first < last:
                digits[ticks + 1 - last : ticks + 1 - first] = b"1" * (last - first)
        return int(digits, 2)

    def instants(self, value: int) -> Iterator[dt.datetime]:
        """Yield the beginnings, in UTC, of the ticks whose bits are set."""
        origin = self.origin
        for position in bits(value):
            yield dt.datetime.fromtimestamp(origin + position * TICK_SECONDS, dt.UTC)

    def grid(self, step_minutes: int) -> int:
        """Return a bit for each wall-clock start on a grid of `step_minutes` after midnight."""
        return _grid(self, step_minutes)


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
    digits = f"{value:b}"[::-1]
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)


def local_date(instant: dt.datetime) -> dt.date:
    """Return the day on which `instant` falls where the office is."""
    return instant.astimezone(ZONE).date()


@lru_cache(maxsize=64)
def _grid(horizon: Horizon, step_minutes: int) -> int:
    origin, grid = horizon.origin, 0
    for date in horizon.dates():
        for minute in range(0, 1440, step_minutes):
            grid |= 1 << (_local_seconds(date, minute) - origin) // TICK_SECONDS
    return grid


@lru_cache(maxsize=4096)
def _local_seconds(date: dt.date, minute: int) -> int:
    days, minute = divmod(minute, 1440)
    wall = dt.time(minute // 60, minute % 60)
    return int(dt.datetime.combine(date + dt.timedelta(days=days), wall, ZONE).timestamp())
