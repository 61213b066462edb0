"""An earlier slot: who waits for one, and the exclusive offer when one becomes free.

Offers go out in the order in which people began to wait. An offer holds the slot, so that
nothing is promised twice; when it runs out, the next person gets it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, changes, claims, schema, slots, together
from scheduling.grid import local_date
from scheduling.model import Appointment, HoldExpired, NotFound, SlotTaken, Status

OFFER_MINUTES = 60

_WAITS = select(schema.waiting.c.id).where(
    schema.waiting.c.appointment_id == bindparam("appointment")
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A slot offered to somebody who waits; `token` is shown to them once."""

    appointment: Appointment
    start: dt.datetime
    token: str
    expires_at: dt.datetime


async def join(tx: AsyncConnection, appointment_id: int, now: dt.datetime) -> None:
    """Begin to wait for an earlier slot than the one booked; again changes nothing.

    Raises `NotFound` when there is no such appointment.
    """
    row = schema.waiting
    if await is_waiting(tx, appointment_id):
        return
    try:
        async with tx.begin_nested():
            await tx.execute(
                insert(row).values(appointment_id=appointment_id, created_at=now, declined=[])
            )
    except IntegrityError as error:
        # A second tap at the same moment was faster, or the appointment has been deleted.
        if not await is_waiting(tx, appointment_id):
            raise NotFound from error


async def leave(tx: AsyncConnection, appointment_id: int) -> None:
    """Stop waiting; an offered slot is given back."""
    row = schema.waiting
    found = await tx.execute(select(row).where(row.c.appointment_id == appointment_id))
    for one in found:
        if one.hold_id is not None and one.offer_expires_at is not None:
            await claims.release(tx, claims.ForHold(one.hold_id, one.offer_expires_at))
        await tx.execute(delete(row).where(row.c.id == one.id))


async def is_waiting(tx: AsyncConnection, appointment_id: int) -> bool:
    """Tell whether the appointment's claimant waits for an earlier slot."""
    return bool(await tx.scalar(_WAITS, {"appointment": appointment_id}))


async def offer(tx: AsyncConnection, now: dt.datetime, minutes: int = OFFER_MINUTES) -> list[Offer]:
    """Offer what is free to those who wait, first come first served; return the new offers."""
    await claims.give_way(tx)
    row, booked = schema.waiting, schema.appointment
    waiting = await tx.execute(
        select(row)
        .where(
            row.c.appointment_id == booked.c.id,
            booked.c.status == Status.BOOKED,
            booked.c.starts_at > now,
            or_(row.c.hold_id.is_(None), row.c.offer_expires_at <= now),
        )
        .order_by(row.c.created_at, row.c.id)
        # Several processes may look at once; each person is offered one slot by one of them.
        .with_for_update(of=row, skip_locked=True)
    )
    made = []
    for one in waiting.all():
        found = await _offer_to(tx, one.id, one.appointment_id, one.declined, now, minutes)
        if found is not None:
            made.append(found)
    return made


async def accept(tx: AsyncConnection, token: str, *, actor: str, now: dt.datetime) -> Appointment:
    """Move the appointment to the slot offered with this `token`.

    Raises `NotFound` for an unknown token and `HoldExpired` when the offer has run out; the
    appointment then stays where it was.
    """
    row = schema.waiting
    held = await booking.read_hold(tx, token, now)
    one = (await tx.execute(select(row).where(row.c.hold_id == held.id))).one_or_none()
    if one is None:
        raise NotFound
    # In the order in which every change of an appointment locks: itself, then its resources.
    await changes.lock(tx, one.appointment_id)
    await claims.release(tx, claims.ForHold(held.id, held.expires_at))
    await claims.give_way(tx)
    try:
        moved = await changes.rearrange(
            tx, one.appointment_id, start=held.span.start, site_id=held.site.id,
            caseworker_id=held.caseworker.id, actor=actor, now=now, for_staff=True,
        )  # fmt: skip
    except SlotTaken as error:
        raise HoldExpired(held) from error
    await tx.execute(delete(row).where(row.c.id == one.id))
    return moved


async def _offer_to(
    tx: AsyncConnection,
    waiting_id: int,
    appointment_id: int,
    declined: list[str],
    now: dt.datetime,
    minutes: int,
) -> Offer | None:
    appointment = await appointments.by_id(tx, appointment_id)
    day_before = local_date(appointment.span.start)
    query = changes.elsewhere(appointment, local_date(now), day_before)
    expires_at = now + dt.timedelta(minutes=minutes)
    joining = tuple(one.id for one in await together.colleagues(tx, appointment_id))
    for slot in await slots.find(tx, query, now):
        if slot.end > appointment.span.start or slot.start.isoformat() in declined:
            continue
        try:
            token, held = await booking.hold(
                tx, topic=appointment.topic, way=appointment.way, start=slot.start, now=now,
                site_id=query.site_id, needs=appointment.needs, minutes=minutes,
                with_people=joining,
            )  # fmt: skip
        except SlotTaken:
            continue
        await tx.execute(
            update(schema.waiting)
            .where(schema.waiting.c.id == waiting_id)
            .values(
                hold_id=held.id,
                offer_expires_at=expires_at,
                declined=[*declined, slot.start.isoformat()],
            )
        )
        return Offer(appointment, slot.start, token, expires_at)
    return None
