"""Absences, closures and outages, and the appointments they put in question.

Closing is never refused because something is booked: what is booked then stands on a worklist
until it is rearranged, cancelled, or the closure is lifted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, schema
from scheduling.model import Appointment, NotFound, Span, Status, Way


@dataclass(frozen=True, slots=True)
class Closed:
    """A closure as it stands in the plan: of a site or of one resource.

    No `ways` means all. `kind` is ``absence``, ``closure`` or ``outage``.
    """

    id: int
    site_id: int | None
    resource_id: int | None
    span: Span
    ways: frozenset[str]
    kind: str
    note: str


async def close(
    tx: AsyncConnection,
    span: Span,
    *,
    site_id: int | None = None,
    resource_id: int | None = None,
    ways: Iterable[Way] = (),
    kind: str = "closure",
    note: str = "",
) -> int:
    """Close a site or a resource for `span`; return the closure's id. Raises `NotFound`."""
    home = site_id if site_id is not None else await _site_of(tx, resource_id)
    row = schema.closure
    done = await tx.execute(
        insert(row)
        .values(
            site_id=site_id,
            resource_id=resource_id,
            starts_at=span.start,
            ends_at=span.end,
            ways=sorted(ways),
            kind=kind,
            note=note,
        )
        .returning(row.c.id)
    )
    await catalog.changed(tx, home)
    return int(done.scalar_one())


async def lift(tx: AsyncConnection, closure_id: int) -> None:
    """Take a closure back. Raises `NotFound`."""
    found = await by_id(tx, closure_id)
    home = found.site_id if found.site_id is not None else await _site_of(tx, found.resource_id)
    await tx.execute(delete(schema.closure).where(schema.closure.c.id == closure_id))
    await catalog.changed(tx, home)


async def by_id(tx: AsyncConnection, closure_id: int) -> Closed:
    """Return one closure, or raise `NotFound`."""
    for one in await _closures(tx, schema.closure.c.id == closure_id):
        return one
    raise NotFound


async def current(tx: AsyncConnection, now: dt.datetime) -> list[Closed]:
    """Return every closure that is not over, the next one first."""
    return await _closures(tx, schema.closure.c.ends_at > now)


async def affected(
    tx: AsyncConnection, now: dt.datetime, closure_id: int | None = None
) -> list[Appointment]:
    """Return the booked appointments that a closure (or any one) makes impossible, in order."""
    closure, claim, resource, booked = (
        schema.closure.c, schema.claim.c, schema.resource.c, schema.appointment.c,
    )  # fmt: skip
    rows = await tx.execute(
        select(claim.appointment_id, closure.ways, booked.way).where(
            closure.id == closure_id if closure_id is not None else closure.ends_at > now,
            or_(closure.resource_id == resource.id, closure.site_id == resource.site_id),
            claim.resource_id == resource.id,
            claim.appointment_id == booked.id,
            # The buffer after a consultation may reach into a closure; the talk may not.
            booked.starts_at < closure.ends_at,
            booked.ends_at > closure.starts_at,
            booked.status == Status.BOOKED,
            booked.ends_at > now,
        )
    )
    ids = {row.appointment_id for row in rows if not row.ways or row.way in row.ways}
    return await appointments.by_ids(tx, ids)


async def _site_of(tx: AsyncConnection, resource_id: int | None) -> int:
    row = schema.resource
    found = await tx.scalar(select(row.c.site_id).where(row.c.id == resource_id))
    if found is None:
        raise NotFound
    return int(found)


async def _closures(tx: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Closed]:
    row = schema.closure
    rows = await tx.execute(select(row).where(*conditions).order_by(row.c.starts_at, row.c.id))
    return [
        Closed(
            one.id, one.site_id, one.resource_id, Span(one.starts_at, one.ends_at),
            frozenset(one.ways), one.kind, one.note,
        )
        for one in rows
    ]  # fmt: skip
