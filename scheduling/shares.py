"""Which of a caseworker's hours are kept for whom, where the office sets shares.

Hours are cut into blocks of about two hours, and a low-discrepancy sequence gives each block to
online booking, to reception or to the urgent reserve. So every day, every caseworker and every
time of day gets its share of each, no counting is needed, and the same hours stay with the same
askers until the office sets other shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduling.grid import Horizon, filled
from scheduling.hours import Pattern, Release, working
from scheduling.model import Way

BLOCK_MINUTES = 120
"""Long enough that several consultations fit, short enough that a small team has some of each."""

# The additive recurrence in three dimensions with the least known discrepancy (M. Roberts, "The
# Unreasonable Effectiveness of Quasirandom Sequences", 2018): powers of 1/g, g**4 = g + 1.
_BY_PERSON, _BY_DAY, _BY_BLOCK = 0.8191725133961645, 0.6710436067037893, 0.5497004779019703


@dataclass(frozen=True, slots=True)
class Shares:
    """Per cent of the hours for each asker. Raises `ValueError` unless they make up a hundred."""

    online: int
    reception: int
    urgent: int

    def __post_init__(self) -> None:
        """Refuse what does not add up."""
        parts = (self.online, self.reception, self.urgent)
        if min(parts) < 0 or sum(parts) != 100:
            raise ValueError("shares make up a hundred per cent")

    @classmethod
    def stored(cls, shares: Mapping[str, int]) -> Shares | None:
        """Return what a site keeps in `release_shares`; None where patterns alone decide."""
        return cls(*(shares.get(release, 0) for release in Release)) if shares else None

    def within(self, release: Release) -> tuple[float, float]:
        """Return between which numbers from 0 to 1 a block is kept for `release`."""
        urgent, reception = self.urgent / 100, (self.urgent + self.reception) / 100
        return {
            Release.URGENT: (0.0, urgent),
            Release.RECEPTION: (urgent, reception),
            Release.ONLINE: (reception, 1.0),
        }[release]


def kept(
    horizon: Horizon,
    patterns: tuple[Pattern, ...],
    way: Way,
    release: Release,
    shares: Shares,
    person_id: int,
) -> int:
    """Return the ticks of `patterns` that are kept for `release` and serve `way`.

    Hours that a pattern itself keeps for reception or as reserve stay so, besides their share.
    """
    least, below = shares.within(release)
    spans: list[tuple[int, int]] = []
    for pattern in patterns:
        if pattern.release != Release.ONLINE or (pattern.ways and way not in pattern.ways):
            continue
        dates = [date for date in horizon.weekdays(pattern.weekday) if pattern.holds_on(date)]
        for starts, ends in _blocks(pattern):
            place = person_id * _BY_PERSON + starts / BLOCK_MINUTES * _BY_BLOCK
            spans += [
                horizon.between(date, starts, ends)
                for date in dates
                if least <= (place + date.toordinal() * _BY_DAY) % 1 < below
            ]
    bitmap = filled(horizon.ticks, spans)
    if release is not Release.ONLINE:
        bitmap |= working(horizon, patterns, way, release)
    return bitmap


def _blocks(pattern: Pattern) -> Iterator[tuple[int, int]]:
    """Cut hours evenly on the grid; yield starts and ends in minutes after midnight."""
    ticks = (pattern.ends_minute - pattern.starts_minute) // 5
    count = max(1, round(ticks * 5 / BLOCK_MINUTES))
    for number in range(count):
        starts = pattern.starts_minute + ticks * number // count * 5
        yield starts, pattern.starts_minute + ticks * (number + 1) // count * 5
