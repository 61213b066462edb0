"""Call pages: the door that somebody with a link stands before, the room, and both sockets."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, sessions
from scheduling.model import Appointment, Link, NotFound, Part, Status, Way
from signaling.frames import encode
from signaling.rooms import Identity, Role
from signaling.sockets import serve
from web.access import NotAllowed, appointment_for, may_consult, signed_in
from web.keys import CLOCK, ROOMS, SETTINGS, STORE
from web.links import opened
from web.settings import Settings
from web.sign_in import Staff
from web.templating import render

LATE_MINUTES = 30
"""How long after its planned end a consultation can still be joined."""

CALLED = frozenset({Way.VIDEO, Way.BRANCH_VIDEO})
"""The ways that take place in a call."""


_GROUP = "group-"


class Door(enum.StrEnum):
    """What somebody finds who opens their link; each value names its page's template."""

    OPEN = "room"
    EARLY = "early"
    OTHER_DAY = "other_day"
    LATE = "late"
    CANCELLED = "cancelled"
    ENDED = "ended"
    OTHER_WAY = "other_way"


class Reason(enum.StrEnum):
    """Why somebody is no longer in the room; each value names its page's template."""

    LEFT = "left"
    ENDED = "ended"
    DISMISSED = "dismissed"
    FULL = "full"


def opens_at(appointment: Appointment, settings: Settings) -> dt.datetime:
    """Return when the lobby of an appointment opens."""
    return appointment.span.start - dt.timedelta(minutes=settings.lobby_minutes)


def door(appointment: Appointment, settings: Settings, now: dt.datetime, *, live: bool) -> Door:
    """Tell what somebody finds at `now`; `live` when a caseworker has opened the room."""
    if appointment.status is Status.CANCELLED:
        return Door.CANCELLED
    if appointment.status is Status.ENDED:
        return Door.ENDED
    if appointment.way not in CALLED:
        return Door.OTHER_WAY
    if live:
        return Door.OPEN
    if now < opens_at(appointment, settings):
        zone = settings.timezone
        today = now.astimezone(zone).date() == appointment.span.start.astimezone(zone).date()
        return Door.EARLY if today else Door.OTHER_DAY
    closes = appointment.span.end + dt.timedelta(minutes=LATE_MINUTES)
    return Door.OPEN if now <= closes else Door.LATE


def room_of(appointment: Appointment) -> str:
    """Return the room in which an appointment takes place; a group has one for all seats."""
    if appointment.session_id is not None:
        return room_of_group(appointment.session_id)
    return str(appointment.id)


def room_of_group(session_id: int) -> str:
    """Return the room in which a group session by video takes place."""
    return f"{_GROUP}{session_id}"


async def empty_room(request: web.Request, appointment: Appointment) -> None:
    """End the call of an appointment that is off; the others of a group go on."""
    if appointment.session_id is None:
        await request.app[ROOMS].dismiss_all(room_of(appointment))


def subject_of(room: str) -> tuple[int | None, int | None]:
    """Return the appointment or the group session that takes place in a `room`."""
    if room.startswith(_GROUP):
        return None, int(room.removeprefix(_GROUP))
    return int(room), None


async def note_end(tx: AsyncConnection, room: str, *, actor: str, now: dt.datetime) -> None:
    """Note in the plan that the consultation in a `room` is over."""
    appointment_id, session_id = subject_of(room)
    if session_id is not None:
        await sessions.end(tx, session_id, actor=actor, now=now)
    elif appointment_id is not None:
        await booking.end(tx, appointment_id, actor=actor, now=now)


async def join(request: web.Request) -> web.Response:
    """Show the claimant, companion or interpreter the lobby, or why it is not open."""
    appointment, link = await _by_link(request)
    found = _door_of(request, appointment)
    token = request.match_info["token"]
    context: dict[str, Any] = {"appointment": appointment, "link": link, "token": token}
    if found is Door.OPEN:
        context |= {
            "role": Role.GUEST.value,
            "socket": f"/call/{token}/socket",
            "over": f"/call/{token}/over",
            "ice": _ice(request),
        }
    else:
        opens = opens_at(appointment, request.app[SETTINGS])
        left = (opens - request.app[CLOCK]()).total_seconds()
        context |= {"opens": opens, "seconds_left": max(0, int(left) + 1)}
        context["claimant"] = link.part is Part.CLAIMANT
    return render(request, f"call/{found}.html", **context)


