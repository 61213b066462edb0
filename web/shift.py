"""Changing the way of an appointment: video instead of coming, the phone instead of video.

The same pages serve the claimant's link and the office; the plan decides what is possible.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, catalog, contact
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    NotFound,
    Site,
    SlotTaken,
    Status,
    Way,
)
from web import access, branches, forms, limits
from web.alternatives import Place, look_up
from web.appointment import own_in, require_changeable
from web.calls import CALLED, room_of
from web.forms import FieldError, Form
from web.keys import CLOCK, ROOMS, STORE
from web.telling import tell
from web.templating import Blank, render


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a way is changed. `token` is the claimant's link, empty for staff."""

    address: str
    actor: str
    token: str = ""

    @property
    def for_staff(self) -> bool:
        """Whether the office asks: notice and horizon do not bind it."""
        return not self.token


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way of an appointment. `place` is None where a site has to be chosen first."""

    way: Way
    minutes: int
    place: Place | None
    asks: str
    """What has to be asked for first: ``phone``, ``room`` (what it must have), or nothing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the form of a way says. `site` is the key of the branch that is looked at."""

    site: str
    near: str
    features: frozenset[str]
    phone: str

    @classmethod
    def read(cls, form: Form, site: str) -> Entry:
        """Take what was typed and ticked."""
        typed = forms.text(form, "near", limit=60), forms.features(form)
        return cls(site, *typed, forms.text(form, "phone"))


async def choose_way(request: web.Request) -> web.Response:
    """Show the claimant the present way and the others."""
    return await _ways_page(request, *await _of_claimant(request))


async def choose_way_for_staff(request: web.Request) -> web.Response:
    """Show the office the present way and the others."""
    return await _ways_page(request, *await _of_staff(request))


async def choose_terms(request: web.Request) -> web.Response:
    """Show the claimant where and when another way is possible."""
    return await _terms(request, *await _of_claimant(request))


async def choose_terms_for_staff(request: web.Request) -> web.Response:
    """Show the office where and when another way is possible."""
    return await _terms(request, *await _of_staff(request))


async def shift(request: web.Request) -> web.Response:
    """Change the way for the claimant."""
    limits.take(request, limits.BOOKING)
    return await _shift(request, *await _of_claimant(request))


async def shift_for_staff(request: web.Request) -> web.Response:
    """Change the way for the office."""
    return await _shift(request, *await _of_staff(request))


async def _of_claimant(request: web.Request) -> tuple[Appointment, Asker]:
    token = request.match_info["token"]
    async with request.app[STORE].reading() as tx:
        appointment = await own_in(request, tx)
    require_changeable(appointment, request.app[CLOCK]())
    asker = Asker(f"/appointment/{token}", booking.CLAIMANT, token)
    _refuse_seat(appointment, asker)
    return appointment, asker


async def _of_staff(request: web.Request) -> tuple[Appointment, Asker]:
    staff = access.signed_in(request)
    async with request.app[STORE].reading() as tx:
        appointment = await access.appointment_for(tx, staff, int(request.match_info["id"]))
    if appointment.status is not Status.BOOKED:
        raise Closed
    asker = Asker(f"/staff/appointments/{appointment.id}", f"{staff.role}:{staff.id}")
    _refuse_seat(appointment, asker)
    return appointment, asker


def _refuse_seat(appointment: Appointment, asker: Asker) -> None:
    """Lead on to the other sessions: a group has one way for all."""
    if appointment.session_id is not None:
        raise web.HTTPSeeOther(f"{asker.address}/move")


async def _ways_page(request: web.Request, appointment: Appointment, asker: Asker) -> web.Response:
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
        alternatives = [
            await _alternative(tx, appointment, way, sites, now, asker)
            for way in appointment.topic.ways
            if way is not appointment.way
        ]
    return render(
        request, "shift/ways.html", appointment=appointment, asker=asker, alternatives=alternatives,
        branches=sites if appointment.topic.ways[appointment.way].at_site else [],
    )  # fmt: skip


async def _alternative(
    tx: AsyncConnection,
    appointment: Appointment,
    way: Way,
    sites: list[Site],
    now: dt.datetime,
    asker: Asker,
) -> Alternative:
    offer = appointment.topic.ways[way]
    place = None
    if not offer.at_site:
        place = await look_up(tx, appointment, way, None, now, for_staff=asker.for_staff)
    elif len(sites) == 1:
        place = await look_up(tx, appointment, way, sites[0], now, for_staff=asker.for_staff)
    asks = "room" if offer.at_site else "phone" if _asks_phone(appointment, way) else ""
    return Alternative(way, offer.minutes, place, asks)


async def _terms(request: web.Request, appointment: Appointment, asker: Asker) -> web.Response:
    """Show the times with what is known: the claimant's needs, and the branch of the address."""
    known = Entry(request.query.get("site", ""), "", appointment.needs.features, "")
    return await _terms_page(request, appointment, asker, known)


