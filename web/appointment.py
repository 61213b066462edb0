"""The claimant's own page of an appointment: see it, take it along, move it, cancel it."""

from __future__ import annotations

import datetime as dt
import io

import segno
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, catalog, changes, slots, waitlist
from scheduling.grid import local_date
from scheduling.invitation import Method
from scheduling.model import Appointment, Change, Closed, NotFound, Part, SlotTaken, Status
from web import branches, familiar, forms, limits, links, seats
from web.calls import empty_room
from web.keys import CLOCK, SETTINGS, STORE
from web.letters import LETTERS
from web.telling import tell
from web.templating import render
from web.timetable import Window, timetable

_AROUND = dt.timedelta(days=7)
_DONE = {"booked", "moved", "cancelled", "shifted", "waiting", "stopped"}


async def show(request: web.Request) -> web.Response:
    """Show the appointment with everything its claimant can do."""
    async with request.app[STORE].reading() as tx:
        appointment = await own_in(request, tx)
        waiting = await waitlist.is_waiting(tx, appointment.id)
    now = request.app[CLOCK]()
    settings = request.app[SETTINGS]
    done = request.query.get("done", "")
    return render(
        request,
        "appointment/show.html",
        appointment=appointment,
        token=request.match_info["token"],
        done=done if done in _DONE else "",
        waiting=waiting,
        changeable=_changeable(appointment, now),
        over=appointment.status is Status.ENDED or appointment.span.end <= now,
        lobby_opens=appointment.span.start - dt.timedelta(minutes=settings.lobby_minutes),
    )


async def invitation(request: web.Request) -> web.Response:
    """Hand out the calendar file as it stands now."""
    appointment = await _own(request)
    token, now = request.match_info["token"], request.app[CLOCK]()
    cancelled = appointment.status is Status.CANCELLED
    method = Method.CANCEL if cancelled else Method.REQUEST
    body = request.app[LETTERS].invitation(appointment, method, token=token, now=now)
    return web.Response(
        body=body,
        headers={
            "Content-Type": f"text/calendar; charset=utf-8; method={method}",
            "Content-Disposition": f'attachment; filename="{appointment.reference}.ics"',
        },
    )


async def check_in(request: web.Request) -> web.Response:
    """Draw the QR code that is scanned on arrival: the reference alone, nothing personal."""
    appointment = await _own(request)
    drawing = io.BytesIO()
    code = segno.make_qr(appointment.reference, error="q")
    code.save(drawing, kind="svg", scale=8, border=4, light="#fff", dark="#000")
    return web.Response(body=drawing.getvalue(), content_type="image/svg+xml")


async def ask_to_cancel(request: web.Request) -> web.Response:
    """Ask once whether the appointment shall really be cancelled."""
    appointment = await _own(request)
    require_changeable(appointment, request.app[CLOCK]())
    token = request.match_info["token"]
    return render(request, "appointment/cancel.html", appointment=appointment, token=token)


async def cancel(request: web.Request) -> web.Response:
    """Cancel, write to the claimant, and say so. A second tap changes nothing."""
    limits.take(request, limits.BOOKING)
    token, now = request.match_info["token"], request.app[CLOCK]()
    async with request.app[STORE].writing() as tx:
        appointment = await own_in(request, tx)
        if appointment.status is not Status.CANCELLED:
            require_changeable(appointment, now)
            await cancel_and_write(request, tx, appointment.id, actor=booking.CLAIMANT)
    await empty_room(request, appointment)
    raise web.HTTPSeeOther(f"/appointment/{token}?done=cancelled")


async def cancel_and_write(
    request: web.Request, tx: AsyncConnection, appointment_id: int, *, actor: str
) -> None:
    """Cancel an appointment and post the letter about it, in the caller's transaction."""
    await waitlist.leave(tx, appointment_id)
    cancelled = await booking.cancel(tx, appointment_id, actor=actor, now=request.app[CLOCK]())
    await tell(request, tx, cancelled, Change.CANCELLED, actor=actor)


async def choose_new_time(request: web.Request) -> web.Response:
    """Show other free times for the same appointment."""
    appointment = await _own(request)
    require_changeable(appointment, request.app[CLOCK]())
    if appointment.session_id is not None:
        return await seats.choose(request, appointment, for_staff=False)
    return await times_page(request, appointment, "appointment/move.html", for_staff=False)


