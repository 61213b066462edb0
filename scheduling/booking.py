"""From a free slot to a booked appointment: confirm what was held, or book at once.

Confirming hands the claims of a hold (`scheduling.holds`) over to a new appointment, so nobody
can slip in between.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, claims, holds, orders, schema, slots
from scheduling.changes import add_link, cancel, end, link, rearrange, record, things
from scheduling.grid import local_date
from scheduling.holds import hold, read_hold, release
from scheduling.model import (
    Appointment,
    Change,
    Hold,
    HoldExpired,
    Needs,
    NeedUnmet,
    Part,
    Person,
    SlotTaken,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.orders import RETENTION_DAYS, Confirmed, Order, Placed
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import derive, new_reference

__all__ = [
    "RETENTION_DAYS", "Confirmed", "add_link", "book", "book_one", "cancel", "confirm", "end",
    "hold", "read_hold", "rearrange", "release",
]  # fmt: skip

CLAIMANT = "claimant"
"""The actor in the history when the claimant acts through their link."""

_PURPOSE = "claimant's link"

_INSERT = insert(schema.appointment).returning(schema.appointment.c.id)
_CONFIRMED = (
    update(schema.hold)
    .where(schema.hold.c.id == bindparam("hold"))
    .values(appointment_id=bindparam("owner"))
)


@dataclass(frozen=True, slots=True)
class _Booking:
    """Who books, and what is stored of it."""

    person: Person
    needs: Needs
    locale: str
    now: dt.datetime
    actor: str
    keep_days: int


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
    held = await holds.locked(tx, token)
    link_token = derive(token, _PURPOSE)
    if held.appointment_id is not None:
        same = await appointments.by_id(tx, held.appointment_id)
        return Confirmed(same, link_token, created=False)
    made = _Booking(person, needs, locale, now, actor, keep_days)
    things_held = {
        "room_id": held.room_id,
        "device_id": held.device_id,
        "interpreter_id": held.interpreter_id,
    }
    booked = await _insert(
        tx, made, held.topic, held.way, held.site.id, held.caseworker.id, held.span, things_held
    )
    try:
        await claims.hand_over(tx, held.id, booked.id, held.resource_ids)
    except SlotTaken as error:
        raise HoldExpired(held) from error
    await tx.execute(_CONFIRMED, {"hold": held.id, "owner": booked.id})
    if needs.step_free or needs.interpreter:
        await _honour(tx, booked.id, held, needs, now)
        booked = await appointments.by_id(tx, booked.id)
    await _note(tx, booked, made, link_token)
    return Confirmed(booked, link_token, created=True)


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
    for_staff: bool = True,
    found: Sequence[Option] | None = None,
    link_token: str | None = None,
) -> Confirmed:
    """Book at once, on behalf of a claimant. Raises `SlotTaken`.

    `link_token` is the claimant's link where it is to be a certain one. The store knows each but
    once: whoever comes with it again is told `SlotTaken`, too (`appointments.known`).

    `found` are those whom the same search has found free a moment ago; who is free is looked
    up when none is given, or all of them have been taken since.
    """
    order = Order(
        topic, way, start, site_id, person, needs, locale, now, actor, caseworker_id, keep_days,
        for_staff, link_token,
    )  # fmt: skip
    return await book_one(tx, order, found)


async def book_one(
    tx: AsyncConnection, order: Order, found: Sequence[Option] | None = None
) -> Confirmed:
    """Book an order, among others that are under way. Raises `SlotTaken`; see `book`."""

    async def take(option: Option) -> Confirmed:
        site = (await catalog.current(tx)).site(option.place_id)
        async with claims.attempt(tx):
            (confirmed,), _ = await orders.book(tx, [Placed(order, option, site)])
        return confirmed

    return await holds.first_taken(tx, order.query, order.start, order.now, found, take)


async def _insert(
    tx: AsyncConnection, made: _Booking, topic: Topic, way: Way, site_id: int,
    caseworker_id: int, span: Span, taken: dict[str, int | None],
) -> Appointment:  # fmt: skip
    values = {
        "uid": str(uuid.uuid4()),
        "reference": new_reference(),
        "topic_id": topic.id,
        "way": way,
        "site_id": site_id,
        "caseworker_id": caseworker_id,
        **taken,
        "starts_at": span.start,
        "ends_at": span.end,
        "status": Status.BOOKED,
        "sequence": 0,
        "name": made.person.name,
        "email": made.person.email,
        "phone": made.person.phone,
        "step_free": made.needs.step_free,
        "interpreter": made.needs.interpreter,
        "companion": made.needs.companion,
        "locale": made.locale,
        "created_at": made.now,
        "changed_at": made.now,
        "delete_after": span.end + dt.timedelta(days=made.keep_days),
    }
    appointment_id = (await tx.execute(_INSERT, values)).scalar_one()
    return await appointments.made(tx, {"id": appointment_id, **values})


async def _note(tx: AsyncConnection, booked: Appointment, made: _Booking, token: str) -> None:
    """Write the history's first line and the claimant's link."""
    start = booked.span.start.isoformat()
    await record(tx, booked.id, made.actor, Change.BOOKED, {"start": start}, made.now)
    await link(tx, booked, part=Part.CLAIMANT, name=made.person.name, token=token, now=made.now)


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
