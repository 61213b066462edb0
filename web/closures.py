"""Absences, closed rooms and houses: entering them, seeing what is closed, lifting them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, closures
from scheduling.closures import Closed
from scheduling.grid import ZONE, local_date
from scheduling.model import Kind, Resource, Site, Span, Way
from web import access, forms
from web.forms import FieldError, Form
from web.keys import CLOCK, STORE
from web.templating import Blank, render
from web.translations import N_

_LONGEST = dt.timedelta(days=400)
_MIDNIGHT = dt.time(0)
_PLACES = (Kind.ROOM, Kind.COUNTER, Kind.TABLET, Kind.CAMERA)


@dataclass(frozen=True, slots=True)
class Effect:
    """What of a house is closed: the ways that cannot take place; none means all."""

    name: str
    kind: str
    ways: tuple[Way, ...] = ()


EFFECTS: Mapping[str, Effect] = {
    "closed": Effect(N_("Closed altogether"), "closure"),
    "visitors": Effect(
        N_("Closed for visitors; video and phone go on"),
        "closure",
        (Way.IN_PERSON, Way.BRANCH_VIDEO),
    ),
    "network": Effect(N_("Without network: no video"), "outage", (Way.VIDEO, Way.BRANCH_VIDEO)),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the forms: whom it is about, and the kinds of resources it offers."""

    label: str
    subject: str
    kinds: tuple[Kind, ...]
    nobody: str


