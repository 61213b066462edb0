"""Times and bookings for other programs: a citizens' portal, a telephone assistant.

The same search and the same rules as the pages (docs/api.md), JSON instead of forms. No foreign
page can make a browser book: it asks before it sends JSON to another origin (Fetch, 3.2.2), and
is not allowed to.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, slots, suitable
from scheduling.desk import Desk
from scheduling.grid import ZONE, local_date
from scheduling.model import Appointment, Change, Slot, SlotTaken
from scheduling.orders import Confirmed, Order
from scheduling.slots import SlotQuery
from web import forms, limits, links, words
from web.forms import FieldError, Typed
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.letters import LETTERS
from web.problems import problem
from web.translations import N_, catalogue
from web.wish import wish_for, wish_of

DESK: web.AppKey[Desk] = web.AppKey("desk")

LONGEST_SEARCH = dt.timedelta(days=62)
SHORTEST_KEY = 16
"""Letters of an Idempotency-Key: one that two programs could both choose would be none."""

_AROUND = dt.timedelta(days=7)
_TWO_WEEKS = dt.timedelta(days=13)


class _Wrong(Exception):
    """The order is not complete; `errors` say what is missing."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__()
        self.errors = errors


class _BookedBefore(Exception):
    """The same order has come before; `appointment` is what was booked then."""

    def __init__(self, appointment: Appointment) -> None:
        super().__init__()
        self.appointment = appointment


async def desk(app: web.Application) -> AsyncIterator[None]:
    """Keep the desk at which orders are booked for as long as the application runs."""
    app[DESK] = Desk(app[STORE], secrets.randbits(16))
    yield
    await app[DESK].close()


async def free_times(request: web.Request) -> web.Response:
    """Answer ``GET /api/slots``: the free starts of a topic in one way, day by day."""
    now, asked = request.app[CLOCK](), request.query
    first = forms.day(asked.get("from", ""), local_date(now))
    last = forms.day(asked.get("until", ""), first + _TWO_WEEKS)
    async with request.app[STORE].reading() as tx:
        wish = await wish_for(
            tx, asked.get("topic", ""), asked.get("way", ""), asked.get("site", "")
        )
        site_id = wish.site.id if wish.site else None
        query = SlotQuery(wish.topic, wish.way, first, min(last, first + LONGEST_SEARCH), site_id)
        found = await slots.find(tx, query, now)
    return web.json_response({"slots": _times(found)})


async def book(request: web.Request) -> web.Response:
    """Answer ``POST /api/appointments``: book at once, or say why not and what else is free."""
    limits.take(request, limits.BOOKING)
    body = await _body(request)
    asked: list[Order] = []

    async def ask(tx: AsyncConnection) -> Order:
        order = await _order(request, tx, body)
        asked.append(order)
        if order.link_token and (same := await appointments.known(tx, order.link_token, order.now)):
            raise _BookedBefore(same)
        return order

    try:
        done = await request.app[DESK].book(ask)
    except _Wrong as wrong:
        return _refused(request, wrong.errors)
    except _BookedBefore as before:
        return _booked(request, before.appointment, asked[0].link_token or "", created=False)
    except SlotTaken:
        return await _instead(request, asked[0])
    return _booked(request, done.appointment, done.link_token, created=True)


async def _body(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest
    return body


async def _order(request: web.Request, tx: AsyncConnection, body: Mapping[str, Any]) -> Order:
    wish = await wish_of(tx, body)
    details, errors = forms.details(Typed.read(body), wish.way)
    key = request.headers.get("Idempotency-Key", "")
    if wish.start is None:
        errors.append(FieldError("start", N_("Give the start with its offset (RFC 3339).")))
    if 0 < len(key) < SHORTEST_KEY:
        errors.append(FieldError("Idempotency-Key", N_("Use a random key, such as a UUID.")))
    if details is None or wish.start is None or errors:
        raise _Wrong(errors)
    now, locale = request.app[CLOCK](), request[LOCALE]

    def letter(booked: Confirmed) -> bytes:
        return request.app[LETTERS].to_claimant(
            booked.appointment, Change.BOOKED, token=booked.link_token, now=now,
            companion_token=booked.companion_token,
        )  # fmt: skip

    return Order(
        wish.topic, wish.way, wish.start, wish.site.id if wish.site else None, details.person,
        details.needs, locale, now, booking.CLAIMANT, for_staff=False, letter=letter,
        keep_days=request.app[SETTINGS].retention_days,
        companion=links.companion(details.needs, wish.way, locale),
        link_token=_token(request, key, body) if key else None,
    )  # fmt: skip


def _token(request: web.Request, key: str, body: Mapping[str, Any]) -> str:
    """Return the link of whoever sends this `body` with this `key`, however often."""
    message = f"order\0{key}\0{json.dumps(body, sort_keys=True)}".encode()
    return hmac.new(request.app[SETTINGS].secret, message, hashlib.sha256).hexdigest()


async def _instead(request: web.Request, order: Order) -> web.Response:
    """Answer with what the same order has booked before, or with the nearest free times."""
    now, date = request.app[CLOCK](), local_date(order.start)
    query = replace(order.query, first=date - _AROUND, last=date + _AROUND)
    async with request.app[STORE].reading() as tx:
        if order.link_token and (same := await appointments.known(tx, order.link_token, now)):
            return _booked(request, same, order.link_token, created=False)
        nearest = await slots.nearest(tx, query, order.start, now)
        lack = None if nearest else await suitable.lack(tx, query)
    why = words.none_here(lack.features) if lack else N_("This time has just been taken")
    title = _say(request, why)
    return problem(409, title, {"alternatives": _times(nearest)})


def _refused(request: web.Request, errors: list[FieldError]) -> web.Response:
    told = [{"field": one.field, "detail": _say(request, one.message)} for one in errors]
    return problem(422, _say(request, N_("Something is missing or wrong")), {"errors": told})


def _booked(
    request: web.Request, appointment: Appointment, token: str, *, created: bool
) -> web.Response:
    link = f"{request.app[SETTINGS].public_url}/appointment/{token}"
    answer = {
        "reference": appointment.reference,
        "uid": appointment.uid,
        "topic": appointment.topic.key,
        "way": appointment.way,
        "site": appointment.site.key,
        "start": _local(appointment.span.start),
        "end": _local(appointment.span.end),
        "link": link,
    }
    headers = {"Location": link}
    return web.json_response(answer, status=201 if created else 200, headers=headers)


def _times(found: Sequence[Slot]) -> list[dict[str, str]]:
    return [{"start": _local(one.start), "end": _local(one.end)} for one in found]


def _local(instant: dt.datetime) -> str:
    return instant.astimezone(ZONE).isoformat()


def _say(request: web.Request, message: str) -> str:
    return catalogue(request[LOCALE]).gettext(message)
