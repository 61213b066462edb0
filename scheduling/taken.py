"""What is taken of each resource: its claims within a horizon, as bitmaps.

The database sends all claims of a resource packed together (`scheduling.difference`).
"""

from __future__ import annotations

import datetime as dt
import json
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scheduling import added
from scheduling.grid import TICK_SECONDS, Horizon, mask

_DAY_TICKS = 86_400 // TICK_SECONDS
_SECOND = 1_000_000
_TICK = TICK_SECONDS * _SECOND
_POSTGRESQL_EPOCH = 946_684_800
"""2000-01-01, from which PostgreSQL counts microseconds, in seconds since 1970."""

Claimed = tuple[int, dt.datetime, dt.datetime]
"""A claim: on which resource, from when, until when."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The claims on one resource within a horizon: appointments together, holds one by one."""

    booked: int
    holds: tuple[tuple[int, int], ...] = ()
    """The bits of each hold, and when it expires, in seconds since 1970."""

    def at(self, now: dt.datetime) -> int:
        """Return the ticks that are taken at the instant `now`."""
        if not self.holds:
            return self.booked
        bitmap, instant = self.booked, now.timestamp()
        for held, expires in self.holds:
            if expires > instant:
                bitmap |= held
        return bitmap

    def and_added(self, horizon: Horizon, entries: str, now: dt.datetime) -> Taken:
        """Return this with the claims of those `entries` beside (`scheduling.added`).

        Holds that were over at the instant `now`, or have been confirmed, are left out.
        """
        booked, holds = self.booked, list[tuple[int, int]]()
        for start, end, expires in added.read(entries):
            ticks = _covered_by(horizon, start, end)
            if expires:
                holds.append((ticks, expires))
            else:
                booked |= ticks
        instant = now.timestamp()
        kept = [one for one in (*self.holds, *holds) if one[1] > instant and one[0] & ~booked]
        return Taken(booked, tuple(kept))


def without(
    busy: Mapping[int, int], horizon: Horizon, some: Iterable[Claimed]
) -> Mapping[int, int]:
    """Return the `busy` ticks by resource as if `some` of the claims did not exist."""
    # Claims on one resource never overlap and lie on the grid, so its own ticks are its alone.
    freed = {**busy}
    for resource_id, start, end in some:
        if resource_id in freed:
            own = horizon.touched([(int(start.timestamp()), int(end.timestamp()))])
            freed[resource_id] &= ~own
    return freed


def from_sqlite(horizon: Horizon, packed: str, _holds: None) -> Taken:
    """Return what is `packed`: JSON of claims, one number each, and of holds, three each."""
    claims, holds = json.loads(packed)
    starts = _starts(horizon)
    for claimed in claims:  # ticks before it times 512, and how many it lasts
        starts[claimed & 511][claimed >> 12] |= 1 << (claimed >> 9 & 7)
    return Taken(
        _covered(horizon, starts),
        tuple((horizon.touched([(start, end)]), expires) for start, end, expires in holds),
    )


def from_postgresql(horizon: Horizon, claims: bytes, holds: bytes | None) -> Taken:
    """Return what is packed in `claims`, two instants each, and in `holds`, three each."""
    origin = (horizon.origin - _POSTGRESQL_EPOCH) * _SECOND - _DAY_TICKS * _TICK
    lasting: dict[int, bytearray] = _starts(horizon)
    for start, end in struct.iter_unpack(">2q", claims):
        tick = (start - origin) // _TICK
        lasting[end - start][tick >> 3] |= 1 << (tick & 7)
    starts = {lasts // _TICK: marks for lasts, marks in lasting.items()}
    return Taken(_covered(horizon, starts), tuple(_holds(horizon, holds)) if holds else ())


def _holds(horizon: Horizon, packed: bytes) -> Iterator[tuple[int, int]]:
    for instants in struct.iter_unpack(">3q", packed):
        start, end, expires = (one // _SECOND + _POSTGRESQL_EPOCH for one in instants)
        yield horizon.touched([(start, end)]), expires


def _covered_by(horizon: Horizon, start: int, end: int) -> int:
    """Return the ticks within the horizon from `start` to `end`, in seconds since 1970."""
    first, last = (start - horizon.origin) // TICK_SECONDS, (end - horizon.origin) // TICK_SECONDS
    return mask(max(first, 0), min(last, horizon.ticks))


def _starts(horizon: Horizon) -> dict[int, bytearray]:
    """Return where to mark starts: a bit for each tick from a day before the horizon, by length."""
    # Setting a bit of a long integer would copy it.
    size = (horizon.ticks + _DAY_TICKS) // 8 + 1
    return defaultdict(lambda: bytearray(size))


def _covered(horizon: Horizon, starts: Mapping[int, bytearray]) -> int:
    """Return the ticks within the horizon of claims that begin where `starts` says.

    They are by length in ticks. Claims do not overlap, so all ends less all starts of one length
    are its claims: a one is borrowed through each. Offices have few lengths.
    """
    bitmap = 0
    for length, marks in starts.items():
        begun = int.from_bytes(marks, "little")
        bitmap |= (begun << length) - begun
    return (bitmap >> _DAY_TICKS) & mask(0, horizon.ticks)
