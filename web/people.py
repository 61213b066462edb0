"""The people of the office: who is there, adding and changing them, and when somebody leaves."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import editing, people, resources, schema, worklist
from scheduling.editing import Conflict
from scheduling.model import Kind
from scheduling.pattern_problems import fits_opening
from scheduling.people import Person
from scheduling.resources import NameTaken, Retired
from web import access, conflicts, forms, hours_form, people_form
from web.forms import FieldError
from web.keys import CLOCK, LOCALE, STORE
from web.people_form import Choices, Entry
from web.templating import Blank, render
from web.translations import N_

SECTION = "office"
"""Where these pages stand in the plan's navigation."""

_NAME_TAKEN = N_("Somebody of this name is already at this site. Choose a name that differs.")
_NAME_RETIRED = N_(
    "Somebody of this name was at this site before. Bring them back under Who has left, or "
    "choose a name that differs."
)


async def show(request: web.Request) -> web.Response:
    """List everybody by site; filtered by site, kind and name."""
    staff = access.plan_reader(request)
    asked = request.query
    retired = asked.get("show") == "left"
    name = forms.text(asked, "name")
    async with request.app[STORE].reading() as tx:
        found = await people.listed(tx, retired=retired)
        offered = await people_form.choices(tx)
    shown = [
        one
        for one in found
        if (asked.get("site", "") in {"", str(one.site.id)})
        and (asked.get("kind", "") in {"", one.resource.kind})
        and name.casefold() in one.resource.name.casefold()
    ]
    return render(
        request,
        "people/list.html",
        section=SECTION,
        groups=[(site, [one for one in shown if one.site.id == site.id]) for site in offered.sites],
        sites=offered.sites,
        kinds=people_form.KINDS,
        count=len(shown),
        asked=Blank({key: forms.text(asked, key) for key in ("site", "kind", "name")}),
        retired=retired,
        may_plan=access.may_plan(staff),
        done=asked.get("done", ""),
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the empty form."""
    access.planner(request)
    async with request.app[STORE].reading() as tx:
        offered = await people_form.choices(tx)
    site = request.query.get("site", "") or (str(offered.sites[0].id) if offered.sites else "")
    entry = Entry(site=site, languages=("de",) if _kind(request) is Kind.CASEWORKER else ())
    return _new(request, offered, entry)


async def add(request: web.Request) -> web.Response:
    """Add somebody and go on to their hours."""
    access.planner(request)
    form = await request.post()
    entry, kind = people_form.sent(form), _kind(request)
    async with request.app[STORE].writing() as tx:
        offered = await people_form.choices(tx)
        values = people_form.values_of(kind, entry, offered)
        errors = people_form.complaints(kind, values, offered)
        if errors:
            return _new(request, offered, entry, errors)
        try:
            added = await people.add(tx, kind, values)
        except NameTaken as taken:
            return _new(request, offered, entry, [_name_error(taken)])
    raise web.HTTPSeeOther(f"/plan/people/{added}?done=added")


async def show_one(request: web.Request) -> web.Response:
    """Show somebody's entry and hours."""
    access.planner(request)
    return await _page(request)


async def change(request: web.Request) -> web.Response:
    """Change somebody's entry; show both versions when somebody else was faster."""
    access.planner(request)
    form, person_id = await request.post(), person_of(request)
    entry = people_form.sent(form)
    try:
        async with request.app[STORE].writing() as tx:
            person = await people.by_id(tx, person_id)
            offered = await people_form.choices(tx)
            current = await editing.stored(tx, schema.resource, person_id)
            kind = person.resource.kind
            typed = people_form.values_of(kind, entry, offered)
            wanted = conflicts.settled(form, typed, current)
            errors = people_form.complaints(kind, wanted, offered)
            if errors:
                return await _page(request, entry, errors, seen=_seen(form))
            listed = await people.change(
                tx, person_id, wanted, seen=_seen(form), now=request.app[CLOCK]()
            )
    except NameTaken as taken:
        return await _page(request, entry, [_name_error(taken)], seen=_seen(form))
    except Retired:
        raise web.HTTPSeeOther(f"/plan/people/{person_id}") from None
    except Conflict as conflict:
        return conflicts.page(
            request, conflict, form, wanted, heading=person.resource.name, section=SECTION,
            unchanged=f"/plan/people/{person_id}", labels=people_form.LABELS,
            say=lambda name, value: people_form.worded(name, value, offered, request[LOCALE]),
        )  # fmt: skip
    raise web.HTTPSeeOther(address(person_id, "changed", listed))


async def ask_to_retire(request: web.Request) -> web.Response:
    """Say what follows when somebody leaves."""
    access.planner(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        person = await people.by_id(tx, person_of(request))
        # Tried and taken back: the list is then exactly what will come.
        trial = await tx.begin_nested()
        listed = await people.retire(tx, person.resource.id, now)
        await trial.rollback()
    return render(request, "people/retire.html", section=SECTION, person=person, listed=listed)


async def retire(request: web.Request) -> web.Response:
    """Take somebody out of the plan; what is booked with them goes to the rescue list."""
    access.planner(request)
    async with request.app[STORE].writing() as tx:
        listed = await people.retire(tx, person_of(request), request.app[CLOCK]())
    raise web.HTTPSeeOther(address(person_of(request), "left", listed))


async def bring_back(request: web.Request) -> web.Response:
    """Put somebody who had left into the plan again."""
    access.planner(request)
    async with request.app[STORE].writing() as tx:
        person = await people.by_id(tx, person_of(request))
        await resources.bring_back(tx, person.resource.id)
    raise web.HTTPSeeOther(f"/plan/people/{person.resource.id}?done=back")


def address(person_id: int, done: str, listed: Sequence[worklist.Stranded]) -> str:
    """Return the address that says what was done and how many appointments no longer fit."""
    return f"/plan/people/{person_id}?" + urlencode({"done": done, "listed": len(listed)})


def person_of(request: web.Request) -> int:
    """Return the id in the request's path."""
    return int(request.match_info["id"])


async def _page(
    request: web.Request,
    entry: Entry | None = None,
    errors: Sequence[FieldError] = (),
    *,
    seen: str | None = None,
) -> web.Response:
    async with request.app[STORE].reading() as tx:
        person = await people.by_id(tx, person_of(request))
        offered = await people_form.choices(tx)
        values = await editing.stored(tx, schema.resource, person.resource.id)
        outside = await _outside_opening(tx, person)
        unseen = await people.lacks_pool(tx, person.resource)
    listed = request.query.get("listed", "")
    return render(
        request,
        "people/person.html",
        status=400 if errors else 200,
        section=SECTION,
        person=person,
        kind=person.resource.kind,
        kinds=people_form.KINDS,
        offered=offered,
        spoken=people_form.SPOKEN,
        entry=entry or people_form.stored(values),
        seen=editing.fingerprint(values) if seen is None else seen,
        errors=errors,
        message_of=Blank({error.field: error.message for error in errors}),
        ways=lambda some: people_form.ways(some, request[LOCALE]),
        weekdays=hours_form.weekdays(request[LOCALE]),
        outside=outside,
        unseen=unseen,
        done="" if errors else request.query.get("done", ""),
        listed=int(listed) if listed.isascii() and listed.isdigit() and len(listed) < 9 else 0,
    )


async def _outside_opening(tx: AsyncConnection, person: Person) -> set[int]:
    """Return the hours at which the house is not open all the time for visitors."""
    opening = (await editing.stored(tx, schema.site, person.site.id))["opening"]
    if not opening:
        return set()
    return {row.id for row in person.hours if not fits_opening(row.pattern, opening)}


def _new(
    request: web.Request, offered: Choices, entry: Entry, errors: Sequence[FieldError] = ()
) -> web.Response:
    return render(
        request,
        "people/new.html",
        status=400 if errors else 200,
        section=SECTION,
        kind=_kind(request),
        kinds=people_form.KINDS,
        offered=offered,
        spoken=people_form.SPOKEN,
        entry=entry,
        errors=errors,
        message_of=Blank({error.field: error.message for error in errors}),
    )


def _kind(request: web.Request) -> Kind:
    asked = request.query.get("kind")
    return Kind.INTERPRETER if asked == Kind.INTERPRETER else Kind.CASEWORKER


def _seen(form: people_form.Sent) -> str:
    return forms.text(form, conflicts.SEEN, limit=4000)


def _name_error(taken: NameTaken) -> FieldError:
    return FieldError("name", _NAME_TAKEN if taken.active else _NAME_RETIRED)


_ONE = r"/plan/people/{id:\d{1,18}}"

ROUTES = [
    web.get("/plan/people", show),
    web.get("/plan/people/new", show_new),
    web.post("/plan/people/new", add),
    web.get(_ONE, show_one),
    web.post(_ONE, change),
    web.get(_ONE + "/retire", ask_to_retire),
    web.post(_ONE + "/retire", retire),
    web.post(_ONE + "/back", bring_back),
]
