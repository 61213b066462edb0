"""Group sessions as the office runs them: made, changed, cancelled, ended.

A session is one entry of the plan and claims what it needs once. Whoever takes part has an
ordinary appointment that claims nothing of its own: its seat (`scheduling.enrolment`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, changes, claims, schema, seats
from scheduling.booking import RETENTION_DAYS
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    PlanError,
    Status,
    Topic,
)
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms, columns, equipped, in_the_way, needed

MOST_SEATS = 500


class Overtaken(PlanError):
    """Somebody else has changed the session since the form was made."""


class TooFewSeats(PlanError):
    """More people have a seat than the session is to have."""


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
    terms = await equipped(tx, terms, now)
    values = {
        **columns(terms), "topic_id": topic.id, "seats": 0, "status": Status.BOOKED, "sequence": 0,
        "delete_after": terms.span.end + dt.timedelta(days=keep_days),
    }  # fmt: skip
    done = await tx.execute(insert(row).values(values).returning(row.c.id))
    session_id = int(done.scalar_one())
    await claims.take(tx, claims.ForSession(session_id), needed(topic, terms), now)
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
    terms = await equipped(tx, replace(terms, camera=before.camera), now, session_id)
    wanted = needed(before.topic, terms)
    await claims.take(tx, claims.ForSession(session_id), wanted, now)
    kept = before.delete_after + (terms.span.end - before.span.end)
    await tx.execute(
        update(schema.group_session)
        .where(schema.group_session.c.id == session_id)
        .values(**columns(terms), sequence=before.sequence + 1, delete_after=kept)
    )
    # Which camera it is, matters to nobody outside.
    if replace(terms, capacity=before.capacity, camera=before.camera) == Terms.of(before):
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


async def give_another_camera(
    tx: AsyncConnection, session_id: int, without: Collection[int], now: dt.datetime
) -> GroupSession:
    """Exchange the camera of a session for a free one that is not among those `without`.

    Raises `SlotTaken` where there is none, or `Closed`, and has changed nothing.
    """
    before = await _open(tx, session_id)
    terms = await equipped(tx, Terms.of(before), now, session_id, without)
    await claims.take(tx, claims.ForSession(session_id), needed(before.topic, terms), now)
    row = schema.group_session
    await tx.execute(
        update(row)
        .where(row.c.id == session_id)
        .values(**columns(terms), sequence=before.sequence + 1)
    )
    return await seats.by_id(tx, session_id)


async def affected(tx: AsyncConnection, now: dt.datetime) -> list[GroupSession]:
    """Return the coming sessions that a closure, an absence or a retirement makes impossible.

    Those that have come to lack a camera are among them.
    """
    found = []
    for session in await seats.upcoming(tx, now):
        terms = Terms.of(session)
        if terms.lacks_camera or await in_the_way(tx, terms, now, session.id):
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
