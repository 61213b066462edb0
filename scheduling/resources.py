"""Adding, changing and retiring what can be claimed: people, rooms, counters and devices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, editing, loans, schema, worklist
from scheduling.editing import Values
from scheduling.loans import Loan
from scheduling.model import Kind, PlanError
from scheduling.worklist import Stranded

_EMPTY: Values = {"features": [], "skills": [], "languages": [], "ways": []}


class NameTaken(PlanError):
    """Another of the kind has that name at the site; `active` is False for a retired one."""

    def __init__(self, resource_id: int, *, active: bool) -> None:
        super().__init__()
        self.resource_id = resource_id
        self.active = active


class Retired(PlanError):
    """Who or what has been retired cannot be changed, only brought back."""


class OnLoan(PlanError):
    """The device is in somebody's hands and must come back first."""

    def __init__(self, loan: Loan) -> None:
        super().__init__()
        self.loan = loan


async def add(tx: AsyncConnection, kind: Kind, values: Values) -> int:
    """Add one with those `values` (columns of ``resource``); return its id.

    Raises `NameTaken`.
    """
    await _refuse_name(tx, kind, values)
    table = schema.resource
    try:
        async with tx.begin_nested():
            done = await tx.execute(
                insert(table)
                .values({**_EMPTY, **values, "kind": kind, "active": True})
                .returning(table.c.id)
            )
            # Within the savepoint, which SQLite does not end before a statement's rows are read.
            added = int(done.scalar_one())
    except IntegrityError as error:
        raise await _of_name(tx, kind, values) or error from error
    await catalog.changed(tx, values["site_id"])
    return added


async def change(
    tx: AsyncConnection, resource_id: int, values: Values, *, seen: str, now: dt.datetime
) -> list[Stranded]:
    """Change what `values` name; return the appointments that no longer fit.

    `seen` is the fingerprint of what the form was filled from. Raises `Conflict`, `NameTaken`,
    `Retired` or `NotFound`.
    """
    before = await for_change(tx, resource_id)
    editing.refuse_if_changed(seen, before)
    after = {**before, **values}
    await _refuse_name(tx, Kind(before["kind"]), after, except_id=resource_id)
    try:
        async with tx.begin_nested():
            await _set(tx, resource_id, values)
    except IntegrityError as error:
        raise await _of_name(tx, Kind(before["kind"]), after, resource_id) or error from error
    for site_id in {before["site_id"], after["site_id"]}:
        await catalog.changed(tx, site_id)
    return await worklist.review(tx, now, resource_ids=[resource_id])


async def retire(tx: AsyncConnection, resource_id: int, now: dt.datetime) -> list[Stranded]:
    """Take one out of the plan from now on; return the appointments that lose it.

    The past keeps its name. Raises `OnLoan`, or `NotFound`; doing it twice changes nothing.
    """
    before = await editing.stored(tx, schema.resource, resource_id, to_change=True)
    loan = next((one for one in await loans.out(tx) if one.device.id == resource_id), None)
    if loan is not None:
        raise OnLoan(loan)
    await _set(tx, resource_id, {"active": False})
    await catalog.changed(tx, before["site_id"])
    return await worklist.review(tx, now, resource_ids=[resource_id])


async def bring_back(tx: AsyncConnection, resource_id: int) -> None:
    """Put a retired one into the plan again, with the hours it had. Raises `NotFound`."""
    before = await editing.stored(tx, schema.resource, resource_id, to_change=True)
    await _set(tx, resource_id, {"active": True})
    await catalog.changed(tx, before["site_id"])


async def for_change(tx: AsyncConnection, resource_id: int) -> dict[str, Any]:
    """Return one's values; others who want to change it or its hours wait until we are done.

    Raises `Retired` or `NotFound`.
    """
    before = await editing.stored(tx, schema.resource, resource_id, to_change=True)
    if not before["active"]:
        raise Retired
    return before


async def _set(tx: AsyncConnection, resource_id: int, values: Values) -> None:
    table = schema.resource
    if values:
        await tx.execute(update(table).where(table.c.id == resource_id).values({**values}))


async def _refuse_name(
    tx: AsyncConnection, kind: Kind, values: Values, *, except_id: int = 0
) -> None:
    """Refuse a name that differs from another's in capitals alone; the rest settles the store."""
    found = await _of_name(tx, kind, values, except_id)
    if found is not None:
        raise found


async def _of_name(
    tx: AsyncConnection, kind: Kind, values: Values, except_id: int = 0
) -> NameTaken | None:
    one = schema.resource.c
    rows = await tx.execute(
        select(one.id, one.active).where(
            one.site_id == values["site_id"],
            one.kind == kind,
            func.lower(one.name) == func.lower(values["name"]),
            one.id != except_id,
        )
    )
    return next((NameTaken(row.id, active=row.active) for row in rows), None)
