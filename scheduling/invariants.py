"""What must always be true of the store; `sprechzeit check` asks it."""

from __future__ import annotations

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.model import Status
from scheduling.schema import appointment, claim, colleague, history


async def broken(tx: AsyncConnection) -> list[str]:
    """Return a line for every broken invariant; an empty list when all is well."""
    return [
        *await _overlapping(tx),
        *await _unclaimed(tx),
        *await _claimed_although_closed(tx),
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
    covers = exists().where(
        claim.c.appointment_id == appointment.c.id,
        claim.c.resource_id == appointment.c.caseworker_id,
        claim.c.starts_at <= appointment.c.starts_at,
        claim.c.ends_at >= appointment.c.ends_at,
    )
    seated = exists().where(
        claim.c.appointment_id == appointment.c.id,
        claim.c.resource_id == appointment.c.room_id,
        claim.c.starts_at <= appointment.c.starts_at,
        claim.c.ends_at >= appointment.c.ends_at,
    )
    booked = appointment.c.status == Status.BOOKED
    joined = exists().where(
        claim.c.appointment_id == appointment.c.id,
        claim.c.resource_id == colleague.c.resource_id,
        claim.c.starts_at <= appointment.c.starts_at,
        claim.c.ends_at >= appointment.c.ends_at,
    )
    people = select(appointment.c.id).where(booked, ~covers)
    colleagues = select(appointment.c.id).where(
        booked, colleague.c.appointment_id == appointment.c.id, ~joined
    )
    rooms = select(appointment.c.id).where(booked, appointment.c.room_id.is_not(None), ~seated)
    return [
        *[f"appointment {one} has no claim on its caseworker" for one in await tx.scalars(people)],
        *[
            f"appointment {one} has no claim on its colleague"
            for one in await tx.scalars(colleagues)
        ],
        *[f"appointment {one} has no claim on its room" for one in await tx.scalars(rooms)],
    ]


async def _claimed_although_closed(tx: AsyncConnection) -> list[str]:
    rows = await tx.execute(
        select(claim.c.id, appointment.c.id).where(
            claim.c.appointment_id == appointment.c.id,
            appointment.c.status == Status.CANCELLED,
        )
    )
    return [f"claim {one} belongs to the cancelled appointment {other}" for one, other in rows]


async def _without_history(tx: AsyncConnection) -> list[str]:
    entries = select(func.count()).where(history.c.appointment_id == appointment.c.id)
    rows = await tx.scalars(
        select(appointment.c.id).where(
            entries.scalar_subquery() < 1 + appointment.c.sequence,
        )
    )
    return [f"the history of appointment {one} is shorter than its sequence" for one in rows]
