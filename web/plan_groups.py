"""Group sessions on the console: planned, changed, cancelled; who takes part, also by phone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, enrolment, seats, session_terms, sessions
from scheduling.model import Appointment, Change, SlotTaken, Status
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from scheduling.sessions import Overtaken, TooFewSeats
from scheduling.tokens import new_token
from web import access, forms, group_form
from web.calls import room_of_group
from web.forms import FieldError, Typed
from web.keys import CLOCK, LOCALE, ROOMS, SETTINGS, STORE
from web.sign_in import Staff
from web.telling import tell
from web.templating import Blank, render
from web.translations import N_

_DONE = {"made", "changed", "cancelled", "added"}


async def show(request: web.Request) -> web.Response:
    """Show the coming sessions, and the form for a new one."""
    staff = access.plan_reader(request)
    return await _list(request, staff, None, [])


async def create(request: web.Request) -> web.Response:
    """Plan a session, or say what stands in its way."""
    staff, now = access.planner(request), request.app[CLOCK]()
    form = await request.post()
    settings = request.app[SETTINGS]
    typed = {name: forms.text(form, name) for name in group_form.FIELDS}
    async with request.app[STORE].reading() as tx:
        found = group_form.read(form, await group_form.choices(tx), settings.timezone, now)
        errors = found.errors or await _in_the_way(request, tx, found.terms)
    if errors or found.terms is None or found.topic is None:
        return await _list(request, staff, typed, errors)
    try:
        async with request.app[STORE].writing() as tx:
            made = await sessions.create(
                tx, found.topic, found.terms, now=now, keep_days=settings.retention_days
            )
            await catalog.changed(tx, made.site.id)
    except SlotTaken:
        async with request.app[STORE].reading() as tx:
            errors = await _in_the_way(request, tx, found.terms)
        return await _list(request, staff, typed, errors)
    raise web.HTTPSeeOther(f"/plan/groups/{made.id}?done=made")


async def show_one(request: web.Request) -> web.Response:
    """Show a session with those who take part; whoever leads it sees it, too."""
    staff = access.signed_in(request)
    async with request.app[STORE].reading() as tx:
        session = await seats.by_id(tx, int(request.match_info["id"]))
    if session.caseworker.id != staff.resource_id:
        access.plan_reader(request)
    typed = group_form.typed_of(session, request.app[SETTINGS].timezone)
    return await _page(request, staff, session, typed, [])


async def change(request: web.Request) -> web.Response:
    """Change a session with all its seats; everybody is told once."""
    staff, now = access.planner(request), request.app[CLOCK]()
    form = await request.post()
    typed = {name: forms.text(form, name) for name in group_form.FIELDS}
    async with request.app[STORE].reading() as tx:
        session = await seats.by_id(tx, int(request.match_info["id"]))
        known, zone = await group_form.choices(tx), request.app[SETTINGS].timezone
        found = group_form.read(form, known, zone, now, session.topic)
        errors = found.errors or await _in_the_way(request, tx, found.terms, session)
    if errors or found.terms is None:
        return await _page(request, staff, session, typed, errors)
    sequence = forms.text(form, "sequence")
    try:
        await _change(request, session, found.terms, sequence, staff)
    except TooFewSeats:
        errors = [FieldError("capacity", N_("More people than that have a seat already."))]
    except Overtaken:
        return await _page(request, staff, session, typed, [], overtaken=True)
    except SlotTaken:
        async with request.app[STORE].reading() as tx:
            errors = await _in_the_way(request, tx, found.terms, session)
    if errors:
        return await _page(request, staff, session, typed, errors)
    raise web.HTTPSeeOther(f"/plan/groups/{session.id}?done=changed")


async def ask_to_cancel(request: web.Request) -> web.Response:
    """Ask once whether the session shall really be cancelled, and say for how many."""
    access.planner(request)
    async with request.app[STORE].reading() as tx:
        session = await seats.by_id(tx, int(request.match_info["id"]))
    return render(request, "groups/cancel.html", session=session)


async def cancel(request: web.Request) -> web.Response:
    """Cancel a session; everybody who takes part is told once."""
    staff, session_id = access.planner(request), int(request.match_info["id"])
    actor, now = _actor(staff), request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        taken = await sessions.cancel(tx, session_id, actor=actor, now=now)
        for one in taken:
            await tell(request, tx, one, Change.CANCELLED, actor=actor)
    await request.app[ROOMS].dismiss_all(room_of_group(session_id))
    raise web.HTTPSeeOther(f"/plan/groups/{session_id}?done=cancelled")


async def add(request: web.Request) -> web.Response:
    """Give somebody on the phone a seat; a second tap gives no second one."""
    staff, now = access.plan_reader(request), request.app[CLOCK]()
    form = await request.post()
    typed = Typed.read(form)
    person, errors = forms.caller(typed)
    async with request.app[STORE].reading() as tx:
        session = await seats.by_id(tx, int(request.match_info["id"]))
    fields = group_form.typed_of(session, request.app[SETTINGS].timezone)
    key = forms.text(form, "key")
    if person is None:
        return await _page(request, staff, session, fields, errors, caller=typed, key=key)
    try:
        async with request.app[STORE].writing() as tx:
            made = await enrolment.enrol(
                tx, session.id, key=key or new_token(), person=person, locale=request[LOCALE],
                now=now, actor=_actor(staff), for_staff=True,
            )  # fmt: skip
            if made.created:
                await tell(
                    request, tx, made.appointment, Change.BOOKED, actor=_actor(staff),
                    token=made.link_token,
                )  # fmt: skip
    except SlotTaken:
        return await _page(request, staff, session, fields, [], caller=typed, key=key, full=True)
    raise web.HTTPSeeOther(f"/plan/groups/{session.id}?done=added&seat={made.appointment.id}")


async def _change(
    request: web.Request, session: GroupSession, terms: Terms, sequence: str, staff: Staff
) -> None:
    actor, now = _actor(staff), request.app[CLOCK]()
    seen = int(sequence) if sequence.isascii() and sequence.isdecimal() else session.sequence
    async with request.app[STORE].writing() as tx:
        told = await sessions.change(
            tx, session.id, terms, sequence=seen, actor=actor, now=now
        )  # fmt: skip
        for seat in told:
            await tell(request, tx, seat.after, seat.change, actor=actor)
        await catalog.changed(tx, terms.site_id)
    if terms.way is not session.way:
        await request.app[ROOMS].dismiss_all(room_of_group(session.id))


async def _in_the_way(
    request: web.Request,
    tx: AsyncConnection,
    terms: Terms | None,
    session: GroupSession | None = None,
) -> list[FieldError]:
    if terms is None:
        return []
    own = session.id if session else None
    now = request.app[CLOCK]()
    terms = await session_terms.equipped(tx, terms, now, own)
    return group_form.taken(terms, await session_terms.in_the_way(tx, terms, now, own))


async def _list(
    request: web.Request, staff: Staff, typed: Mapping[str, str] | None, errors: list[FieldError]
) -> web.Response:
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        known = await group_form.choices(tx)
        coming = await seats.upcoming(tx, now)
        affected = await sessions.affected(tx, now)
    if typed is None:
        typed = group_form.usual(known, coming, request.app[SETTINGS].timezone)
    return render(
        request, "groups/plan.html", status=400 if errors else 200, known=known, coming=coming,
        affected={one.id for one in affected}, typed=Blank(typed), errors=errors, session=None,
        message_of=_messages(errors), may_plan=access.may_plan(staff),
        most_by_video=group_form.MOST_BY_VIDEO,
    )  # fmt: skip


async def _page(
    request: web.Request,
    staff: Staff,
    session: GroupSession,
    typed: Mapping[str, str],
    errors: list[FieldError],
    *,
    caller: Typed | None = None,
    key: str = "",
    full: bool = False,
    overtaken: bool = False,
) -> web.Response:
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        session = await seats.by_id(tx, session.id)
        known = await group_form.choices(tx)
        people = await appointments.of_session(tx, session.id)
        terms = Terms.of(session)
        blocked = await session_terms.in_the_way(tx, terms, now, session.id)
    open_still = session.status is Status.BOOKED and now < session.span.end
    done = request.query.get("done", "")
    return render(
        request, "groups/session.html",
        status=409 if full or overtaken else 400 if errors else 200,
        session=session, known=known, people=people, added=_added(request, people),
        to_call=_without_address(people, done), blocked=blocked if open_still else [],
        unseen=open_still and terms.lacks_camera,
        typed=Blank(typed), caller=caller or Typed(), key=key or new_token(), errors=errors,
        message_of=_messages(errors), full=full, overtaken=overtaken, done=done if done in _DONE
        else "", changeable=open_still and access.may_plan(staff), open=open_still,
        may_add=open_still and staff.role != "caseworker", most_by_video=group_form.MOST_BY_VIDEO,
    )  # fmt: skip


def _messages(errors: Iterable[FieldError]) -> Blank:
    return Blank({error.field: error.message for error in errors})


def _added(request: web.Request, people: Iterable[Appointment]) -> Appointment | None:
    wanted = request.query.get("seat", "")
    return next((one for one in people if str(one.id) == wanted), None)


def _without_address(people: Iterable[Appointment], done: str) -> list[Appointment]:
    """Return whom no letter has reached: they have to be phoned."""
    status = {"changed": Status.BOOKED, "cancelled": Status.CANCELLED}.get(done)
    return [one for one in people if one.status is status and not one.person.email]


def _actor(staff: Staff) -> str:
    return f"{staff.role}:{staff.id}"