async def _terms_page(
    request: web.Request,
    appointment: Appointment,
    asker: Asker,
    entry: Entry,
    *,
    errors: Sequence[FieldError] = (),
    taken: bool = False,
) -> web.Response:
    way, now = _way_of(request, appointment), request.app[CLOCK]()
    wanted = replace(appointment, needs=replace(appointment.needs, features=entry.features))
    async with request.app[STORE].reading() as tx:
        offered = await _branches(tx, appointment, way, entry)
        places = [
            await look_up(tx, wanted, way, site, now, for_staff=asker.for_staff)
            for site in offered.sites or (None,)
        ]
    lacks = [place.lack for place in places if place.lack]
    places = [place for place in places if place.possible]
    chosen = next((one for one in places if one.site and one.site.key == entry.site), None)
    if chosen is None and len(places) == 1 and not offered.many:
        chosen = places[0]
    return render(
        request, "shift/terms.html", status=409 if taken else 400 if errors else 200,
        appointment=appointment, asker=asker, way=way, places=places, chosen=chosen, taken=taken,
        lacks=lacks, offered=offered, entry=entry,
        ticked=Blank(dict.fromkeys(entry.features, "yes")),
        minutes=appointment.topic.ways[way].minutes, asks_phone=_asks_phone(appointment, way),
        errors=errors, message_of=Blank({error.field: error.message for error in errors}),
    )  # fmt: skip


async def _branches(
    tx: AsyncConnection, appointment: Appointment, way: Way, entry: Entry
) -> branches.Offered:
    """Return the branches to choose from; none where nobody travels."""
    sites = await catalog.sites(tx) if appointment.topic.ways[way].at_site else []
    return branches.offered(
        sites, entry.near, last=branches.present(appointment), chosen=entry.site
    )


async def _shift(request: web.Request, appointment: Appointment, asker: Asker) -> web.Response:
    form = await request.post()
    start = forms.start(forms.text(form, "start"))
    looks = "look" in form
    if start is None and not looks:
        raise web.HTTPBadRequest
    if request.match_info["way"] == appointment.way:  # a second tap, or a second tab
        raise web.HTTPSeeOther(f"{asker.address}?done=shifted")
    entry = Entry.read(form, forms.text(form, "look") or forms.text(form, "site"))
    if start is None:
        return await _terms_page(request, appointment, asker, entry)
    way = _way_of(request, appointment)
    if _asks_phone(appointment, way):
        phone, errors = forms.phone(form)
        if errors:
            return await _terms_page(request, appointment, asker, entry, errors=errors)
        entry = replace(entry, phone=phone)
    try:
        async with request.app[STORE].writing() as tx:
            present = await appointments.by_id(tx, appointment.id)
            if present.way is not way:  # else two taps came at once, and one was enough
                await _rearrange(request, tx, present, asker, way, start, entry)
    except SlotTaken:
        return await _terms_page(request, appointment, asker, entry, taken=True)
    if way not in CALLED:
        # Whoever waits in the lobby already learns there that the call takes place otherwise.
        await request.app[ROOMS].dismiss_all(room_of(appointment))
    raise web.HTTPSeeOther(f"{asker.address}?done=shifted")


async def _rearrange(
    request: web.Request,
    tx: AsyncConnection,
    appointment: Appointment,
    asker: Asker,
    way: Way,
    start: dt.datetime,
    entry: Entry,
) -> None:
    now = request.app[CLOCK]()
    site = await _site(tx, appointment, way, entry.site)
    if _asks_phone(appointment, way):
        await contact.set_phone(tx, appointment.id, entry.phone)
    shifted = await booking.rearrange(
        tx, appointment.id, way=way, start=start, site_id=site.id if site else None,
        features=entry.features if site else None, actor=asker.actor, now=now,
        for_staff=asker.for_staff,
    )  # fmt: skip
    await tell(request, tx, shifted, Change.SHIFTED, actor=asker.actor, token=asker.token)


async def _site(tx: AsyncConnection, appointment: Appointment, way: Way, key: str) -> Site | None:
    if not appointment.topic.ways[way].at_site:
        return None
    for site in await catalog.sites(tx):
        if site.key == key:
            return site
    raise NotFound


def _way_of(request: web.Request, appointment: Appointment) -> Way:
    """Return the other way that the address names; `NotFound` for what is not offered."""
    for way in appointment.topic.ways:
        if way == request.match_info["way"] and way is not appointment.way:
            return way
    raise NotFound


def _asks_phone(appointment: Appointment, way: Way) -> bool:
    return way is Way.PHONE and not appointment.person.phone
