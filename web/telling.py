"""Telling everybody concerned what has become of an appointment.

The letters are written in the transaction of the change: nobody hears of what did not happen,
and nothing happens unheard.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, outbox
from scheduling.model import Appointment, Change, Part
from scheduling.outbox import Wait
from web import links
from web.keys import CLOCK
from web.letters import LETTERS

_FOR_GUESTS = frozenset({Change.MOVED, Change.SHIFTED, Change.CANCELLED})
"""What companions and interpreters must know; with whom they meet is the claimant's affair."""


async def tell(
    request: web.Request,
    tx: AsyncConnection,
    appointment: Appointment,
    change: Change,
    *,
    actor: str,
    token: str = "",
    wait: Wait | None = None,
) -> bool:
    """Write to the claimant, and to companions and interpreters whose address is known.

    `token` is the claimant's link where the caller has it. Links are stored hashed, so that a
    letter of the office's own gets a new one beside the old. Returns whether the claimant has
    an address; who booked by phone may have none.
    """
    now = request.app[CLOCK]()
    if change in _FOR_GUESTS:
        await _tell_guests(request, tx, appointment, change, wait)
    person = appointment.person
    if not person.email:
        return False
    companion = ""
    if change is Change.CANCELLED:
        token = ""
    else:
        token = token or await booking.add_link(
            tx, appointment.id, part=Part.CLAIMANT, name=person.name, actor=actor, now=now
        )
        companion = await links.for_companion(request, tx, appointment, actor=actor)
    letter = request.app[LETTERS].to_claimant(
        appointment, change, token=token, now=now, companion_token=companion
    )
    await outbox.post(tx, person.email, letter, now, wait=wait)
    return True


async def _tell_guests(
    request: web.Request,
    tx: AsyncConnection,
    appointment: Appointment,
    change: Change,
    wait: Wait | None,
) -> None:
    now = request.app[CLOCK]()
    known = await appointments.links(tx, appointment.id)
    guests = {link.email: link for link in known if link.email}
    for email, link in guests.items():
        # Their links open the call as before, whenever and however it takes place.
        letter = request.app[LETTERS].to_guest(
            appointment, link.part, link.name, email, token="", now=now, change=change
        )
        await outbox.post(tx, email, letter, now, wait=wait)
