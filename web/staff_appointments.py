"""One appointment in the hands of the office: look at it, move it, cancel it, add people."""

from __future__ import annotations

from aiohttp import web

from scheduling import appointments, booking, connections, outbox, outcomes
from scheduling.grid import local_date
from scheduling.model import Appointment, Change, Closed, Outcome, Part, SlotTaken, Status
from web import access, connection_log, forms, seats
from web.appointment import cancel_and_write, taken_page, times_page
from web.calls import empty_room, room_of
from web.forms import FieldError, Guest
from web.keys import CLOCK, ROOMS, SETTINGS, STORE
from web.letters import LETTERS
from web.sign_in import Staff
from web.telling import tell
from web.templating import Blank, render

_DONE = {"moved", "cancelled", "invited", "shifted", "marked"}


async def show(request: web.Request) -> web.Response:
    """Show the appointment, who can join, and what happened to it."""
    return await _page(request)


async def _page(
    request: web.Request,
    *,
    errors: list[FieldError] | None = None,
    typed: dict[str, str] | None = None,
    link: str = "",
    guest: Guest | None = None,
) -> web.Response:
    staff = access.signed_in(request)
    done = request.query.get("done", "")
    async with request.app[STORE].reading() as tx:
        appointment = await access.appointment_for(tx, staff, _id_of(request))
        links = await appointments.links(tx, appointment.id)
        history = await appointments.history(tx, appointment.id)
        stays = await connections.of(tx, appointment.id)
    return render(
        request,
        "staff/appointment.html",
        status=400 if errors else 200,
        appointment=appointment,
        guests=[known for known in links if known.part is not Part.CLAIMANT],
        history=history,
        stays=connection_log.lines(stays, request.app[CLOCK]()),
        markable=appointment.status is not Status.CANCELLED
        and appointment.span.start <= request.app[CLOCK](),
        may_consult=access.may_consult(staff),
        waiting=request.app[ROOMS].waiting(room_of(appointment)),
        done=done if done in _DONE else "",
        errors=errors or [],
        message_of=Blank({error.field: error.message for error in errors or []}),
        typed=Blank(typed or {}),
        link=link,
        guest=guest,
    )


async def ask_to_cancel(request: web.Request) -> web.Response:
    """Ask once whether the appointment shall really be cancelled."""
    appointment = await _open(request)
    return render(request, "staff/cancel.html", appointment=appointment)


async def cancel(request: web.Request) -> web.Response:
    """Cancel and write to the claimant; a second tap changes nothing."""
    staff, appointment_id = access.signed_in(request), _id_of(request)
    async with request.app[STORE].writing() as tx:
        appointment = await access.appointment_for(tx, staff, appointment_id)
        if appointment.status is not Status.CANCELLED:
            await cancel_and_write(request, tx, appointment_id, actor=_actor(staff))
    await empty_room(request, appointment)
    raise web.HTTPSeeOther(f"/staff/appointments/{appointment_id}?done=cancelled")


async def choose_new_time(request: web.Request) -> web.Response:
    """Show other free times, also at short notice."""
    appointment = await _open(request)
    if appointment.session_id is not None:
        return await seats.choose(request, appointment, for_staff=True)
    return await times_page(request, appointment, "staff/move.html", for_staff=True)


async def move(request: web.Request) -> web.Response:
    """Move to the chosen time and write to the claimant."""
    staff, appointment_id = access.signed_in(request), _id_of(request)
    form = await request.post()
    if "session" in form:
        refused = await seats.move(request, await _open(request), actor=_actor(staff))
        if refused is not None:
            return refused
        raise web.HTTPSeeOther(f"/staff/appointments/{appointment_id}?done=moved")
    start = forms.start(forms.text(form, "start"))
    if start is None:
        raise web.HTTPBadRequest
    now = request.app[CLOCK]()
    try:
        async with request.app[STORE].writing() as tx:
            appointment = await access.appointment_for(tx, staff, appointment_id)
            moved = await booking.rearrange(
                tx, appointment_id, start=start, actor=_actor(staff), now=now, for_staff=True
            )
            await tell(request, tx, moved, Change.MOVED, actor=_actor(staff))
    except SlotTaken:
        return await taken_page(request, appointment, start, "staff/taken.html", for_staff=True)
    raise web.HTTPSeeOther(f"/staff/appointments/{appointment_id}?done=moved")


async def mark(request: web.Request) -> web.Response:
    """Note whether the consultation took place; the form's page says where to go on."""
    staff, appointment_id = access.signed_in(request), _id_of(request)
    form = await request.post()
    outcome = next((one for one in Outcome if one == forms.text(form, "outcome")), None)
    if outcome is None:
        raise web.HTTPBadRequest
    async with request.app[STORE].writing() as tx:
        appointment = await access.appointment_for(tx, staff, appointment_id)
        tried = await connections.first_attempt(tx, appointment_id, appointment.span.start)
        doubtful = outcome is Outcome.MISSED and tried is not None and "sure" not in form
        if not doubtful:
            now = request.app[CLOCK]()
            await outcomes.mark(tx, appointment_id, outcome, actor=_actor(staff), now=now)
    if doubtful:
        return render(
            request, "staff/tried.html", status=409, appointment=appointment, tried=tried,
            where=forms.text(form, "from"),
        )  # fmt: skip
    day = local_date(appointment.span.start).isoformat()
    back = {
        "day": f"/staff/day/{day}#appointment-{appointment_id}",
        "panel": f"/plan/appointments/{appointment_id}?done=marked",
    }
    own = f"/staff/appointments/{appointment_id}?done=marked"
    raise web.HTTPSeeOther(back.get(forms.text(form, "from"), own))


async def invite(request: web.Request) -> web.Response:
    """Give a companion or an interpreter a link: by mail, or shown once to hand over."""
    staff, appointment_id = access.signed_in(request), _id_of(request)
    form = await request.post()
    guest, errors = forms.guest(form)
    if guest is None:
        typed = {name: forms.text(form, name) for name in ("part", "name", "email")}
        return await _page(request, errors=errors, typed=typed)
    now = request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        appointment = await access.appointment_for(tx, staff, appointment_id)
        token = await booking.add_link(
            tx, appointment_id, part=guest.part, name=guest.name, actor=_actor(staff), now=now,
            email=guest.email,
        )  # fmt: skip
        if guest.email:
            letter = request.app[LETTERS].to_guest(
                appointment, guest.part, guest.name, guest.email, token=token, now=now
            )
            await outbox.post(tx, guest.email, letter, now)
    if guest.email:
        raise web.HTTPSeeOther(f"/staff/appointments/{appointment_id}?done=invited")
    link = f"{request.app[SETTINGS].public_url}/call/{token}"
    return await _page(request, link=link, guest=guest)


async def _open(request: web.Request) -> Appointment:
    staff = access.signed_in(request)
    async with request.app[STORE].reading() as tx:
        appointment = await access.appointment_for(tx, staff, _id_of(request))
    if appointment.status is not Status.BOOKED:
        raise Closed
    return appointment


def _id_of(request: web.Request) -> int:
    return int(request.match_info["id"])


def _actor(staff: Staff) -> str:
    """Name somebody in the history by role and number: histories outlive names."""
    return f"{staff.role}:{staff.id}"
