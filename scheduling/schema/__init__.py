"""The tables of the store; one metadata serves both engines."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema.booked import (
    OVERLAP_DDL,
    appointment,
    claim,
    colleague,
    connection,
    group_session,
    history,
    hold,
    loan,
    participant_link,
    stranded,
    waiting,
)
from scheduling.schema.columns import Id, Instant, metadata
from scheduling.schema.house import closure, resource, site, team, topic, topic_way, working_pattern
from scheduling.schema.office import outbox, staff, staff_session

__all__ = [
    "OVERLAP_DDL",
    "Id",
    "Instant",
    "Table",
    "appointment",
    "claim",
    "closure",
    "colleague",
    "connection",
    "create_all",
    "group_session",
    "history",
    "hold",
    "loan",
    "metadata",
    "outbox",
    "participant_link",
    "resource",
    "site",
    "staff",
    "staff_session",
    "stranded",
    "team",
    "topic",
    "topic_way",
    "waiting",
    "working_pattern",
]


async def create_all(connection: AsyncConnection) -> None:
    """Create every table with its constraints in an empty store."""
    await connection.run_sync(metadata.create_all)
