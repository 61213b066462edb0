"""Seats in group sessions for claimants: taking one, moving it to another session.

Whoever takes part has an ordinary appointment, with reference, link, history and letters.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, changes, schema, seats, sessions
from scheduling.booking import Confirmed
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    Needs,
    NotFound,
    Part,
    Person,
    SlotTaken,
    Status,
)
from scheduling.seats import GroupSession
from scheduling.tokens import derive, new_reference

_PURPOSE = "seat's link"


async def enrol(
    tx: AsyncConnection,
    session_id: int,
    *,
    key: str,
    person: Person,
    locale: str,
    now: dt.datetime,
    actor: str,
    for_staff: bool = False,
) -> Confirmed:
    """Give somebody a seat. The same `key`, a form's random number, never takes a second one.

    Raises `SlotTaken` when no seat is free, the session is off, or there is too little notice
    for the public; staff may add people until the session is over.
    """
    await seats.lock(tx, session_id)
    token = derive(key, _PURPOSE)
    same = await appointments.known(tx, token, now)
    if same is not None:
        return Confirmed(same, token, created=False)
    session = await seats.by_id(tx, session_id)
    if not (now < session.span.end if for_staff else session.bookable_at(now)):
        raise SlotTaken
    await seats.take(tx, session_id)
    appointment_id = await _insert(tx, session, person, locale, now)
    start = {"start": session.span.start.isoformat()}
    await changes.record(tx, appointment_id, actor, Change.BOOKED, start, now)
    await changes.add_link(
        tx, appointment_id, part=Part.CLAIMANT, name=person.name, actor=actor, now=now, token=token
    )
    return Confirmed(await appointments.by_id(tx, appointment_id), token, created=True)


async def move(
    tx: AsyncConnection,
    appointment_id: int,
    session_id: int,
    *,
    actor: str,
    now: dt.datetime,
    for_staff: bool = False,
) -> Appointment:
    """Exchange a seat for one in another session of the same topic.

    Raises `SlotTaken` when no seat is free there, `NotFound` for a session of another topic,
    `Closed` when the appointment is cancelled or over; the old seat is kept then. A seat that
    is in that session already stays as it is.
    """
    before = await appointments.by_id(tx, appointment_id)
    if before.session_id is None:
        raise NotFound
    await seats.lock(tx, before.session_id, session_id)
    await changes.lock(tx, appointment_id)
    before = await appointments.by_id(tx, appointment_id)
    if before.status is not Status.BOOKED or before.session_id is None:
        raise Closed
    if before.session_id == session_id:
        return before
    target = await seats.by_id(tx, session_id)
    if target.topic.id != before.topic.id:
        raise NotFound
    if not (now < target.span.start if for_staff else target.bookable_at(now)):
        raise SlotTaken
    await seats.take(tx, session_id)
    await seats.give_back(tx, before.session_id)
    (seat,) = await sessions.settle(tx, [before], target, actor=actor, now=now)
    return seat.after


async def others(
    tx: AsyncConnection, appointment: Appointment, now: dt.datetime
) -> list[GroupSession]:
    """Return the sessions to which a seat could be moved."""
    found = await seats.upcoming(tx, now, topic_id=appointment.topic.id)
    return [one for one in found if one.id != appointment.session_id and one.bookable_at(now)]


async def _insert(
    tx: AsyncConnection, session: GroupSession, person: Person, locale: str, now: dt.datetime
) -> int:
    row, needs = schema.appointment, Needs()
    done = await tx.execute(
        insert(row)
        .values(
            uid=str(uuid.uuid4()), reference=new_reference(), session_id=session.id,
            topic_id=session.topic.id, way=session.way, site_id=session.site.id,
            caseworker_id=session.caseworker.id, room_id=session.room and session.room.id,
            starts_at=session.span.start, ends_at=session.span.end, status=Status.BOOKED,
            sequence=0, name=person.name, email=person.email, phone=person.phone,
            features=sorted(needs.features), interpreter=needs.interpreter, companion=needs.companion,
            locale=locale, created_at=now, changed_at=now, delete_after=session.delete_after,
        )
        .returning(row.c.id)
    )  # fmt: skip
    return int(done.scalar_one())
