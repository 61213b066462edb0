"""Booking on behalf of somebody on the phone: one page, from the topic to the reference."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from aiohttp import web
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, slots, suitable, together
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Kind,
    Needs,
    Person,
    Resource,
    Site,
    Slot,
    SlotTaken,
    Topic,
    Way,
)
from scheduling.suitable import Lack
from scheduling.tokens import derive, new_token
from web import access, colleagues, forms
from web.forms import FieldError, Form, Typed
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.sign_in import Staff
from web.telling import tell
from web.templating import Blank, render
from web.translations import N_

_LOOK_AHEAD = dt.timedelta(days=14)
_SHOWN = 16
_PURPOSE = "link of a booking by phone"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for on the phone, and the first free times for it."""

    topics: tuple[Topic, ...]
    sites: tuple[Site, ...]
    topic: Topic
    way: Way
    site: Site | None
    first: dt.date
    needs: Needs
    free: tuple[Slot, ...]
    people: tuple[Resource, ...] = ()
    """Who could take part as well."""
    lack: Lack | None = None
    """Why nothing is free, where no room of the site will ever do."""
    together: tuple[Resource, ...] = ()
    """Who is to take part beside the caseworker."""

    @property
    def with_people(self) -> tuple[int, ...]:
        """The ids of who is to take part beside the caseworker."""
        return tuple(one.id for one in self.together)

    @property
    def site_id(self) -> int | None:
        """Where the claimant comes to; for video and phone anywhere will do."""
        return self.site.id if self.site and self.topic.ways[self.way].at_site else None


async def show(request: web.Request) -> web.Response:
    """Show the form with the next free times; after a booking its reference, to be read out."""
    access.plan_reader(request)
    async with request.app[STORE].reading() as tx:
        wish = await _wish(tx, request.query, request.app[CLOCK]())
        done = request.query.get("booked", "")
        known = done.isdecimal() and done.isascii() and len(done) < 19
        booked = await appointments.by_id(tx, int(done)) if known else None
        taking_part = await together.colleagues(tx, booked.id) if booked else []
    return render(
        request, "plan/book.html", wish=wish, booked=booked, typed=Blank(), key=new_token(),
        errors=[], message_of=Blank(), taken=False, taking_part=taking_part,
    )  # fmt: skip


async def book(request: web.Request) -> web.Response:
    """Book at once; the letter goes out where there is an address."""
    staff, now = access.plan_reader(request), request.app[CLOCK]()
    form = await request.post()
    async with request.app[STORE].reading() as tx:
        wish = await _wish(tx, form, now)
    typed = Typed.read(form)
    if "show" in form:
        return _again(request, wish, typed, [], status=200)
    person, errors = forms.caller(typed)
    start = forms.start(forms.text(form, "start"))
    if start is None:
        errors = [FieldError("start", N_("Choose a time.")), *errors]
    if person is None or start is None:
        return _again(request, wish, typed, errors, status=400)
    token = derive(forms.text(form, "key") or new_token(), _PURPOSE)
    try:
        async with request.app[STORE].writing() as tx:
            same = await appointments.known(tx, token, now)
            if same is None:
                same = await _book(request, tx, wish, person, start, token, staff)
    except (SlotTaken, IntegrityError):
        # The same form sent twice at once: the other one was faster.
        async with request.app[STORE].reading() as tx:
            same = await appointments.known(tx, token, now)
            wish = await _wish(tx, form, now)
    if same is None:
        return _again(request, wish, typed, [], status=409)
    raise web.HTTPSeeOther(
        f"/plan/book?booked={same.id}&topic={wish.topic.key}&way={wish.way}"
        f"&site={wish.site.key if wish.site else ''}"
    )


async def _book(
    request: web.Request,
    tx: AsyncConnection,
    wish: Wish,
    person: Person,
    start: dt.datetime,
    token: str,
    staff: Staff,
) -> Appointment:
    now, actor = request.app[CLOCK](), f"{staff.role}:{staff.id}"
    # The link that follows from the form's key exists once: the database refuses a second one.
    confirmed = await together.book(
        tx, with_people=wish.with_people, topic=wish.topic, way=wish.way, start=start,
        site_id=wish.site_id, person=person, needs=wish.needs, locale=request[LOCALE], now=now,
        actor=actor, link_token=token,
        keep_days=request.app[SETTINGS].retention_days,
    )  # fmt: skip
    await tell(request, tx, confirmed.appointment, Change.BOOKED, actor=actor, token=token)
    return confirmed.appointment


def _again(
    request: web.Request, wish: Wish, typed: Typed, errors: list[FieldError], *, status: int
) -> web.Response:
    return render(
        request, "plan/book.html", status=status, wish=wish, booked=None, key=new_token(),
        typed=Blank(typed.fields()), errors=errors, taken=status == 409,
        message_of=Blank({error.field: error.message for error in errors}),
    )  # fmt: skip


async def _wish(tx: AsyncConnection, form: Form, now: dt.datetime) -> Wish:
    """Read what is asked for; where nothing is, the first topic in its first way, at once."""
    known = await catalog.topics(tx)
    topics = [one for one in known if one.ways and not one.in_groups]
    sites = await catalog.sites(tx)
    if not topics or not sites:
        raise web.HTTPNotFound
    topic = next((one for one in topics if one.key == forms.text(form, "topic")), topics[0])
    way = next(
        (one for one in topic.ways if one == forms.text(form, "way")), next(iter(topic.ways))
    )
    site = next((one for one in sites if one.key == forms.text(form, "site")), None)
    if site is None and topic.ways[way].at_site:
        site = sites[0]
    needs = forms.needs(Typed.read(form), at_site=topic.ways[way].at_site)
    today = local_date(now)
    first = max(forms.day(forms.text(form, "from"), today), today)
    asked = Wish((*topics,), (*sites,), topic, way, site, first, needs, ())
    asked = await _with_colleagues(tx, asked, form)
    query = slots.SlotQuery(
        topic, way, first, first + _LOOK_AHEAD, asked.site_id, needs,
        with_people=asked.with_people, for_staff=True,
    )  # fmt: skip
    free = await slots.find(tx, query, now)
    lack = None if free else await suitable.lack(tx, query)
    return replace(asked, free=(*free[:_SHOWN],), lack=lack)


async def _with_colleagues(tx: AsyncConnection, wish: Wish, form: Form) -> Wish:
    # A visit is received by people of the same house; on video and phone anybody can join.
    visited = wish.site_id if wish.way is Way.IN_PERSON else None
    people = await catalog.resources(tx, site_id=visited, kinds=(Kind.CASEWORKER,))
    people.sort(key=lambda one: one.name)
    return replace(wish, people=(*people,), together=colleagues.chosen(form, people))
