"""Colleagues who take part in a consultation beside the caseworker who advises.

Which of them belong to an appointment is kept apart from its claims, so that every later search
for it (a move, another way, a rescue) looks for a time at which they are free as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, catalog, changes, claims, schema, slots
from scheduling.booking import RETENTION_DAYS, Confirmed
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Needs,
    Person,
    Resource,
    SlotTaken,
    Span,
    Topic,
    Way,
)
from scheduling.slots import SlotQuery

MOST = 3
"""How many colleagues can be asked to one consultation."""


async def colleagues(tx: AsyncConnection, appointment_id: int) -> list[Resource]:
    """Return who takes part beside the caseworker, by name."""
    row = schema.colleague.c
    ids = await tx.scalars(select(row.resource_id).where(row.appointment_id == appointment_id))
    found = await catalog.resources_by_id(tx, [*ids])
    return sorted(found.values(), key=lambda one: one.name)


async def book(
    tx: AsyncConnection,
    *,
    topic: Topic,
    way: Way,
    start: dt.datetime,
    site_id: int | None,
    with_people: tuple[int, ...],
    person: Person,
    needs: Needs,
    locale: str,
    now: dt.datetime,
    actor: str,
    keep_days: int = RETENTION_DAYS,
    link_token: str | None = None,
) -> Confirmed:
    """Book at once, on behalf of a claimant, a time that suits all of `with_people` as well.

    Raises `SlotTaken` when there is no caseworker for whom that is possible.
    """
    if not with_people:
        return await booking.book(
            tx, topic=topic, way=way, start=start, site_id=site_id, person=person, needs=needs,
            locale=locale, now=now, actor=actor, keep_days=keep_days, link_token=link_token,
        )  # fmt: skip
    date = local_date(start)
    query = SlotQuery(
        topic, way, date, date, site_id, needs, with_people=with_people, for_staff=True
    )
    for option in await slots.options(tx, query, start, now):
        try:
            async with tx.begin_nested():
                confirmed = await booking.book(
                    tx, topic=topic, way=way, start=start, site_id=site_id, person=person,
                    needs=needs, locale=locale, now=now, actor=actor,
                    caseworker_id=option.caseworker.id, keep_days=keep_days,
                    link_token=link_token,
                )  # fmt: skip
                kept = await invite(tx, confirmed.appointment, with_people, actor, now)
        except SlotTaken:
            continue
        return Confirmed(kept, confirmed.link_token, confirmed.created)
    raise SlotTaken


async def invite(
    tx: AsyncConnection,
    appointment: Appointment,
    people: Collection[int],
    actor: str,
    now: dt.datetime,
) -> Appointment:
    """Let colleagues take part at the present time.

    Raises `SlotTaken` if one is not free, or there at all; the caller then takes everything back.
    """
    rows = [{"appointment_id": appointment.id, "resource_id": person_id} for person_id in people]
    await tx.execute(insert(schema.colleague), rows)
    await _claim_again(tx, appointment, now)
    for person_id in people:
        await _note(tx, appointment, Change.COLLEAGUE_JOINED, person_id, actor, now)
    return await appointments.by_id(tx, appointment.id)


async def excuse(
    tx: AsyncConnection, appointment: Appointment, person_id: int, actor: str, now: dt.datetime
) -> None:
    """Let a colleague take part no longer; their time is free again at once, all else stays."""
    row, claim = schema.colleague.c, schema.claim.c
    await tx.execute(
        delete(schema.colleague).where(
            row.appointment_id == appointment.id, row.resource_id == person_id
        )
    )
    others = select(claim.resource_id, claim.starts_at, claim.ends_at).where(
        claim.appointment_id == appointment.id, claim.resource_id != person_id
    )
    kept = {one.resource_id: Span(one.starts_at, one.ends_at) for one in await tx.execute(others)}
    await claims.take(tx, claims.ForAppointment(appointment.id), kept, now)
    await _note(tx, appointment, Change.COLLEAGUE_LEFT, person_id, actor, now)


async def _note(
    tx: AsyncConnection, appointment: Appointment, change: Change, person_id: int, actor: str,
    now: dt.datetime,
) -> None:  # fmt: skip
    found = await catalog.resources_by_id(tx, [person_id])
    await changes.record(
        tx, appointment.id, actor, change, {"caseworker": found[person_id].name}, now
    )


async def _claim_again(tx: AsyncConnection, appointment: Appointment, now: dt.datetime) -> None:
    query = changes.elsewhere(
        appointment, local_date(appointment.span.start), for_staff=True,
        caseworker_id=appointment.caseworker.id,
    )  # fmt: skip
    for option in await slots.options(tx, query, appointment.span.start, now):
        wanted = claims.needed(query.offer, option, appointment.span)
        await claims.take(tx, claims.ForAppointment(appointment.id), wanted, now)
        await tx.execute(
            update(schema.appointment)
            .where(schema.appointment.c.id == appointment.id)
            .values(changes.things(option))
        )
        return
    raise SlotTaken
