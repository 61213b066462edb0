"""Rooms, counters, tablets and cameras: the list, the form of each, retiring, bringing back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, editing, resources, things
from scheduling.editing import Conflict
from scheduling.model import Appointment, Kind, NotFound, Site
from scheduling.resources import NameTaken, OnLoan
from scheduling.things import THINGS
from web import access, conflicts, forms, thing_form, words
from web.forms import FieldError, Form
from web.keys import CLOCK, LOCALE, STORE
from web.templating import Blank, render
from web.translations import N_, catalogue

_TAKEN = FieldError(
    "name", N_("This site has another of this name already, perhaps one that is retired.")
)


@dataclass(frozen=True, slots=True)
class Move:
    """A device that is to go to another site although it is booked where it is."""

    before: Site
    after: Site
    booked: Sequence[Appointment]


async def show_all(request: web.Request) -> web.Response:
    """Show everything that is in use by site, and what was retired."""
    access.planner(request)
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
        used = await catalog.resources(tx, kinds=THINGS)
        retired = await things.retired(tx)
    asked = request.query.get("site", "")
    return render(
        request,
        "things/list.html",
        sites=sites,
        used=used,
        retired=retired,
        asked=asked if asked in {site.key for site in sites} else "",
        kinds=thing_form.KINDS,
        features=words.FEATURES,
        done=request.query.get("done", ""),
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the empty form of a kind."""
    access.planner(request)
    return await _new(request, _kind(request.query.get("kind", "")))


async def add(request: web.Request) -> web.Response:
    """Put a new thing to use."""
    access.planner(request)
    form = await request.post()
    kind = _kind(forms.text(form, "kind"))
    try:
        async with request.app[STORE].writing() as tx:
            record, entries = thing_form.read(form, kind, await catalog.sites(tx), None)
            if entries.errors:
                return await _new(request, kind, form, errors=entries.errors)
            await resources.add(tx, kind, record)
    except NameTaken:
        return await _new(request, kind, form, errors=[_TAKEN])
    raise web.HTTPSeeOther("/plan/resources?done=added")


async def show(request: web.Request) -> web.Response:
    """Show the form of a thing."""
    access.planner(request)
    return await _page(request)


async def change(request: web.Request) -> web.Response:
    """Store the form; a move that leaves appointments behind is asked about first."""
    access.planner(request)
    form = await request.post()
    record: dict[str, Any] = {}
    try:
        async with request.app[STORE].writing() as tx:
            current, sites = await _current(tx, request), await catalog.sites(tx)
            record, entries = thing_form.read(form, Kind(current["kind"]), sites, current)
            if entries.errors:
                return await _page(request, form, errors=entries.errors)
            # Nothing is asked about a form that is to be refused.
            editing.refuse_if_changed(_seen(form), current)
            record = conflicts.settled(form, record, current)
            move = await _move(tx, request, current, record, sites)
            if move and move.booked and not forms.text(form, "confirmed"):
                return await _page(request, form, move=move)
            stranded = await things.change(
                tx, _id(request), record, seen=_seen(form), now=request.app[CLOCK]()
            )
    except Conflict as conflict:
        return await _conflict(request, conflict, form, record)
    except NameTaken:
        return await _page(request, form, errors=[_TAKEN])
    except OnLoan as loan:
        return await _page(request, form, on_loan=loan)
    raise web.HTTPSeeOther("/plan/rescue" if stranded else "/plan/resources?done=changed")


async def ask_to_retire(request: web.Request) -> web.Response:
    """Show what follows from retiring a thing."""
    access.planner(request)
    return await _retiring(request)


async def retire(request: web.Request) -> web.Response:
    """Retire a thing and go on to the appointments that are left without it."""
    access.planner(request)
    thing_id = _id(request)
    try:
        async with request.app[STORE].writing() as tx:
            await things.thing(tx, thing_id, to_change=True)
            stranded = await resources.retire(tx, thing_id, request.app[CLOCK]())
    except OnLoan as loan:
        return await _retiring(request, on_loan=loan)
    raise web.HTTPSeeOther("/plan/rescue" if stranded else "/plan/resources?done=retired")


