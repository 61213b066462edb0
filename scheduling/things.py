"""Rooms, counters, tablets and cameras as their forms see them.

`scheduling.resources` stores them; here stands what holds for things alone.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, editing, loans, resources, schema
from scheduling.editing import Values
from scheduling.loans import DEVICES
from scheduling.model import Appointment, Kind, NotFound, Resource, Status
from scheduling.resources import OnLoan
from scheduling.worklist import Stranded

ROOMS = (Kind.ROOM, Kind.COUNTER)
THINGS = (*ROOMS, *DEVICES)


async def thing(tx: AsyncConnection, thing_id: int, *, to_change: bool = False) -> dict[str, Any]:
    """Return the record of a thing, in use or retired; see `editing.stored` for `to_change`.

    Raises `NotFound`, also for people.
    """
    found = await editing.stored(tx, schema.resource, thing_id, to_change=to_change)
    if found["kind"] not in THINGS:
        raise NotFound
    return found


async def retired(tx: AsyncConnection) -> list[Resource]:
    """Return every thing that is no longer in use, by name."""
    row = schema.resource
    rows = await tx.execute(
        select(row).where(~row.c.active, row.c.kind.in_([*THINGS])).order_by(row.c.name, row.c.id)
    )
    return [catalog.read_resource(one) for one in rows]


async def change(
    tx: AsyncConnection, thing_id: int, values: Values, *, seen: str, now: dt.datetime
) -> list[Stranded]:
    """Store what a thing is now; return the appointments that no longer fit.

    Only devices can move to another site, and only while nobody has them in their hands: for a
    room `NotFound` is raised, for a device `OnLoan`, and else what `resources.change` raises.
    """
    before = await thing(tx, thing_id, to_change=True)
    if values["site_id"] != before["site_id"]:
        if before["kind"] not in DEVICES:
            raise NotFound
        loan = next((one for one in await loans.out(tx) if one.device.id == thing_id), None)
        if loan is not None:
            raise OnLoan(loan)
    return await resources.change(tx, thing_id, values, seen=seen, now=now)


async def booked_for(tx: AsyncConnection, thing_id: int, now: dt.datetime) -> list[Appointment]:
    """Return the booked appointments to come that need the thing, in order of time."""
    claim, booked = schema.claim.c, schema.appointment.c
    ids = await tx.scalars(
        select(booked.id).where(
            claim.resource_id == thing_id, claim.appointment_id == booked.id,
            booked.status == Status.BOOKED, booked.starts_at > now,
        )
    )  # fmt: skip
    return await appointments.by_ids(tx, {*ids})
