"""Topics: their list in the order of the booking page, and the form of each with its ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from scheduling import catalog, doubts, editing, topics
from scheduling.editing import Conflict
from scheduling.grid import local_date
from scheduling.model import Kind, Way
from scheduling.premises import NameTaken
from scheduling.topics import OthersAhead
from web import access, conflicts, forms, topic_form
from web.forms import FieldError, Form
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.templating import Blank, render
from web.translations import N_, catalogue

_TAKEN = FieldError("title-de", N_("There is a topic of this title already."))

_IN_USE = {
    True: N_(
        "Sessions lie ahead in which groups are advised. Cancel them, or wait until they are over."
    ),
    False: N_("Appointments of single people lie ahead. Cancel them, or wait until they are over."),
}
"""Why a topic is not changed to the other kind, by whether it is in groups."""


async def show_all(request: web.Request) -> web.Response:
    """Show every topic in its order, with what the office lacks for it."""
    access.planner(request)
    async with request.app[STORE].reading() as tx:
        office = await doubts.read(tx, local_date(request.app[CLOCK]()))
        known = await catalog.topics(tx)
    return render(
        request,
        "topics/list.html",
        topics=known,
        lacking={one.id: [*doubts.of_topic(office, one)] for one in known},
        audiences=topic_form.AUDIENCES,
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the empty form."""
    access.planner(request)
    return await _page(request, None)


async def add(request: web.Request) -> web.Response:
    """Add a topic at the end of the list."""
    access.planner(request)
    form = await request.post()
    record, entries = topic_form.read(form, None)
    if entries.errors:
        return await _page(request, None, form, errors=entries.errors)
    try:
        async with request.app[STORE].writing() as tx:
            topic_id = await topics.add(tx, record)
    except NameTaken:
        return await _page(request, None, form, errors=[_TAKEN])
    raise web.HTTPSeeOther(f"/plan/topics/{topic_id}?done=added")


async def show(request: web.Request) -> web.Response:
    """Show the form of a topic and what the office lacks for it."""
    access.planner(request)
    return await _page(request, _id(request))


async def change(request: web.Request) -> web.Response:
    """Store the form, unless somebody else has changed the topic meanwhile."""
    access.planner(request)
    form, topic_id = await request.post(), _id(request)
    record: dict[str, Any] = {}
    try:
        async with request.app[STORE].writing() as tx:
            current = await topics.topic(tx, topic_id, to_change=True)
            record, entries = topic_form.read(form, current)
            if entries.errors:
                return await _page(request, topic_id, form, errors=entries.errors)
            editing.refuse_if_changed(_seen(form), current)
            record = conflicts.settled(form, record, current)
            stranded = await topics.change(tx, topic_id, record, request.app[CLOCK]())
    except Conflict as conflict:
        return conflicts.page(
            request, conflict, form, record,
            heading=record["title"]["de"], section="office", labels=topic_form.LABELS,
            unchanged=f"/plan/topics/{topic_id}",
            say=topic_form.worded(catalogue(request[LOCALE]).gettext),
        )  # fmt: skip
    except NameTaken:
        return await _page(request, topic_id, form, errors=[_TAKEN])
    except OthersAhead:
        in_use = FieldError("meeting", _IN_USE[current["in_groups"]])
        return await _page(request, topic_id, form, errors=[in_use])
    raise web.HTTPSeeOther("/plan/rescue" if stranded else f"/plan/topics/{topic_id}?done=changed")


async def place(request: web.Request) -> web.Response:
    """Put a topic at another place of the list."""
    access.planner(request)
    position = forms.text(await request.post(), "position", limit=6)
    if not (position.isascii() and position.isdigit()):
        raise web.HTTPBadRequest
    async with request.app[STORE].writing() as tx:
        await topics.place(tx, _id(request), int(position))
    raise web.HTTPSeeOther(f"/plan/topics#topic-{_id(request)}")


async def _page(
    request: web.Request,
    topic_id: int | None,
    form: Form | None = None,
    *,
    errors: Sequence[FieldError] = (),
) -> web.Response:
    record, topic, lacking = None, None, []
    async with request.app[STORE].reading() as tx:
        if topic_id is not None:
            record = await topics.topic(tx, topic_id)
            topic = topics.by_id(await catalog.topics(tx), topic_id)
            office = await doubts.read(tx, local_date(request.app[CLOCK]()))
            lacking = [*doubts.of_topic(office, topic)]
        people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    fields = topic_form.filled(record)
    if form is not None:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    fresh = editing.fingerprint(record) if record is not None else ""
    return render(
        request,
        "topics/topic.html",
        status=400 if errors else 200,
        topic=topic,
        seen=_seen(form) if form else fresh,
        lacking=lacking,
        skills=sorted({skill for one in people for skill in one.skills}),
        ways=[*Way],
        texts=topic_form.TEXTS,
        term_labels=topic_form.TERM_LABELS,
        room_needs=topic_form.ROOM_NEEDS,
        features=topic_form.features_of(record),
        audiences=topic_form.AUDIENCES,
        meetings=topic_form.MEETINGS,
        address_of=f"{request.app[SETTINGS].public_url}/book/{topic.key}" if topic else "",
        typed=Blank(fields),
        errors=errors,
        message_of=Blank({error.field: error.message for error in errors}),
        done=request.query.get("done", ""),
    )


def _seen(form: Form) -> str:
    return forms.text(form, conflicts.SEEN, limit=4000)


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])