async def bring_back(request: web.Request) -> web.Response:
    """Put a retired thing to use again."""
    access.planner(request)
    async with request.app[STORE].writing() as tx:
        await things.thing(tx, _id(request), to_change=True)
        await resources.bring_back(tx, _id(request))
    raise web.HTTPSeeOther("/plan/resources?done=back")


async def _new(
    request: web.Request, kind: Kind, form: Form | None = None, *, errors: Sequence[FieldError] = ()
) -> web.Response:
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
    asked = next((site.id for site in sites if site.key == request.query.get("site")), None)
    if asked is None and len(sites) == 1:
        asked = sites[0].id
    return render(
        request,
        "things/thing.html",
        status=400 if errors else 200,
        thing_id=None,
        kind=kind,
        record=None,
        move=None,
        on_loan=None,
        seen="",
        done="",
        **_context(thing_form.filled(None, kind, asked), form, sites, None, errors),
    )


async def _page(
    request: web.Request,
    form: Form | None = None,
    *,
    errors: Sequence[FieldError] = (),
    move: Move | None = None,
    on_loan: OnLoan | None = None,
) -> web.Response:
    async with request.app[STORE].reading() as tx:
        record = await things.thing(tx, _id(request))
        if not record["active"]:
            raise web.HTTPSeeOther("/plan/resources#retired")
        sites = await catalog.sites(tx)
    kind = Kind(record["kind"])
    return render(
        request,
        "things/thing.html",
        status=400 if errors else 409 if move or on_loan else 200,
        thing_id=_id(request),
        kind=kind,
        record=record,
        move=move,
        on_loan=on_loan,
        seen=_seen(form) if form else editing.fingerprint(record),
        done=request.query.get("done", ""),
        **_context(thing_form.filled(record, kind, None), form, sites, record, errors),
    )


def _context(
    fields: dict[str, str],
    form: Form | None,
    sites: Sequence[Site],
    record: dict[str, Any] | None,
    errors: Sequence[FieldError],
) -> dict[str, object]:
    if form is not None:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return {
        "typed": Blank(fields),
        "sites": sites,
        "kinds": thing_form.KINDS,
        "features": {one: words.FEATURES.get(one, one) for one in thing_form.features_of(record)},
        "errors": errors,
        "message_of": Blank({error.field: error.message for error in errors}),
    }


async def _retiring(request: web.Request, *, on_loan: OnLoan | None = None) -> web.Response:
    async with request.app[STORE].reading() as tx:
        record = await things.thing(tx, _id(request))
        booked = await things.booked_for(tx, _id(request), request.app[CLOCK]())
    return render(
        request,
        "things/retire.html",
        status=409 if on_loan else 200,
        thing_id=_id(request),
        record=record,
        booked=booked,
        on_loan=on_loan,
    )


async def _conflict(
    request: web.Request, conflict: Conflict, form: Form, record: dict[str, Any]
) -> web.Response:
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
    return conflicts.page(
        request, conflict, form, record,
        heading=record["name"], section="office", unchanged=f"/plan/resources/{_id(request)}",
        labels=thing_form.LABELS, say=thing_form.worded(sites, catalogue(request[LOCALE]).gettext),
    )  # fmt: skip


async def _current(tx: AsyncConnection, request: web.Request) -> dict[str, Any]:
    found = await things.thing(tx, _id(request), to_change=True)
    if not found["active"]:
        raise NotFound
    return found


async def _move(
    tx: AsyncConnection,
    request: web.Request,
    before: dict[str, Any],
    after: dict[str, Any],
    sites: Sequence[Site],
) -> Move | None:
    if before["site_id"] == after["site_id"]:
        return None
    known = {site.id: site for site in sites}
    booked = await things.booked_for(tx, _id(request), request.app[CLOCK]())
    return Move(known[before["site_id"]], known[after["site_id"]], booked)


def _kind(value: str) -> Kind:
    return next((kind for kind in THINGS if kind == value), Kind.ROOM)


def _seen(form: Form) -> str:
    return forms.text(form, conflicts.SEEN, limit=4000)


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])
