"""Reading appointments: by id, by link, by reference, by day, and their history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.grid import Horizon
from scheduling.model import (
    Appointment,
    Change,
    Entry,
    Link,
    Needs,
    NotFound,
    Outcome,
    Part,
    Person,
    Resource,
    Span,
    Status,
    Way,
)
from scheduling.schema import appointment, colleague, participant_link
from scheduling.schema import history as entry
from scheduling.tokens import digest

_LINK = ("id", "part", "name", "expires_at", "email")
_OPENED = (
    select(
        appointment,
        *(participant_link.c[name].label(f"link_{name}") for name in _LINK),
        *catalog.VERSION,
    )
    .join_from(participant_link, appointment)
    .where(
        participant_link.c.token_hash == bindparam("hash"),
        participant_link.c.expires_at > bindparam("now"),
    )
)
_EMPTY: dict[str, Any] = dict.fromkeys(appointment.c.keys())


async def by_id(tx: AsyncConnection, appointment_id: int) -> Appointment:
    """Return the appointment, or raise `NotFound`."""
    return await _one(tx, appointment.c.id == appointment_id)


async def by_ids(tx: AsyncConnection, ids: Collection[int]) -> list[Appointment]:
    """Return those of the appointments that exist, in order of time."""
    return await _many(tx, appointment.c.id.in_([*ids]))


async def by_reference(tx: AsyncConnection, reference: str) -> Appointment:
    """Return the appointment of a reference as people type it, or raise `NotFound`."""
    letters = "".join(letter for letter in reference.upper() if letter.isalnum())
    return await _one(tx, appointment.c.reference == f"{letters[:4]}-{letters[4:]}")


async def by_token(tx: AsyncConnection, token: str, now: dt.datetime) -> tuple[Appointment, Link]:
    """Return the appointment that a link's `token` opens, and the link.

    Raises `NotFound` alike for a token that is unknown, foreign or expired.
    """
    row = (await tx.execute(_OPENED, {"hash": digest(token), "now": now})).one_or_none()
    if row is None:
        raise NotFound
    (opened,) = await read(tx, [row], catalog.version_of(row))
    link = Link(
        row.link_id, opened.id, Part(row.link_part), row.link_name, row.link_expires_at,
        row.link_email,
    )  # fmt: skip
    return opened, link


async def known(tx: AsyncConnection, token: str, now: dt.datetime) -> Appointment | None:
    """Return the appointment that a link's `token` opens, None if it opens nothing.

    For orders that may arrive twice: their link follows from the order.
    """
    try:
        return (await by_token(tx, token, now))[0]
    except NotFound:
        return None


async def day(
    tx: AsyncConnection,
    date: dt.date,
    *,
    site_id: int | None = None,
    caseworker_id: int | None = None,
) -> list[Appointment]:
    """Return the appointments that start on the local day `date`, in order of time.

    Those of a caseworker are also the ones they take part in beside another.
    """
    there = Horizon(date, date)
    wanted = [appointment.c.starts_at >= there.start, appointment.c.starts_at < there.end]
    if site_id is not None:
        wanted.append(appointment.c.site_id == site_id)
    if caseworker_id is not None:
        joined = select(colleague.c.appointment_id).where(colleague.c.resource_id == caseworker_id)
        wanted.append(
            or_(appointment.c.caseworker_id == caseworker_id, appointment.c.id.in_(joined))
        )
    return await _many(tx, *wanted)


async def of_session(tx: AsyncConnection, session_id: int) -> list[Appointment]:
    """Return the seats of a group session, cancelled ones too, in the order of booking."""
    found = await _many(tx, appointment.c.session_id == session_id)
    return sorted(found, key=lambda one: one.id)


async def links(tx: AsyncConnection, appointment_id: int) -> list[Link]:
    """Return the participants' links of an appointment, the claimant's first."""
    link = participant_link
    rows = await tx.execute(
        select(link).where(link.c.appointment_id == appointment_id).order_by(link.c.id)
    )
    return [_link(row) for row in rows]


async def history(tx: AsyncConnection, appointment_id: int) -> list[Entry]:
    """Return the history of an appointment, oldest first."""
    rows = await tx.execute(
        select(entry).where(entry.c.appointment_id == appointment_id).order_by(entry.c.id)
    )
    return [Entry(row.at, row.actor, Change(row.change), row.detail) for row in rows]


async def _one(tx: AsyncConnection, condition: ColumnElement[bool]) -> Appointment:
    found = await _many(tx, condition)
    if not found:
        raise NotFound
    return found[0]


async def _many(tx: AsyncConnection, *conditions: ColumnElement[bool]) -> list[Appointment]:
    query = select(appointment).where(*conditions)
    rows = (await tx.execute(query.order_by(appointment.c.starts_at, appointment.c.id))).all()
    if not rows:
        return []
    return await read(tx, rows)


async def read(
    tx: AsyncConnection, rows: Sequence[Any], version: catalog.Version | None = None
) -> list[Appointment]:
    """Make appointments of whatever has their columns as attributes.

    `version` is the catalogue's, where it was read beside them.
    """
    catalogue = await catalog.current(tx, version)
    taken = {one for row in rows for one in _taken(row)} - {None}
    resources = await catalog.resources_of(tx, catalogue, taken)
    return [
        Appointment(
            id=row.id,
            uid=row.uid,
            reference=row.reference,
            topic=catalogue.topic(row.topic_id),
            way=Way(row.way),
            site=catalogue.site(row.site_id),
            caseworker=resources[row.caseworker_id],
            room=resources.get(row.room_id),
            span=Span(row.starts_at, row.ends_at),
            status=Status(row.status),
            sequence=row.sequence,
            person=Person(row.name, row.email, row.phone),
            needs=Needs(frozenset(row.features), row.interpreter, row.companion),
            locale=row.locale,
            changed_at=row.changed_at,
            delete_after=row.delete_after,
            tablet=resources.get(row.tablet_id),
            camera=resources.get(row.camera_id),
            interpreter=resources.get(row.interpreter_id),
            session_id=row.session_id,
            outcome=Outcome(row.outcome) if row.outcome else None,
        )
        for row in rows
    ]


def row(appointment: Appointment) -> dict[str, Any]:
    """Return the columns of an appointment, as they are stored, apart from when it was created."""
    return {
        "id": appointment.id,
        "uid": appointment.uid,
        "reference": appointment.reference,
        "topic_id": appointment.topic.id,
        "way": appointment.way,
        "site_id": appointment.site.id,
        "caseworker_id": appointment.caseworker.id,
        "room_id": _id(appointment.room),
        "tablet_id": _id(appointment.tablet),
        "camera_id": _id(appointment.camera),
        "interpreter_id": _id(appointment.interpreter),
        "starts_at": appointment.span.start,
        "ends_at": appointment.span.end,
        "status": appointment.status,
        "sequence": appointment.sequence,
        "name": appointment.person.name,
        "email": appointment.person.email,
        "phone": appointment.person.phone,
        "features": sorted(appointment.needs.features),
        "interpreter": appointment.needs.interpreter,
        "companion": appointment.needs.companion,
        "locale": appointment.locale,
        "changed_at": appointment.changed_at,
        "delete_after": appointment.delete_after,
    }


async def made(tx: AsyncConnection, columns: Mapping[str, Any]) -> Appointment:
    """Return the appointment of those columns; what is not named is empty."""
    (found,) = await read(tx, [SimpleNamespace(**{**_EMPTY, **columns})])
    return found


def _id(resource: Resource | None) -> int | None:
    return resource.id if resource else None


def _taken(row: Any) -> tuple[int, ...]:
    return (row.caseworker_id, row.room_id, row.tablet_id, row.camera_id, row.interpreter_id)


def _link(row: Row[Any]) -> Link:
    return Link(row.id, row.appointment_id, Part(row.part), row.name, row.expires_at, row.email)
