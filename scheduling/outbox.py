"""Letters that leave the building: written in the booking's transaction, sent afterwards.

A letter holds a link and a name, so it is emptied as soon as it is sent; what remains says
only that something was sent, and when.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema import outbox

FIRST_DELAY = dt.timedelta(seconds=5)
LONGEST_DELAY = dt.timedelta(minutes=15)
_INSERT = insert(outbox)
_FAILED = (
    update(outbox)
    .where(outbox.c.id == bindparam("letter"))
    .values(
        attempts=bindparam("tried"),
        last_error=bindparam("error"),
        next_attempt_at=bindparam("later"),
    )
)

LEASE = dt.timedelta(minutes=2)
"""How long a letter that is being sent is out of sight of other workers."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to be sent: `message` is the whole RFC 5322 message."""

    id: int
    recipient: str
    message: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a letter about an appointment may be taken back.

    `known` is what its reader knows without it, in the words of whoever posts it.
    """

    appointment_id: int
    until: dt.datetime
    known: Mapping[str, str]


async def post(
    tx: AsyncConnection,
    recipient: str,
    message: bytes,
    now: dt.datetime,
    *,
    wait: Wait | None = None,
) -> None:
    """Put a letter into the outbox; it goes out once the transaction has committed.

    Who booked by telephone may have no address; there is nobody to write to then.
    With `wait` it stays until then, and `take_back` still finds it.
    """
    if recipient:
        await tx.execute(_INSERT, letter_row(recipient, message, now, wait=wait))


def letter_row(
    recipient: str, message: bytes, now: dt.datetime, *, wait: Wait | None = None
) -> dict[str, object]:
    """Return what is stored of a letter that is to go out."""
    return {
        "created_at": now,
        "recipient": recipient,
        "message": message,
        "attempts": 0,
        "next_attempt_at": wait.until if wait else now,
        "last_error": "",
        "appointment_id": wait and wait.appointment_id,
        "not_before": wait and wait.until,
        "known": wait and dict(wait.known),
    }


async def take_back(
    tx: AsyncConnection, appointment_id: int, now: dt.datetime
) -> Mapping[str, str] | None:
    """Remove the letters about an appointment that still wait.

    Returns what their readers know without them, or None when none waited.
    """
    waiting = _waiting(appointment_id, now)
    oldest = select(outbox.c.known).where(waiting).order_by(outbox.c.id).limit(1)
    known: Mapping[str, str] | None = await tx.scalar(oldest)
    done = await tx.execute(delete(outbox).where(waiting))
    return known if done.rowcount else None


async def hurry(tx: AsyncConnection, appointment_id: int, now: dt.datetime) -> None:
    """Let waiting letters about an appointment go at once: a later one must not overtake them."""
    await tx.execute(
        update(outbox)
        .where(_waiting(appointment_id, now))
        .values(next_attempt_at=now, not_before=None)
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
        .values(
            sent_at=now,
            next_attempt_at=None,
            recipient="",
            message=b"",
            last_error="",
            appointment_id=None,
            known=None,
        )
    )


async def failed(
    tx: AsyncConnection, letter_id: int, error: str, now: dt.datetime, *, for_good: bool = False
) -> None:
    """Note a failed attempt; try again later, ever less often, unless it failed `for_good`."""
    attempts = await tx.scalar(select(outbox.c.attempts).where(outbox.c.id == letter_id)) or 0
    later = None if for_good else now + _delay(attempts)
    await tx.execute(_FAILED, [_failure(letter_id, attempts, error, later)])


async def put_off(
    tx: AsyncConnection, letters: Iterable[Letter], error: str, now: dt.datetime
) -> None:
    """Note one failed attempt for each of the `letters`."""
    await tx.execute(
        _FAILED,
        [_failure(one.id, one.attempts, error, now + _delay(one.attempts)) for one in letters],
    )


def _delay(attempts: int) -> dt.timedelta:
    delay: dt.timedelta = FIRST_DELAY * 2 ** min(attempts, 10)
    return min(delay, LONGEST_DELAY)


def _failure(
    letter_id: int, attempts: int, error: str, later: dt.datetime | None
) -> dict[str, object]:  # fmt: skip
    return {"letter": letter_id, "tried": attempts + 1, "error": error[:200], "later": later}


def _waiting(appointment_id: int, now: dt.datetime) -> ColumnElement[bool]:
    # Whoever takes a letter to send it puts its next attempt off: it no longer waits then.
    return (
        (outbox.c.appointment_id == appointment_id)
        & (outbox.c.not_before > now)
        & (outbox.c.next_attempt_at == outbox.c.not_before)
    )


async def backlog(tx: AsyncConnection) -> tuple[int, int]:
    """Return how many letters wait, and how many were given up."""
    waiting = select(func.count()).where(outbox.c.next_attempt_at.is_not(None))
    given_up = select(func.count()).where(
        outbox.c.next_attempt_at.is_(None), outbox.c.sent_at.is_(None)
    )
    return (await tx.scalar(waiting) or 0), (await tx.scalar(given_up) or 0)