async def move(request: web.Request) -> web.Response:
    """Move to the chosen time; the appointment, its reference and its links stay the same."""
    limits.take(request, limits.BOOKING)
    token, now = request.match_info["token"], request.app[CLOCK]()
    form = await request.post()
    if "session" in form:
        return await _move_seat(request, token)
    start = forms.start(forms.text(form, "start"))
    if start is None:
        raise web.HTTPBadRequest
    try:
        async with request.app[STORE].writing() as tx:
            appointment = await own_in(request, tx)
            require_changeable(appointment, now)
            site = await branches.chosen(tx, appointment, forms.text(form, "site"))
            moved = await booking.rearrange(
                tx, appointment.id, start=start, site_id=site.id if site else None,
                actor=booking.CLAIMANT, now=now,
            )  # fmt: skip
            change = branches.change(appointment, moved)
            await tell(request, tx, moved, change, actor=booking.CLAIMANT, token=token)
    except SlotTaken:
        return await taken_page(
            request, appointment, start, "appointment/taken.html", site_key=forms.text(form, "site")
        )
    raise web.HTTPSeeOther(f"/appointment/{token}?done=moved")


async def _move_seat(request: web.Request, token: str) -> web.Response:
    appointment = await _own(request)
    require_changeable(appointment, request.app[CLOCK]())
    refused = await seats.move(request, appointment, actor=booking.CLAIMANT, token=token)
    if refused is not None:
        return refused
    raise web.HTTPSeeOther(f"/appointment/{token}?done=moved")


async def times_page(
    request: web.Request, appointment: Appointment, template: str, *, for_staff: bool
) -> web.Response:
    """Show when an appointment could take place instead, for its claimant or for staff."""
    now = request.app[CLOCK]()
    today = local_date(now)
    days = slots.STAFF_HORIZON_DAYS
    async with request.app[STORE].reading() as tx:
        if not for_staff:
            topic = await catalog.topic(tx, appointment.topic.key)
            days = topic.ways[appointment.way].horizon_days
        window = Window.around(
            forms.day(request.query.get("from", ""), local_date(appointment.span.start)),
            today,
            today + dt.timedelta(days=days),
        )
        key, near = (request.query.get(name, "")[:60] for name in ("site", "near"))
        offered = branches.offered(
            [] if for_staff else await branches.of(tx, appointment), near,
            last=branches.present(appointment), chosen=key,
        )  # fmt: skip
        site = await branches.chosen(tx, appointment, key)
        query = changes.elsewhere(
            appointment, window.first, window.last, site_id=site.id if site else None,
            for_staff=for_staff,
        )  # fmt: skip
        found, known = await familiar.find(request, tx, query, appointment, now)
    wanted = forms.day(request.query.get("day", ""), window.first)
    table = timetable(found, window, request.app[SETTINGS].timezone, wanted)
    return render(
        request, template, appointment=appointment, table=table, known=known,
        offered=offered, site=site,
    )  # fmt: skip


async def taken_page(
    request: web.Request,
    appointment: Appointment,
    start: dt.datetime,
    template: str,
    *,
    for_staff: bool = False,
    site_key: str = "",
) -> web.Response:
    """Answer 409 with the times nearest to the one that is gone."""
    now, date = request.app[CLOCK](), local_date(start)
    async with request.app[STORE].reading() as tx:
        site = await branches.chosen(tx, appointment, site_key)
        query = changes.elsewhere(
            appointment, date - _AROUND, date + _AROUND, site_id=site.id if site else None,
            for_staff=for_staff,
        )  # fmt: skip
        nearest = await slots.nearest(tx, query, start, now)
    return render(
        request, template, status=409, appointment=appointment, start=start, nearest=nearest,
        site=site,
    )  # fmt: skip


async def _own(request: web.Request) -> Appointment:
    async with request.app[STORE].reading() as tx:
        return await own_in(request, tx)


async def own_in(request: web.Request, tx: AsyncConnection) -> Appointment:
    """Return the appointment of the address; a companion's link opens the call only."""
    appointment, link = await links.opened(request, tx, request.match_info["token"])
    if link.part is not Part.CLAIMANT:
        raise NotFound
    return appointment


def _changeable(appointment: Appointment, now: dt.datetime) -> bool:
    return appointment.status is Status.BOOKED and now < appointment.span.start


def require_changeable(appointment: Appointment, now: dt.datetime) -> None:
    """Raise `Closed` once an appointment has begun, or where it was cancelled."""
    if not _changeable(appointment, now):
        raise Closed
