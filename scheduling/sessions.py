"""Group sessions as the office runs them: made, changed, cancelled, ended.

A session is one entry of the plan and claims what it needs once. Whoever takes part has an
ordinary appointment that claims nothing of its own: its seat (`scheduling.enrolment`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, changes, claims, schema, seats
from scheduling.booking import RETENTION_DAYS
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    PlanError,
    Resource,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.seats import GroupSession

WAYS = (Way.IN_PERSON, Way.VIDEO)
"""The ways in which a group can be advised."""

MOST_SEATS = 500


class Overtaken(PlanError):
    """Somebody else has changed the session since the form was made."""


class TooFewSeats(PlanError):
    """More people have a seat than the session is to have."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How, when, where, with whom and for how many a session takes place.

    `room` is None for a session by video alone.
    """

    way: Way
    span: Span
    caseworker: Resource
    room: Resource | None
    capacity: int

    @property
    def site_id(self) -> int:
        """Where people come to; by video, the caseworker's own house."""
        return (self.room or self.caseworker).site_id

    @classmethod
    def of(cls, session: GroupSession) -> Terms:
        """Return how a session stands now."""
        return cls(
            session.way, session.span, session.caseworker, session.room, session.capacity
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat before and after a change of its session, which is a `change` for its owner."""

    before: Appointment
    after: Appointment
    change: Change


async def create(
    tx: AsyncConnection,
    topic: Topic,
    terms: Terms,
    *,
    now: dt.datetime,
    keep_days: int = RETENTION_DAYS,
) -> GroupSession:
    """Make a session and claim what it needs. Raises `SlotTaken` when something is taken."""
    row = schema.group_session
    values = {
        **_values(terms), "topic_id": topic.id, "seats": 0, "status": Status.BOOKED, "sequence": 0,
        "delete_after": terms.span.end + dt.timedelta(days=keep_days),
    }  # fmt: skip
    done = await tx.execute(insert(row).values(values).returning(row.c.id))
    session_id = int(done.scalar_one())
    await claims.take(tx, claims.ForSession(session_id), _needed(topic, terms), now)
    return await seats.by_id(tx, session_id)


async def change(
    tx: AsyncConnection,
    session_id: int,
    terms: Terms,
    *,
    sequence: int,
    actor: str,
    now: dt.datetime,
) -> list[Seat]:
    """Change a session with all its seats; return the seats whose owners must learn of it.

    `sequence` is the one that the change was made from. Raises `Overtaken` where it is no
    longer that, `TooFewSeats`, `SlotTaken`, or `Closed`, and has changed nothing.
    """
    before = await _open(tx, session_id)
    if before.sequence != sequence:
        raise Overtaken
    if terms.capacity < before.seats:
        raise TooFewSeats
    wanted = _needed(before.topic, terms)
    await claims.take(tx, claims.ForSession(session_id), wanted, now)
    kept = before.delete_after + (terms.span.end - before.span.end)
    await tx.execute(
        update(schema.group_session)
        .where(schema.group_session.c.id == session_id)
        .values(**_values(terms), sequence=before.sequence + 1, delete_after=kept)
    )
    if replace(terms, capacity=before.capacity) == Terms.of(before):
        return []
    taken = await _seats(tx, session_id)
    return await settle(tx, taken, await seats.by_id(tx, session_id), actor=actor, now=now)


async def settle(
    tx: AsyncConnection,
    taken: Sequence[Appointment],
    session: GroupSession,
    *,
    actor: str,
    now: dt.datetime,
) -> list[Seat]:
    """Let appointments say what `session` says, each with a line in its history."""
    ids = [one.id for one in taken]
    row, link = schema.appointment, schema.participant_link
    await tx.execute(
        update(row)
        .where(row.c.id.in_(ids))
        .values(
            session_id=session.id, way=session.way, site_id=session.site.id,
            caseworker_id=session.caseworker.id, room_id=session.room and session.room.id,
            starts_at=session.span.start, ends_at=session.span.end,
            delete_after=session.delete_after, sequence=row.c.sequence + 1, changed_at=now,
        )
    )  # fmt: skip
    await tx.execute(
        update(link)
        .where(link.c.appointment_id.in_(ids))
        .values(expires_at=session.span.end + changes.LINK_OUTLIVES)
    )
    changed = {one.id: one for one in await appointments.by_ids(tx, ids)}
    settled = []
    for one in taken:
        what, detail = changes.difference(one, changed[one.id])
        await changes.record(tx, one.id, actor, what, detail, now)
        settled.append(Seat(one, changed[one.id], what))
    return settled


async def cancel(
    tx: AsyncConnection, session_id: int, *, actor: str, now: dt.datetime
) -> list[Appointment]:
    """Cancel a session and all its seats; return these. Nothing is left to do a second time."""
    await seats.lock(tx, session_id)
    before = await seats.by_id(tx, session_id)
    if before.status is not Status.BOOKED:
        return []
    taken = await _seats(tx, session_id)
    for one in taken:
        await changes.cancel(tx, one.id, actor=actor, now=now)
    await claims.take(tx, claims.ForSession(session_id), {}, now)
    await _set_status(tx, session_id, Status.CANCELLED)
    return await appointments.by_ids(tx, [one.id for one in taken])


async def end(tx: AsyncConnection, session_id: int, *, actor: str, now: dt.datetime) -> None:
    """Note that a session is over, with all its seats. Idempotent."""
    await seats.lock(tx, session_id)
    before = await seats.by_id(tx, session_id)
    if before.status is not Status.BOOKED:
        return
    for one in await _seats(tx, session_id):
        await changes.end(tx, one.id, actor=actor, now=now)
    await _set_status(tx, session_id, Status.ENDED)


async def in_the_way(
    tx: AsyncConnection, terms: Terms, now: dt.datetime, session_id: int | None = None
) -> list[Resource]:
    """Return who or what of the `terms` is taken, away, closed then, or has left the plan.

    Own claims do not count.
    """
    wanted = [terms.caseworker, *([terms.room] if terms.room else [])]
    claim, closure = schema.claim.c, schema.closure.c
    ids = [one.id for one in wanted]
    taken = await tx.scalars(
        select(claim.resource_id).where(
            claim.resource_id.in_(ids),
            claim.starts_at < terms.span.end,
            claim.ends_at > terms.span.start,
            or_(claim.expires_at.is_(None), claim.expires_at > now),
            or_(claim.session_id.is_(None), claim.session_id != session_id),
        )
    )
    shut = await tx.execute(
        select(closure.resource_id, closure.site_id, closure.ways).where(
            closure.starts_at < terms.span.end,
            closure.ends_at > terms.span.start,
            or_(closure.resource_id.in_(ids), closure.site_id.in_([one.site_id for one in wanted])),
        )
    )
    row = schema.resource.c
    blocked = {*taken, *await tx.scalars(select(row.id).where(row.id.in_(ids), ~row.active))}
    for one in shut:
        if not one.ways or terms.way in one.ways:
            blocked |= {part.id for part in wanted if one.site_id == part.site_id}
            blocked.add(one.resource_id)
    return [one for one in wanted if one.id in blocked]


async def affected(tx: AsyncConnection, now: dt.datetime) -> list[GroupSession]:
    """Return the coming sessions that a closure, an absence or a retirement makes impossible."""
    found = []
    for session in await seats.upcoming(tx, now):
        terms = Terms.of(session)
        if await in_the_way(tx, terms, now, session.id):
            found.append(session)
    return found


async def _open(tx: AsyncConnection, session_id: int) -> GroupSession:
    await seats.lock(tx, session_id)
    found = await seats.by_id(tx, session_id)
    if found.status is not Status.BOOKED:
        raise Closed
    return found


async def _seats(tx: AsyncConnection, session_id: int) -> list[Appointment]:
    found = await appointments.of_session(tx, session_id)
    return [one for one in found if one.status is Status.BOOKED]


async def _set_status(tx: AsyncConnection, session_id: int, status: Status) -> None:
    row = schema.group_session
    await tx.execute(
        update(row)
        .where(row.c.id == session_id)
        .values(status=status, sequence=row.c.sequence + 1)
    )  # fmt: skip


def _needed(topic: Topic, terms: Terms) -> dict[int, Span]:
    if terms.way not in WAYS or (terms.way is Way.IN_PERSON) is (terms.room is None):
        raise ValueError("a group meets in a room or by video")
    buffer = dt.timedelta(minutes=topic.ways[terms.way].buffer_minutes)
    wanted = {terms.caseworker.id: Span(terms.span.start, terms.span.end + buffer)}
    if terms.room is not None:
        wanted[terms.room.id] = terms.span
    return wanted


def _values(terms: Terms) -> dict[str, object]:
    return {
        "way": terms.way,
        "site_id": terms.site_id,
        "caseworker_id": terms.caseworker.id,
        "room_id": terms.room.id if terms.room else None,
        "starts_at": terms.span.start,
        "ends_at": terms.span.end,
        "capacity": terms.capacity,
    }
