"""The office's day: signing in, the day view, its print, and who is waiting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, seats
from scheduling.grid import local_date
from scheduling.model import Appointment, Resource, Site, Status
from scheduling.seats import GroupSession
from signaling.rooms import Rooms, Waiting
from web import access, agenda, forms, limits, session
from web.calls import room_of
from web.keys import CLOCK, ROOMS, SIGN_IN, STAFF, STORE
from web.sign_in import Staff, StaffRole
from web.templating import render

_ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose appointments a day view shows: one caseworker's, one site's, or all."""

    own: bool
    site: Site | None
    sites: tuple[Site, ...]
    place: Resource | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody in the video lobby of an appointment."""

    appointment: Appointment
    waiting: Waiting


async def show_sign_in(request: web.Request) -> web.Response:
    """Show the form; somebody who is signed in goes on to their day."""
    if request[STAFF] is not None:
        raise web.HTTPSeeOther("/staff")
    next_page = _local_path(request.query.get("next", ""))
    return render(request, "staff/sign_in.html", next_page=next_page, email="", refused=False)


async def sign_in(request: web.Request) -> web.Response:
    """Open a session, or say that name and password do not fit together."""
    limits.take(request, limits.SIGNING_IN)
    form = await request.post()
    email, password = forms.text(form, "email"), form.get("password", "")
    next_page = _local_path(forms.text(form, "next"))
    token = None
    if isinstance(password, str) and email and password:
        now = request.app[CLOCK]()
        token = await request.app[SIGN_IN].by_password(email.lower(), password, now)
    if token is None:
        return render(
            request, "staff/sign_in.html", status=403, next_page=next_page, email=email,
            refused=True,
        )  # fmt: skip
    response = web.HTTPSeeOther(next_page)
    session.keep(request, response, token)
    raise response


async def sign_out(request: web.Request) -> web.Response:
    """End the session."""
    await request.app[SIGN_IN].forget(session.session_token(request))
    response = web.HTTPSeeOther("/staff/sign-in")
    session.drop(request, response)
    raise response


async def today(request: web.Request) -> web.Response:
    """Show today."""
    return await _day_page(request, local_date(request.app[CLOCK]()), "staff/day.html")


async def show_day(request: web.Request) -> web.Response:
    """Show the day of the address."""
    return await _day_page(request, _date_of(request), "staff/day.html")


async def print_day(request: web.Request) -> web.Response:
    """Show the day as a sheet for printing, by time and topic."""
    return await _day_page(request, _date_of(request), "staff/print.html")


async def _day_page(request: web.Request, date: dt.date, template: str) -> web.Response:
    staff = access.signed_in(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        scope = await _scope(tx, request, staff)
        listed = await _appointments(tx, date, scope)
        gathered = await _sessions(tx, date, scope)
        if date == local_date(now):
            today_there = listed
        else:
            today_there = await _appointments(tx, local_date(now), scope)
    return render(
        request,
        template,
        date=date,
        today=local_date(now),
        yesterday=date - _ONE_DAY,
        tomorrow=date + _ONE_DAY,
        scope=scope,
        query=f"?{request.query_string}" if request.query_string else "",
        appointments=listed,
        entries=agenda.entries(listed, gathered),
        arrivals=arrivals(request.app[ROOMS], today_there),
        now=now,
        may_consult=access.may_consult(staff),
    )


def arrivals(rooms: Rooms, listed: Iterable[Appointment]) -> list[Arrival]:
    """Return who waits in the video lobbies of those appointments, the longest wait first."""
    # All seats of a group lead into one room: whoever waits there is shown once.
    lobbies = {
        room_of(one): one for one in [*listed][::-1] if one.status is Status.BOOKED
    }  # fmt: skip
    found = [
        Arrival(appointment, waiting)
        for room, appointment in lobbies.items()
        for waiting in rooms.waiting(room)
    ]
    return sorted(found, key=lambda arrival: arrival.waiting.since)


async def _scope(tx: AsyncConnection, request: web.Request, staff: Staff) -> Scope:
    sites = tuple(await catalog.sites(tx))
    place = await access.own_place(tx, staff)
    if staff.role is StaffRole.CASEWORKER:
        home = tuple(site for site in sites if place and site.id == place.site_id)
        own = request.query.get("scope") != "site"
        return Scope(own, home[0] if home else None, home, place)
    wanted = request.query.get("site", "")
    site = next((site for site in sites if site.key == wanted), None)
    return Scope(own=False, site=site, sites=sites, place=place)


async def _appointments(tx: AsyncConnection, date: dt.date, scope: Scope) -> list[Appointment]:
    if scope.own:
        if scope.place is None:
            return []
        return await appointments.day(tx, date, caseworker_id=scope.place.id)
    return await appointments.day(tx, date, site_id=scope.site.id if scope.site else None)


async def _sessions(tx: AsyncConnection, date: dt.date, scope: Scope) -> list[GroupSession]:
    if scope.own:
        return await seats.day(tx, date, caseworker_id=scope.place.id) if scope.place else []
    return await seats.day(tx, date, site_id=scope.site.id if scope.site else None)


def _date_of(request: web.Request) -> dt.date:
    try:
        return dt.date.fromisoformat(request.match_info["date"])
    except ValueError:
        raise web.HTTPNotFound from None


def _local_path(wanted: str) -> str:
    """Return the page to go on to, within the staff pages only: no open redirect."""
    inside = session.is_staff_page(wanted)
    plain = "\\" not in wanted and "//" not in wanted and not wanted.startswith("/staff/sign-")
    return wanted if inside and plain else "/staff"
