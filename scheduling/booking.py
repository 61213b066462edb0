"""From a free slot to a booked appointment: hold, confirm, book.

A hold keeps the slot while somebody types. Confirming hands its claims over to a new
appointment, so nobody can slip in between.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, claims, schema, slots
from scheduling.changes import add_link, cancel, end, rearrange, record, things
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Hold,
    HoldExpired,
    Needs,
    NeedUnmet,
    NotFound,
    Part,
    Person,
    SlotTaken,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import derive, digest, new_reference, new_token

__all__ = [
    "Confirmed", "add_link", "book", "cancel", "confirm", "end", "hold",
    "read_hold", "rearrange", "release",
]  # fmt: skip

CLAIMANT = "claimant"
"""The actor in the history when the claimant acts through their link."""

RETENTION_DAYS = 90
"""How long after its end an appointment's personal data are kept, unless configured."""

LOOKS = 2
"""How often a hold looks who is free: whoever lost one room to a neighbour may get the next."""

_PURPOSE = "claimant's link"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A booking. `created` is false when the same hold had been confirmed before."""

    appointment: Appointment
    link_token: str
    created: bool


async def hold(
    tx: AsyncConnection,
    *,
    topic: Topic,
    way: Way,
    start: dt.datetime,
    now: dt.datetime,
    site_id: int | None = None,
    caseworker_id: int | None = None,
    needs: Needs | None = None,
    minutes: int = 10,
    for_staff: bool = False,
) -> tuple[str, Hold]:
    """Keep the slot at `start` for `minutes`; return the hold's token and the hold.

    Raises `SlotTaken` when the start is not, or no longer, possible.
    """
    date = local_date(start)
    query = SlotQuery(
        topic, way, date, date, site_id, needs or Needs(), caseworker_id, for_staff=for_staff
    )
    token = new_token()
    span = Span(start, start + dt.timedelta(minutes=query.offer.minutes))
    expires_at = now + dt.timedelta(minutes=minutes)
    for _ in range(LOOKS):
        for option in await slots.options(tx, query, start, now):
            try:
                async with tx.begin_nested():
                    hold_id = await _insert_hold(tx, token, query, option, span, expires_at)
                    owner = claims.ForHold(hold_id, expires_at)
                    await claims.take(tx, owner, claims.needed(query.offer, option, span), now)
            except SlotTaken:
                continue
            return token, await _hold(tx, token)
    raise SlotTaken


async def read_hold(tx: AsyncConnection, token: str, now: dt.datetime) -> Hold:
    """Return the hold of a `token`.

    Raises `NotFound` for an unknown token, `HoldExpired` when its time is over.
    A confirmed hold never expires.
    """
    found = await _hold(tx, token)
    if found.appointment_id is None and found.expires_at <= now:
        raise HoldExpired(found)
    return found


async def release(tx: AsyncConnection, token: str, now: dt.datetime) -> None:
    """Give a held slot back. A confirmed hold is left alone."""
    found = await _hold(tx, token, lock=True)
    if found.appointment_id is None:
        await claims.release(tx, claims.ForHold(found.id, found.expires_at))
        await tx.execute(
            update(schema.hold).where(schema.hold.c.id == found.id).values(expires_at=now)
        )


async def confirm(
    tx: AsyncConnection,
    token: str,
    *,
    person: Person,
    needs: Needs,
    locale: str,
    now: dt.datetime,
    actor: str = CLAIMANT,
    keep_days: int = RETENTION_DAYS,
) -> Confirmed:
    """Turn a hold into an appointment.

    Confirming the same hold again returns the same appointment and link, so two tabs or an
    impatient second tap make one booking. A hold that ran out counts as long as nobody has
    taken the slot. Raises `NotFound`, `HoldExpired`, or `NeedUnmet` when the time is free
    but not with what is needed.
    """
    held = await _hold(tx, token, lock=True)
    if await _is_offer(tx, held):
        raise NotFound
    link_token = derive(token, _PURPOSE)
    if held.appointment_id is not None:
        same = await appointments.by_id(tx, held.appointment_id)
        return Confirmed(same, link_token, created=False)
    appointment_id = await _insert_appointment(tx, held, person, needs, locale, now, keep_days)
    try:
        await claims.hand_over(tx, held.id, appointment_id, len(held.resource_ids))
    except SlotTaken as error:
        raise HoldExpired(held) from error
    await tx.execute(
        update(schema.hold).where(schema.hold.c.id == held.id).values(appointment_id=appointment_id)
    )
    if needs.step_free or needs.interpreter:
        await _honour(tx, appointment_id, held, needs, now)
    await record(
        tx, appointment_id, actor, Change.BOOKED, {"start": held.span.start.isoformat()}, now
    )
    await add_link(
        tx, appointment_id, part=Part.CLAIMANT, name=person.name, actor=actor, now=now,
        token=link_token,
    )  # fmt: skip
    return Confirmed(await appointments.by_id(tx, appointment_id), link_token, created=True)


async def book(
    tx: AsyncConnection,
    *,
    topic: Topic,
    way: Way,
    start: dt.datetime,
    site_id: int | None,
    person: Person,
    needs: Needs,
    locale: str,
    now: dt.datetime,
    actor: str,
    caseworker_id: int | None = None,
    keep_days: int = RETENTION_DAYS,
) -> Confirmed:
    """Book at once, on behalf of a claimant. Raises `SlotTaken`."""
    token, _ = await hold(
        tx, topic=topic, way=way, start=start, now=now, site_id=site_id,
        caseworker_id=caseworker_id, needs=needs, for_staff=True,
    )  # fmt: skip
    return await confirm(
        tx, token, person=person, needs=needs, locale=locale, now=now, actor=actor,
        keep_days=keep_days,
    )  # fmt: skip


async def _hold(tx: AsyncConnection, token: str, *, lock: bool = False) -> Hold:
    query = select(schema.hold).where(schema.hold.c.token_hash == digest(token))
    row = (await tx.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NotFound
    topics = {topic.id: topic for topic in await catalog.topics(tx)}
    sites = {site.id: site for site in await catalog.sites(tx)}
    people = await catalog.resources_by_id(tx, [row.caseworker_id])
    return Hold(
        id=row.id,
        topic=topics[row.topic_id],
        way=Way(row.way),
        site=sites[row.site_id],
        caseworker=people[row.caseworker_id],
        span=Span(row.starts_at, row.ends_at),
        expires_at=row.expires_at,
        room_id=row.room_id,
        device_id=row.device_id,
        interpreter_id=row.interpreter_id,
        appointment_id=row.appointment_id,
    )


async def _is_offer(tx: AsyncConnection, held: Hold) -> bool:
    # A slot offered to somebody who waits moves their appointment; it makes no second one.
    row = schema.waiting
    return bool(await tx.scalar(select(row.c.id).where(row.c.hold_id == held.id)))


async def _insert_hold(
    tx: AsyncConnection,
    token: str,
    query: SlotQuery,
    option: Option,
    span: Span,
    expires_at: dt.datetime,
) -> int:
    values = {
        "token_hash": digest(token),
        "topic_id": query.topic.id,
        "way": query.way,
        "site_id": option.place_id,
        "caseworker_id": option.caseworker.id,
        **things(option),
        "starts_at": span.start,
        "ends_at": span.end,
        "expires_at": expires_at,
    }
    return await _insert(tx, schema.hold, values)


async def _insert_appointment(
    tx: AsyncConnection,
    held: Hold,
    person: Person,
    needs: Needs,
    locale: str,
    now: dt.datetime,
    keep_days: int,
) -> int:
    values = {
        "uid": str(uuid.uuid4()),
        "reference": new_reference(),
        "topic_id": held.topic.id,
        "way": held.way,
        "site_id": held.site.id,
        "caseworker_id": held.caseworker.id,
        "room_id": held.room_id,
        "device_id": held.device_id,
        "interpreter_id": held.interpreter_id,
        "starts_at": held.span.start,
        "ends_at": held.span.end,
        "status": Status.BOOKED,
        "sequence": 0,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "step_free": needs.step_free,
        "interpreter": needs.interpreter,
        "companion": needs.companion,
        "locale": locale,
        "created_at": now,
        "changed_at": now,
        "delete_after": held.span.end + dt.timedelta(days=keep_days),
    }
    return await _insert(tx, schema.appointment, values)


async def _insert(tx: AsyncConnection, table: Table, values: Mapping[str, object]) -> int:
    done = await tx.execute(insert(table).values(values).returning(table.c.id))
    return int(done.scalar_one())


async def _honour(
    tx: AsyncConnection, appointment_id: int, held: Hold, needs: Needs, now: dt.datetime
) -> None:
    """Exchange what was held for what the needs ask for, with the same caseworker and time."""
    await claims.give_way(tx)
    date = local_date(held.span.start)
    query = SlotQuery(
        held.topic, held.way, date, date, held.site.id, needs, held.caseworker.id,
        ignore_appointment=appointment_id, for_staff=True,
    )  # fmt: skip
    for option in await slots.options(tx, query, held.span.start, now):
        wanted = claims.needed(query.offer, option, held.span)
        await claims.take(tx, claims.ForAppointment(appointment_id), wanted, now)
        await tx.execute(
            update(schema.appointment)
            .where(schema.appointment.c.id == appointment_id)
            .values(things(option))
        )
        return
    raise NeedUnmet
