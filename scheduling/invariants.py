"""What must always be true of the store; `sprechzeit check` asks it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.model import Status
from scheduling.schema import appointment, claim, colleague, group_session, history


async def broken(tx: AsyncConnection) -> list[str]:
    """Return a line for every broken invariant; an empty list when all is well."""
    return [
        *await _overlapping(tx),
        *await _unclaimed(tx),
        *await _claimed_although_closed(tx),
        *await _sessions_without_claims(tx),
        *await _seats_miscounted(tx),
        *await _without_history(tx),
    ]


async def _overlapping(tx: AsyncConnection) -> list[str]:
    one, other = claim.alias("one"), claim.alias("other")
    rows = await tx.execute(
        select(one.c.id, other.c.id, one.c.resource_id).where(
            one.c.resource_id == other.c.resource_id,
            one.c.id < other.c.id,
            one.c.starts_at < other.c.ends_at,
            other.c.starts_at < one.c.ends_at,
        )
    )
    return [f"claims {a} and {b} overlap on resource {resource}" for a, b, resource in rows]


async def _unclaimed(tx: AsyncConnection) -> list[str]:
    row = appointment.c
    # A seat in a group session claims nothing of its own.
    booked = (row.status == Status.BOOKED) & row.session_id.is_(None)
    faults = []
    for wanted, name in (
        (row.caseworker_id, "caseworker"), (row.room_id, "room"), (row.tablet_id, "tablet"),
        (row.camera_id, "camera"), (row.interpreter_id, "interpreter"),
    ):  # fmt: skip
        bare = select(row.id).where(booked, wanted.is_not(None), ~_claimed(wanted))
        faults += [
            f"appointment {one} has no claim on its {name}" for one in await tx.scalars(bare)
        ]
    joins = booked & (colleague.c.appointment_id == row.id)
    alone = select(row.id).where(joins, ~_claimed(colleague.c.resource_id))
    faults += [
        f"appointment {one} has no claim on its colleague" for one in await tx.scalars(alone)
    ]
    return faults


def _claimed(resource_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tell whether an appointment has claimed somebody or something for all of its time."""
    return exists().where(
        claim.c.appointment_id == appointment.c.id,
        claim.c.resource_id == resource_id,
        claim.c.starts_at <= appointment.c.starts_at,
        claim.c.ends_at >= appointment.c.ends_at,
    )


async def _claimed_although_closed(tx: AsyncConnection) -> list[str]:
    rows = await tx.execute(
        select(claim.c.id, appointment.c.id).where(
            claim.c.appointment_id == appointment.c.id,
            appointment.c.status == Status.CANCELLED,
        )
    )
    return [f"claim {one} belongs to the cancelled appointment {other}" for one, other in rows]


async def _sessions_without_claims(tx: AsyncConnection) -> list[str]:
    session = group_session.c
    faults = []
    for wanted, name in (
        (session.caseworker_id, "caseworker"), (session.room_id, "room"),
        (session.camera_id, "camera"),
    ):  # fmt: skip
        covers = exists().where(
            claim.c.session_id == session.id,
            claim.c.resource_id == wanted,
            claim.c.starts_at <= session.starts_at,
            claim.c.ends_at >= session.ends_at,
        )
        booked = session.status == Status.BOOKED
        bare = await tx.scalars(select(session.id).where(booked, wanted.is_not(None), ~covers))
        faults += [f"group session {one} has no claim on its {name}" for one in bare]
    left = select(claim.c.id, session.id).where(
        claim.c.session_id == session.id, session.status == Status.CANCELLED
    )
    for one, other in await tx.execute(left):
        faults.append(f"claim {one} belongs to the cancelled group session {other}")
    return faults


async def _seats_miscounted(tx: AsyncConnection) -> list[str]:
    session = group_session.c
    taken = (
        select(func.count())
        .where(appointment.c.session_id == session.id, appointment.c.status != Status.CANCELLED)
        .scalar_subquery()
    )
    rows = await tx.execute(select(session.id, session.seats, taken).where(session.seats != taken))
    return [
        f"group session {one} counts {seats} seats, but {booked} are taken"
        for one, seats, booked in rows
    ]


async def _without_history(tx: AsyncConnection) -> list[str]:
    entries = select(func.count()).where(history.c.appointment_id == appointment.c.id)
    rows = await tx.scalars(
        select(appointment.c.id).where(
            entries.scalar_subquery() < 1 + appointment.c.sequence,
        )
    )
    return [f"the history of appointment {one} is shorter than its sequence" for one in rows]
