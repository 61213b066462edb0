"""Who has which tablet or camera: hand-out, return, and what to do when one is overdue."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, changes, claims, device_uses, schema, sessions
from scheduling.device_uses import Use
from scheduling.model import Appointment, Closed, Kind, NotFound, PlanError, Resource, SlotTaken

DEVICES = (Kind.TABLET, Kind.CAMERA)


class AlreadyOut(PlanError):
    """Somebody else has the device; it must come back first."""


@dataclass(frozen=True, slots=True)
class Loan:
    """A device in somebody's hands."""

    id: int
    device: Resource
    borrower: Resource
    out_at: dt.datetime
    due_at: dt.datetime


async def hand_out(
    tx: AsyncConnection, device_id: int, borrower_id: int, due_at: dt.datetime, now: dt.datetime
) -> None:
    """Note that the borrower has the device until `due_at`.

    Raises `AlreadyOut`, or `NotFound` where it is no device.
    """
    known = await catalog.resources_by_id(tx, [device_id, borrower_id])
    if len(known) < 2 or known[device_id].kind not in DEVICES:
        raise NotFound
    try:
        async with tx.begin_nested():
            await tx.execute(
                insert(schema.loan).values(
                    device_id=device_id, borrower_id=borrower_id, out_at=now, due_at=due_at
                )
            )
    except IntegrityError as error:
        raise AlreadyOut from error


async def take_back(tx: AsyncConnection, device_id: int, now: dt.datetime) -> None:
    """Note that the device is back. Raises `NotFound` when nobody had it."""
    row = schema.loan
    done = await tx.execute(
        update(row)
        .where(row.c.device_id == device_id, row.c.returned_at.is_(None))
        .values(returned_at=now)
    )
    if not done.rowcount:
        raise NotFound


async def out(tx: AsyncConnection) -> list[Loan]:
    """Return every device that is out, the most overdue first."""
    row = schema.loan
    rows = (
        await tx.execute(select(row).where(row.c.returned_at.is_(None)).order_by(row.c.due_at))
    ).all()
    known = await catalog.resources_by_id(
        tx, {one for row in rows for one in (row.device_id, row.borrower_id)}
    )
    return [
        Loan(one.id, known[one.device_id], known[one.borrower_id], one.out_at, one.due_at)
        for one in rows
    ]


async def cover_overdue(
    tx: AsyncConnection, now: dt.datetime, *, actor: str
) -> tuple[list[Use], list[Use]]:
    """Give what each overdue device is needed for next another one of the pool.

    Returns what was helped, and what needs a person's decision.
    """
    await claims.give_way(tx)
    helped: list[Use] = []
    stuck: list[Use] = []
    late = [loan for loan in await out(tx) if loan.due_at <= now]
    # None of them may stand in for another.
    without = frozenset(loan.device.id for loan in late)
    for loan in late:
        uses = await device_uses.upcoming(tx, [loan.device.id], now)
        following = next((one for one in uses[loan.device.id] if one.span.start > now), None)
        if following is None:
            continue
        try:
            async with tx.begin_nested():
                helped.append(await _with_another(tx, following, without, actor, now))
        except (SlotTaken, Closed):
            stuck.append(following)
        except DBAPIError as error:
            if not claims.is_contended(error):
                raise
            stuck.append(following)
    return helped, stuck


async def _with_another(
    tx: AsyncConnection, use: Use, without: frozenset[int], actor: str, now: dt.datetime
) -> Use:
    if isinstance(use, Appointment):
        return await changes.rearrange(
            tx, use.id, caseworker_id=use.caseworker.id, actor=actor, now=now, without=without,
            for_staff=True,
        )  # fmt: skip
    return await sessions.give_another_camera(tx, use.id, without, now)
