"""Reading the waiting list: who waits at all, and what the link of an offer stands for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, schema
from scheduling.model import Appointment, NotFound, PlanError, Span, Status
from scheduling.tokens import digest


@dataclass(frozen=True, slots=True)
class Offered:
    """An earlier slot kept for somebody; `span` is what they would get instead."""

    appointment: Appointment
    span: Span
    expires_at: dt.datetime

    def open_at(self, now: dt.datetime) -> bool:
        """Tell whether it can be accepted; not once the appointment is as early or earlier."""
        booked = self.appointment.status is Status.BOOKED
        return booked and now < self.expires_at and self.span.start < self.appointment.span.start


class OfferGone(PlanError):
    """The offer is over; `offered` says which one while it is the last that was made."""

    def __init__(self, offered: Offered | None) -> None:
        super().__init__()
        self.offered = offered


async def read(tx: AsyncConnection, token: str, now: dt.datetime, *, lock: bool = False) -> Offered:
    """Return the open offer of a link; with `lock`, another reader waits for this transaction.

    Raises `NotFound` for an unknown token, and `OfferGone` for an offer that ran out, was
    accepted or withdrawn, or was followed by another one.
    """
    hold, waiting = schema.hold, schema.waiting
    held = (await tx.execute(select(hold).where(hold.c.token_hash == digest(token)))).one_or_none()
    if held is None:
        raise NotFound
    row = select(waiting.c.appointment_id).where(waiting.c.hold_id == held.id)
    appointment_id = await tx.scalar(row.with_for_update() if lock else row)
    if appointment_id is None:
        raise OfferGone(None)
    appointment = await appointments.by_id(tx, appointment_id)
    offered = Offered(appointment, Span(held.starts_at, held.ends_at), held.expires_at)
    if not offered.open_at(now):
        raise OfferGone(offered)
    return offered


async def anybody_waits(tx: AsyncConnection, now: dt.datetime) -> bool:
    """Tell whether an offer could be made to anybody; a look that needs no write lock."""
    row = schema.waiting
    free = or_(row.c.hold_id.is_(None), row.c.offer_expires_at <= now)
    return await tx.scalar(select(row.c.id).where(free).limit(1)) is not None
