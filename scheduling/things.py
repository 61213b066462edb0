"""Rooms, counters, tablets and cameras: adding, changing, retiring them and bringing them back.

A record is a mapping of its columns, as `scheduling.editing` compares it. Nothing is refused for
the sake of what is booked; `misfits` tells which appointments a change leaves without.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, editing, schema
from scheduling.editing import Values
from scheduling.model import Appointment, Kind, NotFound, PlanError, Resource, Status
from scheduling.premises import NameTaken

ROOMS = (Kind.ROOM, Kind.COUNTER)
DEVICES = (Kind.TABLET, Kind.CAMERA)
THINGS = (*ROOMS, *DEVICES)

_NOBODY: dict[str, list[str]] = {"skills": [], "languages": [], "ways": []}


class OnLoan(PlanError):
    """Somebody has the device in their hands; it must come back first."""

    def __init__(self, borrower: Resource) -> None:
        super().__init__()
        self.borrower = borrower


async def thing(tx: AsyncConnection, thing_id: int, *, to_change: bool = False) -> dict[str, Any]:
    """Return a thing's record, or raise `NotFound`; see `editing.stored` for `to_change`."""
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


async def add(tx: AsyncConnection, values: Values) -> int:
    """Put a thing to use; return its id. Raises `NameTaken`."""
    row = schema.resource
    try:
        async with tx.begin_nested():
            done = await tx.execute(
                insert(row).values(**_NOBODY, active=True, **values).returning(row.c.id)
            )
    except IntegrityError as error:
        raise NameTaken from error
    await catalog.changed(tx, values["site_id"])
    return int(done.scalar_one())


async def change(tx: AsyncConnection, thing_id: int, values: Values) -> None:
    """Store what a thing is now. Raises `NotFound`, `NameTaken`, or `OnLoan`.

    Only devices can move to another site, and only while nobody has them in their hands.
    """
    before = await thing(tx, thing_id, to_change=True)
    if values["site_id"] != before["site_id"]:
        if before["kind"] not in DEVICES:
            raise NotFound
        await _refuse_on_loan(tx, thing_id)
    try:
        async with tx.begin_nested():
            row = schema.resource
            await tx.execute(update(row).where(row.c.id == thing_id).values(**values))
    except IntegrityError as error:
        raise NameTaken from error
    for site_id in sorted({before["site_id"], values["site_id"]}):
        await catalog.changed(tx, site_id)


async def retire(tx: AsyncConnection, thing_id: int) -> None:
    """Take a thing out of use; what it is booked for goes to the worklist.

    Raises `NotFound` or `OnLoan`. Doing it twice changes nothing.
    """
    before = await thing(tx, thing_id, to_change=True)
    await _refuse_on_loan(tx, thing_id)
    await _set_active(tx, thing_id, before["site_id"], active=False)


async def bring_back(tx: AsyncConnection, thing_id: int) -> None:
    """Put a retired thing to use again. Raises `NotFound`."""
    before = await thing(tx, thing_id, to_change=True)
    await _set_active(tx, thing_id, before["site_id"], active=True)


async def booked_for(
    tx: AsyncConnection, thing_ids: Collection[int], now: dt.datetime
) -> list[Appointment]:
    """Return the booked appointments that are not over and have claimed one of the things."""
    claim, booked = schema.claim.c, schema.appointment.c
    ids = await tx.scalars(
        select(claim.appointment_id).where(
            claim.resource_id.in_([*thing_ids]), claim.appointment_id == booked.id,
            booked.status == Status.BOOKED, booked.ends_at > now,
        )
    )  # fmt: skip
    return await appointments.by_ids(tx, {*ids})


async def _set_active(tx: AsyncConnection, thing_id: int, site_id: int, *, active: bool) -> None:
    row = schema.resource
    await tx.execute(update(row).where(row.c.id == thing_id).values(active=active))
    await catalog.changed(tx, site_id)


async def _refuse_on_loan(tx: AsyncConnection, thing_id: int) -> None:
    row = schema.loan.c
    borrower = await tx.scalar(
        select(row.borrower_id).where(row.device_id == thing_id, row.returned_at.is_(None))
    )
    if borrower is not None:
        raise OnLoan((await catalog.resources_by_id(tx, [borrower]))[borrower])
