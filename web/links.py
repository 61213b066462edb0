"""The link in somebody's mail: the appointment it opens, and what guessing one costs."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments
from scheduling.model import Appointment, Link, NotFound
from web import limits
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
