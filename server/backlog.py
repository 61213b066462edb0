"""How far behind the mail is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import outbox, schema


@dataclass(frozen=True, slots=True)
class Backlog:
    """Letters `waiting` to go out, the age of the oldest, and those `refused` for good."""

    waiting: int
    oldest_seconds: float
    refused: int


async def read_backlog(tx: AsyncConnection, now: dt.datetime) -> Backlog:
    """Count unsent letters, and tell how long the oldest of them has waited."""
    waiting, refused = await outbox.backlog(tx)
    waits = schema.outbox.c.next_attempt_at.is_not(None)
    oldest = await tx.scalar(select(func.min(schema.outbox.c.created_at)).where(waits))
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return Backlog(waiting=waiting, oldest_seconds=age, refused=refused)


async def anything_due(tx: AsyncConnection, now: dt.datetime) -> bool:
    """Tell whether a letter should go out now; a look that needs no write lock."""
    due = select(schema.outbox.c.id).where(schema.outbox.c.next_attempt_at <= now)
    return await tx.scalar(due.limit(1)) is not None
