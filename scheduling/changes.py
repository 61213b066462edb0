"""What can happen to a booked appointment: move, cancel, end, further participants.

Identity stays; the sequence rises with every change that calendars must learn of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, claims, outbox, schema, seats, slots
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    Kind,
    NotFound,
    Part,
    SlotTaken,
    Span,
    Status,
    Way,
)
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import digest, new_token

LINK_OUTLIVES = dt.timedelta(days=7)
"""How long after the appointment its links still open a page that says it is over."""

_LINK = insert(schema.participant_link)
_HISTORY = insert(schema.history)


async def rearrange(
    tx: AsyncConnection,
    appointment_id: int,
    *,
    actor: str,
    now: dt.datetime,
    start: dt.datetime | None = None,
    way: Way | None = None,
    site_id: int | None = None,
    caseworker_id: int | None = None,
    without: frozenset[int] = frozenset(),
    for_staff: bool = False,
) -> Appointment:
    """Move, shift the way of, or reassign an appointment: whatever is named changes.

    Where no caseworker is named, the present one keeps it if they are free; nobody and nothing
    of `without` (resource ids) is chosen. Everything the new way needs is claimed in exchange for
    what the old one had, all or nothing. A seat in a group session goes with its session alone.
    Raises `SlotTaken` and changes nothing, or `Closed` when it is cancelled or over.
    """
    before = await _open(tx, appointment_id)
    if before.session_id is not None:
        raise SlotTaken
    start = start or before.span.start
    query = elsewhere(
        before, local_date(start), way=way, site_id=site_id, caseworker_id=caseworker_id,
        without=without, for_staff=for_staff,
    )  # fmt: skip
    span = Span(start, start + dt.timedelta(minutes=query.offer.minutes))
    found = await slots.options(tx, query, start, now)
    found.sort(key=lambda option: option.caseworker.id != before.caseworker.id)
    owner = claims.ForAppointment(appointment_id)
    for option in found:
        try:
            await claims.take(tx, owner, claims.needed(query.offer, option, span), now)
        except SlotTaken:
            continue
        await _change(
            tx, before, now,
            way=query.way, starts_at=span.start, ends_at=span.end,
            delete_after=before.delete_after + (span.end - before.span.end),
            site_id=option.place_id, caseworker_id=option.caseworker.id, **things(option),
        )  # fmt: skip
        await _extend_links(tx, appointment_id, span.end)
        after = await appointments.by_id(tx, appointment_id)
        await record(tx, appointment_id, actor, *difference(before, after), now)
        return after
    raise SlotTaken


def elsewhere(
    appointment: Appointment,
    first: dt.date,
    last: dt.date | None = None,
    *,
    way: Way | None = None,
    site_id: int | None = None,
    caseworker_id: int | None = None,
    without: frozenset[int] = frozenset(),
    for_staff: bool = False,
) -> SlotQuery:
    """Return the search for other times, ways or people; its own claims do not count.

    It stays in its room and keeps its devices and interpreter wherever that is possible: whoever
    has been told of a room is not sent to another one without need.
    Its own way counts even when it has been withdrawn since; for any other way that the topic
    is not offered in, `NotFound` is raised.
    """
    way = way or appointment.way
    if way is not appointment.way and way not in appointment.topic.ways:
        raise NotFound
    if site_id is None and appointment.topic.ways[way].at_site:
        site_id = appointment.site.id
    return SlotQuery(
        appointment.topic, way, first, last or first, site_id, appointment.needs,
        caseworker_id, ignore_appointment=appointment.id, without=without,
        keeps=frozenset(one.id for one in appointment.equipment), for_staff=for_staff,
    )  # fmt: skip


def things(option: Option) -> dict[str, int | None]:
    """Return what an appointment or a hold stores of an option beside its caseworker."""
    taken = {
        "room_id": option.room,
        "tablet_id": option.first(Kind.TABLET),
        "camera_id": option.first(Kind.CAMERA),
        "interpreter_id": option.first(Kind.INTERPRETER),
    }
    return {column: one.id if one else None for column, one in taken.items()}


async def cancel(
    tx: AsyncConnection, appointment_id: int, *, actor: str, now: dt.datetime
) -> Appointment:
    """Cancel an appointment and free what it had claimed. Raises `Closed` when it is over."""
    before = await _open(tx, appointment_id)
    if before.session_id is None:
        await claims.take(tx, claims.ForAppointment(appointment_id), {}, now)
    else:
        await seats.give_back(tx, before.session_id)
    await _change(tx, before, now, status=Status.CANCELLED)
    await record(tx, appointment_id, actor, Change.CANCELLED, {}, now)
    return await appointments.by_id(tx, appointment_id)


async def end(
    tx: AsyncConnection, appointment_id: int, *, actor: str, now: dt.datetime
) -> Appointment:
    """Note that the consultation is over; calendars need not learn of it. Idempotent."""
    before = await appointments.by_id(tx, appointment_id)
    if before.status is Status.BOOKED:
        await tx.execute(
            update(schema.appointment)
            .where(schema.appointment.c.id == appointment_id)
            .values(status=Status.ENDED, changed_at=now)
        )
        await record(tx, appointment_id, actor, Change.ENDED, {}, now)
    return await appointments.by_id(tx, appointment_id)


async def add_link(
    tx: AsyncConnection,
    appointment_id: int,
    *,
    part: Part,
    name: str,
    actor: str,
    now: dt.datetime,
    token: str | None = None,
    email: str = "",
) -> str:
    """Give a participant a link of their own; return its token, which is not stored.

    At `email` a companion or an interpreter is told of changes.
    """
    appointment = await _open(tx, appointment_id)
    token = token or new_token()
    await link(tx, appointment, part=part, name=name, token=token, now=now, email=email)
    if part is not Part.CLAIMANT:
        await record(tx, appointment_id, actor, Change.LINK_ADDED, {"part": part}, now)
    return token


async def link(
    tx: AsyncConnection, appointment: Appointment, *, part: Part, name: str, token: str,
    now: dt.datetime, email: str = "",
) -> None:  # fmt: skip
    """Store that `token` opens the appointment."""
    row = link_row(appointment, part=part, name=name, token=token, now=now, email=email)
    await tx.execute(_LINK, row)


def link_row(
    appointment: Appointment, *, part: Part, name: str, token: str, now: dt.datetime,
    email: str = "",
) -> dict[str, object]:  # fmt: skip
    """Return what is stored of a link that `token` opens."""
    return {
        "token_hash": digest(token),
        "appointment_id": appointment.id,
        "part": part,
        "name": name,
        "email": email,
        "created_at": now,
        "expires_at": appointment.span.end + LINK_OUTLIVES,
    }


async def record(
    tx: AsyncConnection,
    appointment_id: int,
    actor: str,
    change: Change,
    detail: Mapping[str, str],
    now: dt.datetime,
) -> None:
    """Write a line of history. `detail` must hold no personal data of the claimant."""
    await tx.execute(_HISTORY, history_row(appointment_id, actor, change, detail, now))


def history_row(
    appointment_id: int, actor: str, change: Change, detail: Mapping[str, str], now: dt.datetime
) -> dict[str, object]:
    """Return what is stored of a line of history."""
    values = {"appointment_id": appointment_id, "at": now, "actor": actor, "change": change}
    return values | {"detail": {**detail}}


async def lock(tx: AsyncConnection, appointment_id: int) -> None:
    """Make any other change of the appointment wait, so that it sees what comes of this one."""
    row = schema.appointment
    await seats.lock_of(tx, appointment_id)
    await tx.execute(select(row.c.id).where(row.c.id == appointment_id).with_for_update())


async def _open(tx: AsyncConnection, appointment_id: int) -> Appointment:
    await lock(tx, appointment_id)
    found = await appointments.by_id(tx, appointment_id)
    if found.status is not Status.BOOKED:
        raise Closed
    return found


async def _change(
    tx: AsyncConnection, before: Appointment, now: dt.datetime, **values: object
) -> None:
    await outbox.hurry(tx, before.id, now)
    await tx.execute(
        update(schema.appointment)
        .where(schema.appointment.c.id == before.id)
        .values(sequence=before.sequence + 1, changed_at=now, **values)
    )


async def _extend_links(tx: AsyncConnection, appointment_id: int, end: dt.datetime) -> None:
    link = schema.participant_link
    await tx.execute(
        update(link)
        .where(link.c.appointment_id == appointment_id)
        .values(expires_at=end + LINK_OUTLIVES)
    )


def difference(before: Appointment, after: Appointment) -> tuple[Change, dict[str, str]]:
    """Name the change by what weighs most, and say what was and what is."""
    detail: dict[str, str] = {}
    if before.caseworker != after.caseworker:
        detail |= {
            "caseworker_before": before.caseworker.name,
            "caseworker": after.caseworker.name,
        }
    if before.way is not after.way:
        detail |= {"way_before": before.way, "way": after.way}
    if before.span.start != after.span.start:
        detail |= {
            "before": before.span.start.isoformat(),
            "start": after.span.start.isoformat(),
        }
        return Change.MOVED, detail
    if before.way is not after.way:
        return Change.SHIFTED, detail
    return Change.REASSIGNED, detail
