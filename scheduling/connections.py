"""The connection log: who was connected to a consultation from when to when, without content.

It proves that somebody who could not be seen or heard did not miss the appointment. It is deleted
with its appointment.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.model import Part, Status
from scheduling.schema import appointment, connection, participant_link

MOST = 60
"""Lines kept of one appointment: who comes and goes without end fills no table."""

EARLY = dt.timedelta(hours=1)
"""Who was there within this time before the start, or later, tried to take part."""

SHORT = dt.timedelta(minutes=2)
"""Who is back within this time was interrupted, and did not go."""


class Side(enum.StrEnum):
    """Whose connection it was."""

    CLAIMANT = "claimant"
    COMPANION = "companion"
    INTERPRETER = "interpreter"
    CASEWORKER = "caseworker"


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in the call.

    `seen` is its end, or the last known moment where `ending` is empty. Who was never `admitted`
    waited in vain; who was never `connected` had neither picture nor sound.
    """

    side: Side
    arrived: dt.datetime
    seen: dt.datetime
    admitted: dt.datetime | None = None
    connected: dt.datetime | None = None
    interruptions: int = 0
    interrupted: dt.timedelta = dt.timedelta()
    ending: str = ""


async def note_guest(tx: AsyncConnection, link_id: int, visit: str, **values: Any) -> None:
    """Write how the visit of somebody with a link is now; `values` are columns."""
    if await _updated(tx, visit, values):
        return
    link = participant_link
    found = (
        await tx.execute(select(link.c.appointment_id, link.c.part).where(link.c.id == link_id))
    ).one_or_none()
    if found is not None:
        await _begin(tx, found.appointment_id, visit, Side(Part(found.part)), values)


async def note_staff(
    tx: AsyncConnection, visit: str, *, appointment_id: int | None = None,
    session_id: int | None = None, **values: Any,
) -> None:  # fmt: skip
    """Write how a caseworker's visit is now: of one appointment, or of all seats of a session."""
    if await _updated(tx, visit, values):
        return
    row = appointment
    mine = row.c.id == appointment_id if session_id is None else row.c.session_id == session_id
    for one in (
        await tx.scalars(select(row.c.id).where(mine, row.c.status != Status.CANCELLED))
    ).all():
        await _begin(tx, one, visit, Side.CASEWORKER, values)


async def of(tx: AsyncConnection, appointment_id: int) -> list[Stay]:
    """Return the stays of an appointment, the earliest first."""
    rows = await tx.execute(
        select(connection)
        .where(connection.c.appointment_id == appointment_id)
        .order_by(connection.c.arrived_at, connection.c.id)
    )
    return [
        Stay(
            Side(row.side), row.arrived_at, row.seen_at, row.admitted_at, row.connected_at,
            row.interruptions, dt.timedelta(seconds=row.interrupted_seconds), row.ending,
        )
        for row in rows
    ]  # fmt: skip


async def first_attempt(
    tx: AsyncConnection, appointment_id: int, start: dt.datetime
) -> dt.datetime | None:
    """Return when the claimant first tried to join, None when they never did.

    What was tried before the appointment was moved to its `start` is no attempt at it.
    """
    row = connection
    found: dt.datetime | None = await tx.scalar(
        select(row.c.arrived_at)
        .where(
            row.c.appointment_id == appointment_id,
            row.c.side == Side.CLAIMANT,
            row.c.seen_at >= start - EARLY,
        )
        .order_by(row.c.arrived_at)
        .limit(1)
    )
    return found


def last_seen(appointment_id: ColumnElement[int]) -> ScalarSelect[dt.datetime | None]:
    """Ask within a query when the claimant of an appointment was seen in the call last."""
    row = connection
    return (
        select(func.max(row.c.seen_at))
        .where(row.c.appointment_id == appointment_id, row.c.side == Side.CLAIMANT)
        .scalar_subquery()
    )


def joined(stays: Iterable[Stay]) -> list[Stay]:
    """Join stays of one side that follow each other closely, the gap being an interruption.

    A page that is loaded again, a browser that crashed, a server that was restarted: for the
    person each was an interruption of one stay.
    """
    lines: list[Stay] = []
    latest: dict[Side, int] = {}
    for stay in stays:
        place = latest.get(stay.side)
        if place is not None and _follows(lines[place], stay):
            lines[place] = _continued(lines[place], stay)
        else:
            latest[stay.side] = len(lines)
            lines.append(stay)
    return lines


def _follows(before: Stay, stay: Stay) -> bool:
    return before.ending != "dismissed" and stay.arrived - before.seen <= SHORT


def _continued(before: Stay, stay: Stay) -> Stay:
    # Two companions may be there at once: then nothing was interrupted.
    gap = max(stay.arrived - before.seen, dt.timedelta())
    heard = before.connected is not None and bool(gap)
    later = stay if stay.seen >= before.seen else before
    return replace(
        before,
        seen=later.seen,
        ending=later.ending,
        admitted=before.admitted or stay.admitted,
        connected=before.connected or stay.connected,
        interruptions=before.interruptions + stay.interruptions + heard,
        interrupted=before.interrupted + stay.interrupted + (gap if heard else dt.timedelta()),
    )


async def _updated(tx: AsyncConnection, visit: str, values: Mapping[str, Any]) -> bool:
    done = await tx.execute(update(connection).where(connection.c.visit == visit).values(**values))
    return done.rowcount > 0


async def _begin(
    tx: AsyncConnection, appointment_id: int, visit: str, side: Side, values: Mapping[str, Any]
) -> None:
    count = select(func.count()).where(connection.c.appointment_id == appointment_id)
    if (await tx.scalar(count) or 0) < MOST:
        row = {"appointment_id": appointment_id, "visit": visit, "side": side, **values}
        await tx.execute(insert(connection).values(row))
