"""Time as one integer: a bit for every five minutes, so that searching is a few shifts.

A `Horizon` is some consecutive local days. Bit 0 is the five minutes that begin at its first
local midnight; bits count time that really passes, so a day has 288 of them, or 276 and 300
when the clocks change, and nothing else has to know about that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

TICK_SECONDS = 300
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Horizon:
    """The local days `first` to `last`, both included; an earlier `last` makes it empty."""

    first: dt.date
    last: dt.date
    origin: int = field(init=False, repr=False, compare=False)
    """The first midnight, in seconds since 1970."""
    ticks: int = field(init=False, repr=False, compare=False)
    """How many bits there are."""

    def __post_init__(self) -> None:
        """Work out once what every search asks hundreds of times."""
        origin = _local_seconds(self.first, 0)
        ticks = max(0, _local_seconds(self.last, 1440) - origin) // TICK_SECONDS
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "ticks", ticks)

    def __hash__(self) -> int:
        """Take what was worked out already; everything that is remembered is asked by this."""
        return self.origin ^ self.ticks

    @property
    def start(self) -> dt.datetime:
        """The first midnight, in UTC."""
        return dt.datetime.fromtimestamp(self.origin, dt.UTC)

    @property
    def end(self) -> dt.datetime:
        """The midnight after the last day, in UTC."""
        return dt.datetime.fromtimestamp(self.origin + self.ticks * TICK_SECONDS, dt.UTC)

    def dates(self) -> Iterator[dt.date]:
        """Yield every day."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + dt.timedelta(days=offset)

    def tick(self, instant: dt.datetime) -> int:
        """Return the tick that `instant` falls into; negative or too large when outside."""
        return (int(instant.timestamp()) - self.origin) // TICK_SECONDS

    def weekdays(self, weekday: int) -> Iterator[dt.date]:
        """Yield every such weekday, 0 being Monday."""
        ahead = (weekday - self.first.weekday()) % 7
        for offset in range(ahead, (self.last - self.first).days + 1, 7):
            yield self.first + dt.timedelta(days=offset)

    def between(self, date: dt.date, starts_minute: int, ends_minute: int) -> tuple[int, int]:
        """Return the ticks from and up to two wall-clock times, in minutes after midnight."""
        first = (_local_seconds(date, starts_minute) - self.origin) // TICK_SECONDS
        return first, (_local_seconds(date, ends_minute) - self.origin) // TICK_SECONDS

    def wall_clock(self, date: dt.date, starts_minute: int, ends_minute: int) -> int:
        """Return the bits between two wall-clock times of a day, in minutes after midnight."""
        return mask(*self.between(date, starts_minute, ends_minute))

    def weekly(self, weekday: int, starts_minute: int, ends_minute: int) -> int:
        """Return the bits between two wall-clock times of every such weekday, 0 being Monday."""
        midnights, irregular = _weekday(self, weekday)
        # All midnights moved to the ends, less all moved to the starts: a one is borrowed
        # through each of the runs, so that one subtraction fills them all.
        ends, starts = ends_minute * 60 // TICK_SECONDS, starts_minute * 60 // TICK_SECONDS
        bitmap = (midnights << ends) - (midnights << starts)
        for date in irregular:
            bitmap |= self.wall_clock(date, starts_minute, ends_minute)
        return bitmap

    def touched(self, spans: Iterable[tuple[int, int]]) -> int:
        """Return the bits that any of the `spans`, ``[start, end)`` in seconds, touches."""
        origin, ticks = self.origin, self.ticks
        return filled(
            ticks,
            (
                (
                    max((start - origin) // TICK_SECONDS, 0),
                    min(-((origin - end) // TICK_SECONDS), ticks),
                )
                for start, end in spans
            ),
        )

    def instants(self, value: int) -> list[dt.datetime]:
        """Return the beginnings, in UTC, of the ticks whose bits are set."""
        origin = self.origin
        return [_instant(origin + position * TICK_SECONDS) for position in bits(value)]

    def grid(self, step_minutes: int) -> int:
        """Return a bit for each wall-clock start on a grid of `step_minutes` after midnight."""
        return _grid(self, step_minutes)


_ONES = b"1" * (400 * 86_400 // TICK_SECONDS)
"""As many digits as the longest horizon has ticks."""


def mask(first: int, last: int) -> int:
    """Return the bits `first` up to but without `last`."""
    return ((1 << (last - first)) - 1) << first if last > first else 0


def filled(ticks: int, spans: Iterable[tuple[int, int]]) -> int:
    """Return those of the bits ``[first, last)`` of each of the `spans` that are below `ticks`.

    No span begins before tick 0.
    """
    # Joining every span to one long integer would copy all of it each time. So spans are laid
    # side by side as binary digits, the highest first, which become an integer at the end.
    digits = bytearray(b"0") * ticks
    for first, last in spans:
        end = min(ticks, last)
        if first < end:
            digits[ticks - end : ticks - first] = _ONES[: end - first]
    return int(digits, 2) if digits else 0


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


@lru_cache(maxsize=16_384)
def _instant(seconds: int) -> dt.datetime:
    # Searches find the same weeks again and again.
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def local_date(instant: dt.datetime) -> dt.date:
    """Return the day on which `instant` falls where the office is."""
    return instant.astimezone(ZONE).date()


@lru_cache(maxsize=64)
def days_between(first: dt.date, last: dt.date) -> Horizon:
    """Return the same horizon for the same days, which dictionaries find faster."""
    return Horizon(first, last)


@lru_cache(maxsize=256)
def _weekday(horizon: Horizon, weekday: int) -> tuple[int, tuple[dt.date, ...]]:
    """Return the midnights of that weekday's days of 24 hours, and its days of another length."""
    midnights, irregular = 0, []
    for date in horizon.weekdays(weekday):
        midnight = _local_seconds(date, 0)
        if _local_seconds(date, 1440) - midnight == 86_400:
            midnights |= 1 << (midnight - horizon.origin) // TICK_SECONDS
        else:
            irregular.append(date)
    return midnights, tuple(irregular)


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
