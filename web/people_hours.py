"""The form of somebody's weekly hours: adding, changing and dropping them for as long as said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web

from scheduling import patterns, people
from scheduling.editing import Conflict, fingerprint
from scheduling.grid import local_date
from scheduling.hours import Pattern
from scheduling.model import NotFound
from scheduling.pattern_problems import WEEKS_AT_MOST, first_day
from scheduling.patterns import NotThatDay, Refused, Row, Scope
from scheduling.people import Person
from scheduling.resources import Retired
from scheduling.worklist import Stranded
from web import access, conflicts, forms, hours_form
from web.forms import FieldError
from web.hours_form import LABELS, PRESETS, RELEASES, SCOPES, Typed, worded
from web.keys import CLOCK, LOCALE, STORE
from web.people import SECTION, address, person_of
from web.templating import Blank, render
from web.translations import N_


async def show_new(request: web.Request) -> web.Response:
    """Show the form for further hours; ``kind`` ticks the ways of an office day, or at home."""
    access.planner(request)
    today = local_date(request.app[CLOCK]())
    ways = PRESETS.get(request.query.get("kind", ""), PRESETS["office"])
    person = await _person(request)
    return _page(request, person, Typed(ways=tuple(ways), valid_from=today.isoformat()))


async def add(request: web.Request) -> web.Response:
    """Give somebody hours on each of the ticked weekdays."""
    access.planner(request)
    typed = hours_form.sent(await request.post())
    person = await _person(request)
    found, errors = hours_form.read(typed)
    if not typed.days:
        errors.insert(0, FieldError("days", N_("Choose at least one weekday.")))
    if errors or found is None:
        return _page(request, person, typed, errors)
    wanted = [replace(found, weekday=int(day)) for day in typed.days]
    try:
        async with request.app[STORE].writing() as tx:
            listed = await patterns.add(tx, person_of(request), wanted, request.app[CLOCK]())
    except Refused as refused:
        return _page(request, person, typed, _complaints(request, refused))
    except Retired:
        raise web.HTTPSeeOther(f"/plan/people/{person_of(request)}") from None
    raise web.HTTPSeeOther(address(person_of(request), "hours", listed))


async def show_one(request: web.Request) -> web.Response:
    """Show hours with the choice for how long a change is to hold."""
    access.planner(request)
    person = await _person(request)
    row = _row(request, person)
    today = local_date(request.app[CLOCK]())
    day = first_day(row.pattern, today) or today
    return _page(request, person, hours_form.filled(row.pattern, day), row=row)


async def change(request: web.Request) -> web.Response:
    """Change or drop hours; show both versions when somebody else was faster."""
    access.planner(request)
    form, person = await request.post(), await _person(request)
    row, typed = _row(request, person), hours_form.sent(form)
    dropped = forms.text(form, "action") == "drop"
    pattern, errors = (None, []) if dropped else hours_form.read(typed)
    scope = next((one for one in Scope if one == typed.scope), None)
    if scope is None:
        errors.append(FieldError("scope", N_("Choose for how long this holds.")))
    today = local_date(request.app[CLOCK]())
    day = today if scope is Scope.ALL else forms.day_of(typed.day, "day", errors)
    if day is not None and day < today:
        errors.append(FieldError("day", N_("This day is already over.")))
    seen = forms.text(form, conflicts.SEEN, limit=4000)
    if errors or scope is None or day is None:
        return _page(request, person, typed, errors, row=row, seen=seen)
    if pattern is not None:
        chosen = conflicts.settled(
            form, patterns.values_of(pattern), patterns.values_of(row.pattern)
        )
        pattern = patterns.from_values(chosen)
    try:
        listed = await _edit(request, row, pattern, scope, day, seen)
    except Refused as refused:
        errors = _complaints(request, refused)
        return _page(request, person, typed, errors, row=row, seen=seen)
    except NotThatDay as other:
        return _page(
            request,
            person,
            typed,
            [hours_form.not_that_day(other, request[LOCALE])],
            row=row,
            seen=seen,
        )
    except Conflict as conflict:
        if pattern is None:
            raise web.HTTPSeeOther(f"{request.path}?done=meanwhile") from None
        return conflicts.page(
            request, conflict, form, patterns.values_of(pattern), heading=person.resource.name, section=SECTION,
            unchanged=request.path, labels=LABELS,
            say=lambda name, value: worded(name, value, request[LOCALE]),
        )  # fmt: skip
    except (NotFound, Retired):
        raise web.HTTPSeeOther(f"/plan/people/{person_of(request)}?done=gone") from None
    raise web.HTTPSeeOther(address(person_of(request), "hours", listed))


async def _edit(
    request: web.Request, row: Row, pattern: Pattern | None, scope: Scope, day: dt.date, seen: str
) -> list[Stranded]:
    now = request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        if pattern is None:
            return await patterns.drop(tx, row, scope, day, seen=seen, now=now)
        return await patterns.change(tx, row, pattern, scope, day, seen=seen, now=now)


def _complaints(request: web.Request, refused: Refused) -> list[FieldError]:
    return [hours_form.complaint(problem, request[LOCALE]) for problem in refused.problems]


async def _person(request: web.Request) -> Person:
    async with request.app[STORE].reading() as tx:
        return await people.by_id(tx, person_of(request))


def _row(request: web.Request, person: Person) -> Row:
    wanted = int(request.match_info["pattern"])
    found = next((row for row in person.hours if row.id == wanted), None)
    if found is None:
        raise web.HTTPSeeOther(f"/plan/people/{person.resource.id}?done=gone")
    return found


def _page(
    request: web.Request,
    person: Person,
    typed: Typed,
    errors: Sequence[FieldError] = (),
    *,
    row: Row | None = None,
    seen: str | None = None,
) -> web.Response:
    return render(
        request,
        "people/hours.html",
        status=400 if errors else 200,
        section=SECTION,
        person=person,
        row=row,
        typed=typed,
        seen=(fingerprint(patterns.values_of(row.pattern)) if row and seen is None else seen),
        weekdays=hours_form.weekdays(request[LOCALE]),
        releases=RELEASES,
        scopes=SCOPES,
        weeks=range(1, WEEKS_AT_MOST + 1),
        errors=errors,
        message_of=Blank({error.field: error.message for error in errors}),
        meanwhile=request.query.get("done") == "meanwhile",
    )


_ONE = r"/plan/people/{id:\d{1,18}}/hours"

ROUTES = [
    web.get(_ONE + "/new", show_new),
    web.post(_ONE + "/new", add),
    web.get(_ONE + r"/{pattern:\d{1,18}}", show_one),
    web.post(_ONE + r"/{pattern:\d{1,18}}", change),
]
