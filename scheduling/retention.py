"""What is deleted when its time is over: spent holds, links, sessions, personal data."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema import (
    appointment,
    group_session,
    hold,
    outbox,
    participant_link,
    staff_session,
)
from scheduling.sqlite import IN_THREAD

LETTER_KEPT = dt.timedelta(days=30)
"""How long a letter is kept after it was written: emptied when sent, whole when refused."""

HOLD_KEPT = dt.timedelta(hours=1)
"""How long an expired hold still tells its owner what happened, instead of a 404."""

CONFIRMED_HOLD_KEPT = dt.timedelta(days=1)
"""How long a second tab that confirms the same hold is led to the same appointment."""


async def purge(tx: AsyncConnection, now: dt.datetime) -> int:
    """Delete everything whose time is over; return how many rows went.

    Appointments go whole, with history, links and claims, at their `delete_after`.
    """
    spent = or_(
        hold.c.appointment_id.is_(None) & (hold.c.expires_at <= now - HOLD_KEPT),
        hold.c.expires_at <= now - CONFIRMED_HOLD_KEPT,
    )
    gone = 0
    for table, condition in (
        (hold, spent),
        (participant_link, participant_link.c.expires_at <= now),
        (staff_session, staff_session.c.expires_at <= now),
        (outbox, outbox.c.created_at <= now - LETTER_KEPT),
        (appointment, appointment.c.delete_after <= now),
        # Its seats have the same day; what is left of them would be nobody's seat.
        (group_session, group_session.c.delete_after <= now),
    ):
        gone += (
            await tx.execute(delete(table).where(condition), execution_options=IN_THREAD)
        ).rowcount
    return gone
