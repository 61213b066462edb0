"""From the chosen time to the appointment: hold, details, confirmation."""

from __future__ import annotations

import datetime as dt
import secrets

from aiohttp import web

from scheduling import booking, holds, slots, suitable
from scheduling.grid import local_date
from scheduling.model import (
    Change,
    Hold,
    HoldExpired,
    Needs,
    NeedUnmet,
    NotFound,
    Person,
    SlotTaken,
    Way,
)
from scheduling.orders import Confirmed
from web import draft, forms, limits, links, translations
from web.forms import Details, Typed, text
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.letters import LETTERS
from web.templating import Blank, render
from web.wish import Wish, wish_of

_AROUND = dt.timedelta(days=7)


async def hold(request: web.Request) -> web.Response:
    """Reserve the chosen time, or say that it is gone and offer the nearest ones."""
    limits.take(request, limits.BOOKING)
    form = await request.post()
    typed, now = Typed.read(form), request.app[CLOCK]()
    minutes = request.app[SETTINGS].hold_minutes
    async with request.app[STORE].reading() as tx:
        wish = await wish_of(tx, form)
        if wish.start is None:
            raise web.HTTPBadRequest
        site_id = wish.site.id if wish.site else None
        needs = forms.needs(typed, at_site=wish.at_site)
        query = holds.wanted(wish.topic, wish.way, wish.start, site_id=site_id, needs=needs)
        # Of equals another one each time, so that a rush does not queue for one person.
        found = await slots.options(tx, query, wish.start, now, turn=secrets.randbits(16))
    # In a rush most come too late; they are told so without queueing for the one writer.
    if not found:
        return await _offer_others(request, wish, typed, "taken")
    try:
        async with request.app[STORE].writing_once() as tx:
            token, _ = await holds.hold(
                tx, topic=wish.topic, way=wish.way, start=wish.start, now=now, needs=needs,
                site_id=site_id, minutes=minutes, found=found,
            )  # fmt: skip
    except SlotTaken:
        return await _offer_others(request, wish, typed, "taken")
    response = web.HTTPSeeOther(f"/hold/{token}")
    draft.keep(request, response, typed)
    raise response


async def give_details(request: web.Request) -> web.Response:
    """Show the form for name and needs, with what was typed before."""
    limits.check(request, limits.GUESSING)
    typed = draft.read(request)
    try:
        held, is_over = await _held(request)
    except NotFound:
        limits.take(request, limits.GUESSING)
        raise
    if is_over:
        return await _offer_others(request, _wish_for(held), typed, "expired")
    return _details_page(request, held, typed, [])


async def confirm(request: web.Request) -> web.Response:
    """Book the held time, or do what another button of the form says."""
    form = await request.post()
    typed = Typed.read(form)
    if "language" in form:
        raise _in_language(request, typed, text(form, "language"))
    if "other" in form:
        return await _another_time(request, typed)
    limits.take(request, limits.BOOKING)
    way = forms.way(form) or (await _held(request))[0].way
    checked, _ = forms.details(typed, way)
    if checked is None:
        held, is_over = await _held(request)
        if is_over:
            return await _offer_others(request, _wish_for(held), typed, "expired")
        if held.appointment_id is None:
            return _details_page(request, held, typed, forms.details(typed, held.way)[1])
        # Confirmed before: whatever was typed this time, the appointment stays as it is.
        checked = Details(Person("", ""), Needs())
    try:
        link_token = await _book(request, checked, way)
    except (HoldExpired, SlotTaken, NeedUnmet) as refused:
        held, _ = await _held(request)
        reason = "need" if isinstance(refused, NeedUnmet) else "expired"
        return await _offer_others(request, _wish_for(held), typed, reason)
    response = web.HTTPSeeOther(f"/appointment/{link_token}?done=booked")
    draft.drop(request, response)
    raise response


def _wish_for(held: Hold) -> Wish:
    return Wish(held.topic, held.way, held.site, held.span.start)


async def _held(request: web.Request) -> tuple[Hold, bool]:
    """Return the hold of the address, and whether its time is over. Raises `NotFound`."""
    token, now = request.match_info["token"], request.app[CLOCK]()
    try:
        async with request.app[STORE].reading() as tx:
            return await booking.read_hold(tx, token, now), False
    except HoldExpired as gone:
        return gone.hold, True


async def _book(request: web.Request, checked: Details, way: Way) -> str:
    """Confirm the hold with what was checked for `way`; return the claimant's link."""
    token, now = request.match_info["token"], request.app[CLOCK]()
    locale = request[LOCALE]

    def letter(booked: Confirmed) -> bytes:
        return request.app[LETTERS].to_claimant(
            booked.appointment, Change.BOOKED, token=booked.link_token, now=now,
            companion_token=booked.companion_token,
        )  # fmt: skip

    async with request.app[STORE].writing() as tx:
        confirmed = await booking.confirm(
            tx, token, person=checked.person, needs=checked.needs, locale=locale, now=now,
            keep_days=request.app[SETTINGS].retention_days, letter=letter,
            companion=links.companion(checked.needs, way, locale),
        )  # fmt: skip
        if confirmed.created and confirmed.appointment.way is not way:
            # The form was not ours: what a way needs to know was not asked for.
            raise web.HTTPBadRequest
    return confirmed.link_token


def _details_page(
    request: web.Request, held: Hold, typed: Typed, errors: list[forms.FieldError]
) -> web.Response:
    token = request.match_info["token"]
    if held.appointment_id is not None:
        return render(request, "booking/booked.html", token=token)
    return render(
        request, "booking/details.html", status=400 if errors else 200, hold=held, typed=typed,
        errors=errors, message_of=Blank({error.field: error.message for error in errors}),
        token=token,
    )  # fmt: skip


async def _another_time(request: web.Request, typed: Typed) -> web.Response:
    token, now = request.match_info["token"], request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        try:
            held = await booking.read_hold(tx, token, now)
            await booking.release(tx, token, now)
        except HoldExpired as gone:
            held = gone.hold
    wish = Wish(held.topic, held.way, held.site)
    response = web.HTTPSeeOther(wish.times_address)
    draft.keep(request, response, typed)
    raise response


def _in_language(request: web.Request, typed: Typed, language: str) -> web.HTTPSeeOther:
    response = web.HTTPSeeOther(request.path)
    secure = request.app[SETTINGS].secure
    translations.remember(response, translations.known(language), secure=secure)
    draft.keep(request, response, typed)
    return response


async def _offer_others(
    request: web.Request, wish: Wish, typed: Typed, reason: str
) -> web.Response:
    """Answer 409: what happened, everything typed kept, the nearest free times."""
    now = request.app[CLOCK]()
    wanted = wish.start or now
    date = local_date(wanted)
    needs = forms.needs(typed, at_site=wish.at_site)
    query = slots.SlotQuery(
        wish.topic, wish.way, date - _AROUND, date + _AROUND,
        wish.site.id if wish.site and wish.at_site else None,
        needs,
    )  # fmt: skip
    async with request.app[STORE].reading() as tx:
        nearest = await slots.nearest(tx, query, wanted, now)
        # Where nothing is free, perhaps nothing ever will be.
        lack = None if nearest else await suitable.lack(tx, query)
    response = render(
        request, "booking/taken.html", status=409, wish=wish, typed=typed, nearest=nearest,
        reason="lack" if lack else reason, needs=needs, lack=lack,
    )  # fmt: skip
    draft.keep(request, response, typed)
    return response
