"""Booking a seat in a group session: choosing the session, giving a name, getting the seat.

No seat is kept while somebody types: the form asks for little, and the last seat goes to whoever
sends it first. Who comes too late is offered the other sessions and loses nothing typed.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, catalog, enrolment, seats
from scheduling.model import Change, NotFound, Person, SlotTaken, Topic, Way
from scheduling.seats import GroupSession
from scheduling.tokens import new_token
from web import forms, limits
from web.forms import FieldError, Typed
from web.keys import CLOCK, LOCALE, STORE
from web.telling import tell
from web.templating import Blank, render

_KEY_LENGTH = range(16, 65)


async def choose(request: web.Request) -> web.Response:
    """Show the coming sessions of a topic with their free seats."""
    async with request.app[STORE].reading() as tx:
        topic = await _topic(request, tx)
        coming = await seats.upcoming(tx, request.app[CLOCK](), topic_id=topic.id)
    now = request.app[CLOCK]()
    listed = [one for one in coming if now < one.span.start]
    return render(request, "groups/sessions.html", topic=topic, listed=listed, now=now)


async def give_details(request: web.Request) -> web.Response:
    """Show the form for a name, or that the session has no seat left."""
    async with request.app[STORE].reading() as tx:
        session = await _session(request, tx)
    if not session.bookable_at(request.app[CLOCK]()):
        return await _full(request, session, Typed(), new_token())
    return _details(request, session, Typed(), [], new_token())


async def book(request: web.Request) -> web.Response:
    """Take a seat. The form's own key makes a second tap lead to the same appointment."""
    limits.take(request, limits.BOOKING)
    form = await request.post()
    typed, key = Typed.read(form), forms.text(form, "key")
    if len(key) not in _KEY_LENGTH:
        raise web.HTTPBadRequest
    async with request.app[STORE].reading() as tx:
        session = await _session(request, tx)
    checked, errors = forms.details(typed, session.way)
    if checked is None:
        return _details(request, session, typed, errors, key)
    try:
        token = await _enrol(request, session, checked.person, key)
    except SlotTaken:
        async with request.app[STORE].reading() as tx:
            session = await seats.by_id(tx, session.id)
        return await _full(request, session, typed, key)
    raise web.HTTPSeeOther(f"/appointment/{token}?done=booked")


async def _enrol(request: web.Request, session: GroupSession, person: Person, key: str) -> str:
    async with request.app[STORE].writing() as tx:
        made = await enrolment.enrol(
            tx, session.id, key=key, person=person, locale=request[LOCALE],
            now=request.app[CLOCK](), actor=booking.CLAIMANT,
        )  # fmt: skip
        if made.created:
            await tell(
                request, tx, made.appointment, Change.BOOKED, actor=booking.CLAIMANT,
                token=made.link_token,
            )  # fmt: skip
    return made.link_token


async def _topic(request: web.Request, tx: AsyncConnection) -> Topic:
    topic = await catalog.topic(tx, request.match_info["topic"])
    if not topic.in_groups or topic.audience != "public":
        raise NotFound
    return topic


async def _session(request: web.Request, tx: AsyncConnection) -> GroupSession:
    topic = await _topic(request, tx)
    session = await seats.by_id(tx, int(request.match_info["id"]))
    if session.topic.id != topic.id:
        raise NotFound
    return session


def _details(
    request: web.Request,
    session: GroupSession,
    typed: Typed,
    errors: list[FieldError],
    key: str,
) -> web.Response:
    return render(
        request, "groups/details.html", status=400 if errors else 200, session=session, typed=typed,
        key=key, errors=errors, at_site=session.way is Way.IN_PERSON,
        message_of=Blank({error.field: error.message for error in errors}),
    )  # fmt: skip


async def _full(
    request: web.Request, session: GroupSession, typed: Typed, key: str
) -> web.Response:
    """Answer 409: no seat is left here, everything typed is kept, and where there are some."""
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        coming = await seats.upcoming(tx, now, topic_id=session.topic.id)
    others = [one for one in coming if one.id != session.id and one.bookable_at(now)]
    return render(
        request, "groups/full.html", status=409, session=session, typed=typed, key=key,
        others=others,
    )  # fmt: skip
