"""What the office notes of an appointment whose time has come."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, changes, schema
from scheduling.model import Appointment, Change, Closed, Outcome, Status


async def mark(
    tx: AsyncConnection, appointment_id: int, outcome: Outcome, *, actor: str, now: dt.datetime
) -> Appointment:
    """Note what became of an appointment whose time has come; a later mark corrects this one.

    Raises `Closed` before its start, and where it was cancelled.
    """
    await changes.lock(tx, appointment_id)
    before = await appointments.by_id(tx, appointment_id)
    if before.status is Status.CANCELLED or now < before.span.start:
        raise Closed
    if before.outcome is outcome:
        return before
    await tx.execute(
        update(schema.appointment)
        .where(schema.appointment.c.id == appointment_id)
        .values(outcome=outcome, changed_at=now)
    )
    detail = {"outcome": outcome.value, "before": before.outcome or ""}
    await changes.record(tx, appointment_id, actor, Change.MARKED, detail, now)
    return await appointments.by_id(tx, appointment_id)
