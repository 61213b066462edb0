"""What is taken of each resource: its claims within a horizon, read as bitmaps.

The database sends one row per resource with all its claims packed together. One row per claim
would cost more, to send and to unpack, than everything else that a search does.
"""

from __future__ import annotations

import datetime as dt
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ARRAY, BigInteger, String, TextClause, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from scheduling.grid import TICK_SECONDS, Horizon, between_each, mask
from scheduling.schema import Instant, claim

# Ticks count from a day before the horizon, so that a claim that reaches into it is whole. No
# claim is longer than a day: so the index narrows the scan from both sides. Claims lie on the grid.
_SQLITE_CLAIMS = """
SELECT resource_id,
  '[' || coalesce(
    group_concat(((starts_at - :before) / :tick) || ',' || ((ends_at - :before) / :tick))
      FILTER (WHERE expires_at IS NULL), '') || ']',
  json_group_array(json_array(starts_at, ends_at, expires_at))
    FILTER (WHERE expires_at IS NOT NULL)
FROM claim
WHERE resource_id IN (SELECT value FROM json_each(:ids))
  AND starts_at >= :before AND starts_at < :end
GROUP BY resource_id
"""

# Instants travel as PostgreSQL holds them, eight bytes each; spelling them out would take it
# several times as long as finding them. All that never expires is one group.
_POSTGRESQL_CLAIMS = """
SELECT resource_id, timestamptz_send(expires_at),
  string_agg(timestamptz_send(starts_at) || timestamptz_send(ends_at), CAST('' AS bytea))
FROM claim
WHERE resource_id = ANY(:ids) AND starts_at >= :before AND starts_at < :end
GROUP BY resource_id, expires_at
"""

_DAY = dt.timedelta(days=1)
_DAY_TICKS = 86_400 // TICK_SECONDS
_SECOND = 1_000_000
_TICK = TICK_SECONDS * _SECOND
_POSTGRESQL_EPOCH = 946_684_800
"""2000-01-01, from which PostgreSQL counts microseconds, in seconds since 1970."""


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


FREE = Taken(0)


async def read(
    tx: AsyncConnection, resource_ids: Iterable[int], horizon: Horizon
) -> dict[int, Taken]:
    """Return what is taken of those resources, leaving out those that are free throughout."""
    ids = [*resource_ids]
    asked = {"before": horizon.start - _DAY, "end": horizon.end}
    if tx.dialect.name == "sqlite":
        rows = await tx.execute(_SQLITE, {**asked, "ids": json.dumps(ids), "tick": TICK_SECONDS})
        return {row[0]: _from_sqlite(horizon, *map(json.loads, row[1:])) for row in rows}
    found: dict[int, Taken] = {}
    for resource_id, expires, spans in await tx.execute(_POSTGRESQL, {**asked, "ids": ids}):
        before = found.get(resource_id, FREE)
        found[resource_id] = _from_postgresql(horizon, before, expires, spans)
    return found


async def without(
    tx: AsyncConnection, taken: Mapping[int, int], horizon: Horizon, appointment_id: int
) -> dict[int, int]:
    """Return `taken` (ticks by resource) as if that appointment had claimed nothing."""
    # Claims on one resource never overlap and lie on the grid, so its own ticks are its alone.
    rows = await tx.execute(
        select(claim.c.resource_id, claim.c.starts_at, claim.c.ends_at).where(
            claim.c.appointment_id == appointment_id
        )
    )
    freed = {**taken}
    for resource_id, start, end in rows:
        if resource_id in freed:
            own = horizon.touched([(int(start.timestamp()), int(end.timestamp()))])
            freed[resource_id] &= ~own
    return freed


def _from_sqlite(
    horizon: Horizon, boundaries: list[int], holds: list[tuple[int, int, int]]
) -> Taken:
    return Taken(
        _within(horizon, boundaries),
        tuple((horizon.touched([(start, end)]), expires) for start, end, expires in holds),
    )


def _from_postgresql(horizon: Horizon, before: Taken, expires: bytes | None, spans: bytes) -> Taken:
    """Return what was known `before` of a resource, and its claims that expire together."""
    origin = (horizon.origin - _POSTGRESQL_EPOCH) * _SECOND - _DAY_TICKS * _TICK
    instants = struct.unpack(f">{len(spans) // 8}q", spans)
    bitmap = _within(horizon, [(instant - origin) // _TICK for instant in instants])
    if expires is None:
        return replace(before, booked=bitmap)
    (instant,) = struct.unpack(">q", expires)
    hold = (bitmap, instant // _SECOND + _POSTGRESQL_EPOCH)
    return replace(before, holds=(*before.holds, hold))


def _within(horizon: Horizon, boundaries: Iterable[int]) -> int:
    """Return the bits of claims whose ticks count from a day before the horizon."""
    # The last claim may reach a day over the end.
    bitmap = between_each(horizon.ticks + 2 * _DAY_TICKS + 1, boundaries)
    return (bitmap >> _DAY_TICKS) & mask(0, horizon.ticks)


def _statement(words: str, *, ids: TypeEngine[Any]) -> TextClause:
    instants = [bindparam(name, type_=Instant) for name in ("before", "end")]
    return text(words).bindparams(*instants, bindparam("ids", type_=ids))


_SQLITE = _statement(_SQLITE_CLAIMS, ids=String())
_POSTGRESQL = _statement(_POSTGRESQL_CLAIMS, ids=ARRAY(BigInteger))
