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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, holds, outbox, slots
from scheduling.grid import ZONE, local_date
from scheduling.model import Appointment, Change, Slot, SlotTaken
from scheduling.slots import Option, SlotQuery
from web import forms, limits, links
from web.forms import Details, FieldError, Typed
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.letters import LETTERS
from web.problems import problem
from web.translations import N_, catalogue
from web.wish import Wish, wish_for, wish_of

LONGEST_SEARCH = dt.timedelta(days=62)
SHORTEST_KEY = 16
"""Letters of an Idempotency-Key: one that two programs could both choose would be none."""

_AROUND = dt.timedelta(days=7)
_TWO_WEEKS = dt.timedelta(days=13)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be booked, for whom, and whom the search has found free."""

    wish: Wish
    start: dt.datetime
    details: Details
    found: Sequence[Option]
    token: str | None
    """The link of whoever sends the same order twice; None where no key was sent."""

    @property
    def site_id(self) -> int | None:
        """Where the claimant comes to; None where any site will do."""
        return self.wish.site.id if self.wish.site else None


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
    async with request.app[STORE].reading() as tx:
        order = await _order(request, tx, body)
        if isinstance(order, list):
            return _refused(request, order)
        if order.token and (
            same := await appointments.known(tx, order.token, request.app[CLOCK]())
        ):
            return _booked(request, same, order.token, created=False)
    try:
        if order.found:
            return await _book(request, order)
    except SlotTaken:
        pass
    except IntegrityError:
        # With a key, the same order may have come twice at once, and the other one was faster.
        if not order.token:
            raise
    return await _instead(request, order)


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


async def _order(
    request: web.Request, tx: AsyncConnection, body: Mapping[str, Any]
) -> _Order | list[FieldError]:
    wish = await wish_of(tx, body)
    details, errors = forms.details(Typed.read(body), wish.way)
    key = request.headers.get("Idempotency-Key", "")
    if wish.start is None:
        errors.append(FieldError("start", N_("Give the start with its offset (RFC 3339).")))
    if 0 < len(key) < SHORTEST_KEY:
        errors.append(FieldError("Idempotency-Key", N_("Use a random key, such as a UUID.")))
    if details is None or wish.start is None or errors:
        return errors
    site_id = wish.site.id if wish.site else None
    query = holds.wanted(wish.topic, wish.way, wish.start, site_id=site_id, needs=details.needs)
    found = await slots.options(tx, query, wish.start, request.app[CLOCK]())
    token = _token(request, key, body) if key else None
    return _Order(wish, wish.start, details, found, token)


def _token(request: web.Request, key: str, body: Mapping[str, Any]) -> str:
    """Return the link of whoever sends this `body` with this `key`, however often."""
    message = f"order\0{key}\0{json.dumps(body, sort_keys=True)}".encode()
    return hmac.new(request.app[SETTINGS].secret, message, hashlib.sha256).hexdigest()


async def _book(request: web.Request, order: _Order) -> web.Response:
    now, wish, details = request.app[CLOCK](), order.wish, order.details
    async with request.app[STORE].writing() as tx:
        made = await booking.book(
            tx, topic=wish.topic, way=wish.way, start=order.start, site_id=order.site_id,
            person=details.person, needs=details.needs, locale=request[LOCALE], now=now,
            actor=booking.CLAIMANT, keep_days=request.app[SETTINGS].retention_days,
            for_staff=False, found=order.found, link_token=order.token,
        )  # fmt: skip
        companion = await links.for_companion(request, tx, made.appointment, actor=booking.CLAIMANT)
        letter = request.app[LETTERS].to_claimant(
            made.appointment, Change.BOOKED, token=made.link_token, now=now,
            companion_token=companion,
        )  # fmt: skip
        await outbox.post(tx, details.person.email, letter, now)
    return _booked(request, made.appointment, made.link_token, created=True)


async def _instead(request: web.Request, order: _Order) -> web.Response:
    """Answer with what the same order has booked before, or with the nearest free times."""
    now, date = request.app[CLOCK](), local_date(order.start)
    query = SlotQuery(
        order.wish.topic, order.wish.way, date - _AROUND, date + _AROUND, order.site_id,
        order.details.needs,
    )  # fmt: skip
    async with request.app[STORE].reading() as tx:
        if order.token and (same := await appointments.known(tx, order.token, now)):
            return _booked(request, same, order.token, created=False)
        nearest = await slots.nearest(tx, query, order.start, now)
    title = _say(request, N_("This time has just been taken"))
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
