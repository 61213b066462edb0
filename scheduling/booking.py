"""From a free slot to a booked appointment: confirm what was held, or book at once.

Confirming hands the claims of a hold (`scheduling.holds`) over to a new appointment, so nobody
can slip in between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, claims, holds, orders, outbox, schema, slots
from scheduling.changes import add_link, cancel, end, rearrange, things
from scheduling.grid import local_date
from scheduling.holds import hold, read_hold, release
from scheduling.model import (
    Hold,
    HoldExpired,
    Needs,
    NeedUnmet,
    Person,
    SlotTaken,
    Topic,
    Way,
)
from scheduling.orders import RETENTION_DAYS, Confirmed, Letter, Order, Placed
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import derive

__all__ = [
    "RETENTION_DAYS", "Confirmed", "add_link", "book", "book_one", "cancel", "confirm", "end",
    "hold", "read_hold", "rearrange", "release",
]  # fmt: skip

CLAIMANT = "claimant"
"""The actor in the history when the claimant acts through their link."""

_PURPOSE = "claimant's link"


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
    companion: str = "",
    letter: Letter | None = None,
) -> Confirmed:
    """Turn a hold into an appointment.

    Confirming the same hold again returns the same appointment and link, so two tabs or an
    impatient second tap make one booking. A hold that ran out counts as long as nobody has
    taken the slot. A `companion` of that name gets a link of their own. Raises `NotFound`,
    `HoldExpired`, or `NeedUnmet` when the time is free but not with what is needed.
    """
    held = await holds.locked(tx, token)
    link_token = derive(token, _PURPOSE)
    if held.appointment_id is not None:
        same = await appointments.by_id(tx, held.appointment_id)
        return Confirmed(same, link_token, created=False)
    # Only when the needs are met, is it known what the letter is to say.
    later = letter if needs.special else None
    order = Order(
        held.topic, held.way, held.span.start, held.site.id, person, needs, locale, now, actor,
        held.caseworker.id, keep_days, link_token=link_token, companion=companion,
        letter=None if later else letter,
    )  # fmt: skip
    try:
        booked = await orders.book_held(tx, await _placed(tx, order, held), held.id)
    except SlotTaken as error:
        raise HoldExpired(held) from error
    if needs.special:
        await _honour(tx, booked.appointment.id, held, needs, now)
        booked = replace(booked, appointment=await appointments.by_id(tx, booked.appointment.id))
    if later:
        await outbox.post(tx, person.email, later(booked), now)
    return booked


async def _placed(tx: AsyncConnection, order: Order, held: Hold) -> Placed:
    """Return the order with who and what was held for it."""
    ids = held.resource_ids - {held.caseworker.id}
    others = await catalog.resources_of(tx, await catalog.current(tx), ids) if ids else {}
    option = Option(held.caseworker, held.site.id, tuple(others.values()))
    return Placed(order, option, held.site, held.span)


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
            (confirmed,) = await orders.book(tx, [Placed(order, option, site)])
        return confirmed

    return await holds.first_taken(tx, order.query, order.start, order.now, found, take)


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
