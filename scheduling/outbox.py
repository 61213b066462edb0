"""Letters that leave the building: written in the booking's transaction, sent afterwards.

A letter holds a link and a name, so it is emptied as soon as it is sent; what remains says
only that something was sent, and when.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema import outbox

FIRST_DELAY = dt.timedelta(seconds=5)
LONGEST_DELAY = dt.timedelta(minutes=15)
_INSERT = insert(outbox)

LEASE = dt.timedelta(minutes=2)
"""How long a letter that is being sent is out of sight of other workers."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to be sent: `message` is the whole RFC 5322 message."""

    id: int
    recipient: str
    message: bytes
    attempts: int


async def post(tx: AsyncConnection, recipient: str, message: bytes, now: dt.datetime) -> None:
    """Put a letter into the outbox; it goes out once the transaction has committed.

    Who booked by telephone may have no address; there is nobody to write to then.
    """
    if not recipient:
        return
    await tx.execute(
        _INSERT,
        {
            "created_at": now,
            "recipient": recipient,
            "message": message,
            "attempts": 0,
            "next_attempt_at": now,
            "last_error": "",
        },
    )


async def due(tx: AsyncConnection, now: dt.datetime, limit: int = 20) -> list[Letter]:
    """Take letters whose time has come, oldest first, and lease them for two minutes.

    Several workers never get the same letter; one that dies lets go of its letters with
    the lease.
    """
    waiting = (
        select(outbox.c.id)
        .where(outbox.c.next_attempt_at <= now)
        .order_by(outbox.c.next_attempt_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = [*await tx.scalars(waiting)]
    if not ids:
        return []
    await tx.execute(update(outbox).where(outbox.c.id.in_(ids)).values(next_attempt_at=now + LEASE))
    rows = await tx.execute(select(outbox).where(outbox.c.id.in_(ids)).order_by(outbox.c.id))
    return [Letter(row.id, row.recipient, row.message, row.attempts) for row in rows]


async def sent(tx: AsyncConnection, letter_id: int, now: dt.datetime) -> None:
    """Note that a letter went out, and forget what was in it."""
    await tx.execute(
        update(outbox)
        .where(outbox.c.id == letter_id)
        .values(sent_at=now, next_attempt_at=None, recipient="", message=b"", last_error="")
    )


async def failed(
    tx: AsyncConnection, letter_id: int, error: str, now: dt.datetime, *, for_good: bool = False
) -> None:
    """Note a failed attempt; try again later, ever less often, unless it failed `for_good`."""
    attempts = await tx.scalar(select(outbox.c.attempts).where(outbox.c.id == letter_id)) or 0
    delay = min(FIRST_DELAY * 2 ** min(attempts, 10), LONGEST_DELAY)
    await tx.execute(
        update(outbox)
        .where(outbox.c.id == letter_id)
        .values(
            attempts=attempts + 1,
            last_error=error[:200],
            next_attempt_at=None if for_good else now + delay,
        )
    )


async def backlog(tx: AsyncConnection) -> tuple[int, int]:
    """Return how many letters wait, and how many were given up."""
    waiting = select(func.count()).where(outbox.c.next_attempt_at.is_not(None))
    given_up = select(func.count()).where(
        outbox.c.next_attempt_at.is_(None), outbox.c.sent_at.is_(None)
    )
    return (await tx.scalar(waiting) or 0), (await tx.scalar(given_up) or 0)
