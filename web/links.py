"""The links in somebody's mail: what they open, what guessing one costs, who gets one."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking
from scheduling.model import Appointment, Link, Needs, NotFound, Part, Way
from web import limits, translations
from web.keys import CLOCK


async def opened(request: web.Request, tx: AsyncConnection, token: str) -> tuple[Appointment, Link]:
    """Return the appointment of `token` and whose link it is.

    Raises `NotFound` for unknown, expired and foreign tokens alike, and `limits.TooMany`
    for a client that was wrong too often.
    """
    limits.check(request, limits.GUESSING)
    try:
        return await appointments.by_token(tx, token, request.app[CLOCK]())
    except NotFound:
        limits.take(request, limits.GUESSING)
        raise


def companion(needs: Needs, way: Way, locale: str) -> str:
    """Return the name of a companion who gets a link of their own; empty if none does."""
    if not needs.companion or way is not Way.VIDEO:
        return ""
    # It is the appointment's own word for the guest until they are known.
    return translations.catalogue(locale).gettext("Companion")


async def for_companion(
    request: web.Request, tx: AsyncConnection, appointment: Appointment, *, actor: str
) -> str:
    """Return a new link for an announced companion of a video call; empty if none is due."""
    name = companion(appointment.needs, appointment.way, appointment.locale)
    if not name:
        return ""
    known = await appointments.links(tx, appointment.id)
    if any(link.part is Part.COMPANION for link in known):
        return ""
    now = request.app[CLOCK]()
    return await booking.add_link(
        tx, appointment.id, part=Part.COMPANION, name=name, actor=actor, now=now
    )