TABS: Mapping[str, Tab] = {
    "absence": Tab(
        N_("Caseworker away"), N_("Who is away?"), (Kind.CASEWORKER, Kind.INTERPRETER),
        N_("Choose who is away."),
    ),
    "place": Tab(
        N_("Room or device"), N_("What is closed?"), _PLACES,
        N_("Choose the room, counter or device."),
    ),
    "site": Tab(
        N_("Site or branch"), N_("Which site?"), (), N_("Choose the site."),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A closure as the list shows it. `last` is its last day; `count` what it affects."""

    closed: Closed
    subject: str
    site: str
    effect: str
    last: dt.date
    whole_days: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    span: Span
    site_id: int | None
    resource_id: int | None
    ways: tuple[Way, ...]
    kind: str
    note: str


async def show(request: web.Request) -> web.Response:
    """Show what is closed now and next, and the form to enter more."""
    access.plan_reader(request)
    return await _page(request, _tab(request.query.get("form", "")))


async def add(request: web.Request) -> web.Response:
    """Enter a closure and go on to the appointments it affects.

    Entering the same once more, by a second tap, leads to the first.
    """
    access.planner(request)
    form = await request.post()
    name = _tab(forms.text(form, "form"))
    now = request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        wanted, errors = await _read(tx, name, form, now)
        if wanted is None:
            return await _page(request, name, errors=errors, form=form)
        closure_id = await _same(tx, wanted, now) or await closures.close(
            tx, wanted.span, site_id=wanted.site_id, resource_id=wanted.resource_id,
            ways=wanted.ways, kind=wanted.kind, note=wanted.note,
        )  # fmt: skip
    raise web.HTTPSeeOther(f"/plan/rescue?closure={closure_id}&done=closed")


async def lift(request: web.Request) -> web.Response:
    """Take a closure back."""
    access.planner(request)
    async with request.app[STORE].writing() as tx:
        await closures.lift(tx, int(request.match_info["id"]))
    raise web.HTTPSeeOther("/plan/closures?done=lifted")


async def lines(tx: AsyncConnection, closed: Sequence[Closed]) -> list[Line]:
    """Return closures with the names of what they close."""
    sites = {site.id: site for site in await catalog.sites(tx)}
    ids = {one.resource_id for one in closed if one.resource_id is not None}
    resources = await catalog.resources_by_id(tx, ids)
    return [_line(one, sites, resources) for one in closed]


def _line(closed: Closed, sites: Mapping[int, Site], resources: Mapping[int, Resource]) -> Line:
    start, end = closed.span.start.astimezone(ZONE), closed.span.end.astimezone(ZONE)
    whole = start.time() == end.time() == _MIDNIGHT
    last = (end - dt.timedelta(seconds=1)).date()
    effect = next(
        (
            effect.name
            for effect in EFFECTS.values()
            if closed.ways and frozenset(effect.ways) == closed.ways
        ),
        N_("away") if closed.kind == "absence" else N_("closed"),
    )
    if closed.resource_id is None:
        subject = sites[closed.site_id or 0].name
        return Line(closed, subject, "", effect, last, whole)
    resource = resources[closed.resource_id]
    return Line(closed, resource.name, sites[resource.site_id].name, effect, last, whole)


async def _page(
    request: web.Request,
    name: str,
    *,
    errors: Sequence[FieldError] = (),
    form: Form | None = None,
) -> web.Response:
    staff = access.signed_in(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        found = await closures.current(tx, now)
        listed = [
            (line, len(await closures.affected(tx, now, line.closed.id)))
            for line in await lines(tx, found)
        ]
        sites = await catalog.sites(tx)
        kinds = TABS[name].kinds
        choices = await catalog.resources(tx, kinds=kinds) if kinds else []
    fields = ("whom", "first", "last", "from", "until", "effect", "note")
    typed = {field: forms.text(form or {}, field) for field in fields}
    if form is None:
        typed["first"] = local_date(now).isoformat()
    return render(
        request,
        "office/closures.html",
        status=400 if errors else 200,
        section="closures",
        listed=listed,
        sites=sites,
        choices=choices,
        tab=name,
        tabs=TABS,
        effects=EFFECTS,
        errors=errors,
        message_of=Blank({error.field: error.message for error in errors}),
        typed=Blank(typed),
        may_plan=access.may_plan(staff),
        done=request.query.get("done", ""),
        now=now,
    )


def _tab(wanted: str) -> str:
    return wanted if wanted in TABS else "absence"


async def _read(
    tx: AsyncConnection, name: str, form: Form, now: dt.datetime
) -> tuple[_Wanted | None, list[FieldError]]:
    errors: list[FieldError] = []
    subject = await _subject(tx, name, forms.text(form, "whom"))
    if subject is None:
        errors.append(FieldError("whom", TABS[name].nobody))
    effect = EFFECTS.get(forms.text(form, "effect"))
    if name == "site" and effect is None:
        errors.append(FieldError("effect", N_("Choose what is closed.")))
    span = _span(form, now, errors)
    if errors or span is None:
        return None, errors
    at_site = name == "site"
    ways = effect.ways if at_site and effect else ()
    kind = effect.kind if at_site and effect else "absence" if name == "absence" else "closure"
    # Why somebody is away is nobody's business here: no note is kept about people.
    note = "" if name == "absence" else forms.text(form, "note", limit=200)
    return _Wanted(
        span, subject if at_site else None, None if at_site else subject, ways, kind, note
    ), []


async def _subject(tx: AsyncConnection, name: str, value: str) -> int | None:
    offered: Sequence[Site | Resource]
    if name == "site":
        offered = await catalog.sites(tx)
    else:
        offered = await catalog.resources(tx, kinds=TABS[name].kinds)
    return next((one.id for one in offered if str(one.id) == value), None)


def _span(form: Form, now: dt.datetime, errors: list[FieldError]) -> Span | None:
    count = len(errors)
    first = forms.day_of(forms.text(form, "first"), "first", errors)
    last = (
        forms.day_of(forms.text(form, "last"), "last", errors)
        if forms.text(form, "last")
        else first
    )
    opens = _time(forms.text(form, "from"), "from", errors)
    ends = _time(forms.text(form, "until"), "until", errors)
    if len(errors) > count or first is None or last is None:
        return None
    start = dt.datetime.combine(first, opens or _MIDNIGHT, ZONE)
    if ends is None:
        end = dt.datetime.combine(last + dt.timedelta(days=1), _MIDNIGHT, ZONE)
    else:
        end = dt.datetime.combine(last, ends, ZONE)
    if start >= end:
        field = "last" if last < first else "until"
        errors.append(FieldError(field, N_("The end must be after the beginning.")))
    elif end <= now:
        errors.append(FieldError("last", N_("This time is already over.")))
    elif end - max(start, now) > _LONGEST:
        errors.append(FieldError("last", N_("This is more than a year ahead. Check the year.")))
    return Span(start, end) if len(errors) == count else None


def _time(value: str, field: str, errors: list[FieldError]) -> dt.time | None:
    if not value:
        return None
    try:
        return dt.time.fromisoformat(value).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        errors.append(FieldError(field, N_("Enter a time, for example 14:30.")))
        return None


async def _same(tx: AsyncConnection, wanted: _Wanted, now: dt.datetime) -> int | None:
    for one in await closures.current(tx, now):
        if (one.site_id, one.resource_id, one.span, one.ways) == (
            wanted.site_id, wanted.resource_id, wanted.span, frozenset(wanted.ways),
        ):  # fmt: skip
            return one.id
    return None