async def join_socket(request: web.Request) -> web.StreamResponse:
    """Carry the signaling of somebody with a link."""
    appointment, link = await _by_link(request)
    if _door_of(request, appointment) is not Door.OPEN:
        raise web.HTTPForbidden
    identity = Identity(key=f"link:{link.id}", name=link.name, role=Role.GUEST)
    return await _serve(request, appointment, identity)


async def over(request: web.Request) -> web.Response:
    """Say goodbye to somebody with a link, and offer to come back while that is possible."""
    appointment, link = await _by_link(request)
    token = request.match_info["token"]
    try:
        reason = Reason(request.query.get("reason", ""))
    except ValueError:
        reason = Reason.LEFT
    if reason in {Reason.LEFT, Reason.FULL} and _door_of(request, appointment) is not Door.OPEN:
        raise web.HTTPSeeOther(f"/call/{token}")
    return render(
        request,
        f"call/{reason}.html",
        appointment=appointment,
        link=link,
        token=token,
        claimant=link.part is Part.CLAIMANT,
    )


async def consult(request: web.Request) -> web.Response:
    """Show the caseworker the consultation and who waits for it."""
    appointment, _staff = await _for_staff(request)
    if not _can_consult(appointment):
        raise web.HTTPSeeOther(f"/staff/appointments/{appointment.id}")
    day = appointment.span.start.astimezone(request.app[SETTINGS].timezone).date()
    return render(
        request,
        "call/room.html",
        appointment=appointment,
        role=Role.HOST.value,
        socket=f"/staff/appointments/{appointment.id}/socket",
        over=f"/staff/day/{day.isoformat()}",
        ice=_ice(request),
    )


async def consult_socket(request: web.Request) -> web.StreamResponse:
    """Carry the signaling of a caseworker."""
    appointment, staff = await _for_staff(request)
    if not _can_consult(appointment):
        raise web.HTTPForbidden
    identity = Identity(key=f"staff:{staff.id}", name=staff.name, role=Role.HOST)
    return await _serve(request, appointment, identity)


async def end(request: web.Request) -> web.Response:
    """End a consultation without being in it: it took place, and the room closes."""
    appointment, staff = await _for_staff(request)
    async with request.app[STORE].writing() as tx:
        actor, now = f"{staff.role}:{staff.id}", request.app[CLOCK]()
        await note_end(tx, room_of(appointment), actor=actor, now=now)
    await request.app[ROOMS].dismiss_all(room_of(appointment))
    raise web.HTTPSeeOther(f"/staff/appointments/{appointment.id}")


def _can_consult(appointment: Appointment) -> bool:
    return appointment.way in CALLED and appointment.status is Status.BOOKED


async def _by_link(request: web.Request) -> tuple[Appointment, Link]:
    async with request.app[STORE].reading() as tx:
        return await opened(request, tx, request.match_info["token"])


async def _for_staff(request: web.Request) -> tuple[Appointment, Staff]:
    staff = signed_in(request)
    if not may_consult(staff):
        raise NotAllowed
    number = request.match_info["id"]
    if not number.isascii() or not number.isdigit() or len(number) > 15:
        raise NotFound
    async with request.app[STORE].reading() as tx:
        return await appointment_for(tx, staff, int(number)), staff


def _door_of(request: web.Request, appointment: Appointment) -> Door:
    live = request.app[ROOMS].live(room_of(appointment))
    return door(appointment, request.app[SETTINGS], request.app[CLOCK](), live=live)


def _ice(request: web.Request) -> str:
    """Return how the page may reach the relay with its first offer, as the message `ice`."""
    return encode(request.app[ROOMS].turn.grant())


async def _serve(
    request: web.Request, appointment: Appointment, identity: Identity
) -> web.WebSocketResponse:
    origin = request.app[SETTINGS].public_url
    return await serve(request, request.app[ROOMS], room_of(appointment), identity, origin=origin)


ROUTES = (
    web.get("/call/{token}", join),
    web.get("/call/{token}/socket", join_socket),
    web.get("/call/{token}/over", over),
    web.get("/staff/appointments/{id}/call", consult),
    web.get("/staff/appointments/{id}/socket", consult_socket),
    web.post("/staff/appointments/{id}/end", end),
)
"""Every address of a call; `web.app` adds them."""
