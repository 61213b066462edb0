"""Sites and their teams: the list, and the form of each with what follows from its hours."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from scheduling import catalog, doubts, editing, overview, premises, worklist
from scheduling.editing import Conflict
from scheduling.grid import local_date
from scheduling.model import Appointment
from scheduling.premises import NameTaken
from scheduling.worklist import Reason, Stranded
from web import access, conflicts, forms, site_form
from web.forms import FieldError, Form
from web.keys import CLOCK, LOCALE, STORE
from web.templating import Blank, render
from web.translations import N_, catalogue

_TAKEN = FieldError("name", N_("There is a site of this name already."))
_TEAM_TAKEN = FieldError("team", N_("There is a team of this name already."))
_TEAM_NAMELESS = FieldError("team", N_("Enter the name of the team."))
_TEAM_LENGTH = 100


async def show_all(request: web.Request) -> web.Response:
    """Show every site with what it has and lacks."""
    access.planner(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        office = await doubts.read(tx, local_date(now))
        topics, teams = await catalog.topics(tx), await overview.teams(tx)
        outside = _outside(await worklist.stranded(tx, now))
    return render(
        request,
        "premises/list.html",
        office=office,
        lacking={site.id: [*doubts.of_site(office, site, topics)] for site in office.sites},
        teams=teams,
        outside=outside,
    )


async def show_new(request: web.Request) -> web.Response:
    """Show the empty form."""
    access.planner(request)
    return _form(request, None)


async def add(request: web.Request) -> web.Response:
    """Add a site."""
    access.planner(request)
    form = await request.post()
    record, entries = site_form.read(form)
    if entries.errors:
        return _form(request, form, errors=entries.errors)
    try:
        async with request.app[STORE].writing() as tx:
            site_id = await premises.add_site(tx, record)
    except NameTaken:
        return _form(request, form, errors=[_TAKEN])
    raise web.HTTPSeeOther(f"/plan/sites/{site_id}?done=added")


async def show(request: web.Request) -> web.Response:
    """Show the form of a site, its teams, and the appointments its hours leave outside."""
    access.planner(request)
    return await _page(request)


async def change(request: web.Request) -> web.Response:
    """Store the form, unless somebody else has changed the site meanwhile."""
    access.planner(request)
    form = await request.post()
    record, entries = site_form.read(form)
    if entries.errors:
        return await _page(request, form, errors=entries.errors)
    try:
        async with request.app[STORE].writing() as tx:
            site_id = _id(request)
            current = await premises.site(tx, site_id, to_change=True)
            record = conflicts.settled(form, record, current)
            await premises.change_site(
                tx, site_id, record, seen=_seen(form), now=request.app[CLOCK]()
            )
    except Conflict as conflict:
        return conflicts.page(
            request, conflict, form, record,
            heading=record["name"], section="office", unchanged=f"/plan/sites/{_id(request)}",
            labels=site_form.LABELS,
            say=site_form.worded(request[LOCALE], catalogue(request[LOCALE]).gettext),
        )  # fmt: skip
    except NameTaken:
        return await _page(request, form, errors=[_TAKEN])
    raise web.HTTPSeeOther(f"/plan/sites/{site_id}?done=changed")


async def add_team(request: web.Request) -> web.Response:
    """Add a team to a site."""
    access.planner(request)
    form = await request.post()
    name = forms.text(form, "team", limit=_TEAM_LENGTH)
    if not name:
        return await _page(request, form, errors=[_TEAM_NAMELESS])
    try:
        async with request.app[STORE].writing() as tx:
            await premises.add_team(tx, _id(request), name)
    except NameTaken:
        return await _page(request, form, errors=[_TEAM_TAKEN])
    raise web.HTTPSeeOther(f"/plan/sites/{_id(request)}?done=team#teams")


async def change_team(request: web.Request) -> web.Response:
    """Give a team another name, or remove it."""
    access.planner(request)
    form = await request.post()
    site_id, team_id = _id(request), int(request.match_info["team"])
    field = f"team-{team_id}"
    name = forms.text(form, field, limit=_TEAM_LENGTH)
    removing = forms.text(form, "do") == "remove"
    if not removing and not name:
        return await _page(request, form, errors=[FieldError(field, _TEAM_NAMELESS.message)])
    try:
        async with request.app[STORE].writing() as tx:
            if removing:
                await premises.remove_team(tx, site_id, team_id)
            else:
                await premises.rename_team(tx, site_id, team_id, name)
    except NameTaken:
        return await _page(request, form, errors=[FieldError(field, _TEAM_TAKEN.message)])
    raise web.HTTPSeeOther(f"/plan/sites/{site_id}?done=team#teams")


def _form(
    request: web.Request, form: Form | None, *, errors: Sequence[FieldError] = ()
) -> web.Response:
    return render(
        request,
        "premises/site.html",
        status=400 if errors else 200,
        site=None,
        seen="",
        done="",
        **_context(site_form.filled(None) if form is None else _typed(form), errors),
    )


async def _page(
    request: web.Request, form: Form | None = None, *, errors: Sequence[FieldError] = ()
) -> web.Response:
    now, site_id = request.app[CLOCK](), _id(request)
    async with request.app[STORE].reading() as tx:
        record = await premises.site(tx, site_id)
        site = next(one for one in await catalog.sites(tx) if one.id == site_id)
        office = await doubts.read(tx, local_date(now))
        lacking = [*doubts.of_site(office, site, await catalog.topics(tx))]
        teams = [team for team in await overview.teams(tx) if team.site_id == site_id]
        members = await premises.members(tx, site_id)
        outside = _outside(await worklist.stranded(tx, now), site_id)
    fields = site_form.filled(record)
    # A form of a team says nothing about the site: its fields are shown as they are stored.
    if form is not None:
        fields = _typed(form) if "name" in form else fields | _typed(form)
    return render(
        request,
        "premises/site.html",
        status=400 if errors else 200,
        site=site,
        seen=_seen(form) if form and "name" in form else editing.fingerprint(record),
        lacking=lacking,
        teams=teams,
        members=members,
        outside=outside,
        done=request.query.get("done", ""),
        **_context(fields, errors),
    )


def _context(fields: dict[str, str], errors: Sequence[FieldError]) -> dict[str, object]:
    numbers = [int(name.rpartition("-")[2]) for name in fields if name.startswith("opens-")]
    return {
        "typed": Blank(fields),
        "errors": errors,
        "message_of": Blank({error.field: error.message for error in errors}),
        "states": site_form.STATES,
        "shares": site_form.SHARES,
        "spans": range(max([site_form.SPANS_A_DAY, *(number + 1 for number in numbers)])),
    }


def _outside(stranded: Sequence[Stranded], site_id: int | None = None) -> list[Appointment]:
    """Return those that somebody or something of a site, or of any, has no hours for."""
    return [
        one.appointment
        for one in stranded
        if one.reason is Reason.HOURS and site_id in {None, one.resource.site_id}
    ]


def _typed(form: Form) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _seen(form: Form) -> str:
    return forms.text(form, conflicts.SEEN, limit=4000)


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])
