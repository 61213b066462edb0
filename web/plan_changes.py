"""One appointment on the console: look at it, move it, give it away, change its way, undo."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import (
    appointments,
    booking,
    catalog,
    changes,
    outbox,
    overview,
    slots,
    suitable,
    together,
)
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Closed,
    Kind,
    NotFound,
    Resource,
    Slot,
    SlotTaken,
    Status,
    Way,
)
from scheduling.overview import ROOMS
from web import access, forms
from web.arrangement import Arrangement, undoing
from web.keys import CLOCK, SETTINGS, STORE
from web.sign_in import Staff
from web.telling import tell
from web.templating import render

_AROUND = dt.timedelta(days=7)


class ChangedMeanwhile(Exception):
    """Somebody else has changed the appointment since the form was made."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An arrangement with what follows from it for the search."""

    asked: Arrangement
    site_id: int | None
    without: frozenset[int]


async def show(request: web.Request) -> web.Response:
    """Show the appointment with every way to change it; after a change, with the undoing one."""
    return await panel(request, _id_of(request))


async def panel(
    request: web.Request, appointment_id: int, *, busy: Resource | None = None, status: int = 200
) -> web.Response:
    """Return the page of an appointment; where a colleague is `busy`, with times that suit all."""
    staff, now = access.plan_reader(request), request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        appointment = await appointments.by_id(tx, appointment_id)
        open_still = appointment.status is Status.BOOKED and appointment.span.end > now
        alone = open_still and appointment.session_id is None
        shown = {
            "people": await _able(tx, appointment),
            "taking_part": (taking_part := await together.colleagues(tx, appointment.id)),
            "not_asked": await _not_asked(tx, appointment, taking_part),
            "things": await _things(tx, appointment),
            "free": await _next_free(tx, appointment, busy, now) if alone else [],
            "sites": await catalog.sites(tx),
        }
    done = request.query.get("done", "")
    return render(
        request,
        "plan/appointment.html",
        status=status,
        appointment=appointment,
        **shown,
        busy=busy,
        changeable=open_still and access.may_plan(staff),
        done=done if done in {"changed", "undone", "marked"} else "",
        markable=appointment.status is not Status.CANCELLED and appointment.span.start <= now,
        undo_seconds=request.app[SETTINGS].undo_seconds,
        told=bool(request.query.get("told")),
        undo=undoing(request.query.get("was", "")) if access.may_plan(staff) else None,
        zone=request.app[SETTINGS].timezone,
    )


async def change(request: web.Request) -> web.Response:
    """Carry out a change, or say why not and offer what is possible instead."""
    staff, now = access.planner(request), request.app[CLOCK]()
    form = await request.post()
    async with request.app[STORE].reading() as tx:
        before = await appointments.by_id(tx, _id_of(request))
        asked = Arrangement.asked(form, before, request.app[SETTINGS].timezone)
        wanted = await _wanted(tx, asked)
    was = Arrangement.of(before)
    address = f"/plan/appointments/{before.id}"
    if before.status is not Status.BOOKED:
        raise Closed
    if forms.text(form, "sequence") not in {"", str(before.sequence)}:
        return render(request, "plan/meanwhile.html", status=409, appointment=before, asked=asked)
    if asked.asks_for_nothing(was):
        raise web.HTTPSeeOther(address)
    try:
        told = await _carry_out(request, before, wanted, staff, now)
    except SlotTaken:
        return await _refused(request, before, wanted, now)
    except ChangedMeanwhile:
        raise web.HTTPSeeOther(address) from None
    done = "undone" if "undo" in form else "changed"
    query = {"done": done, "told": "yes" if told else "", "was": "~".join(was.fields().values())}
    raise web.HTTPSeeOther(f"{address}?{urlencode(query)}")


async def _carry_out(
    request: web.Request, before: Appointment, wanted: Wanted, staff: Staff, now: dt.datetime
) -> bool:
    """Change the appointment; return whether anybody has to be told of it."""
    actor = f"{staff.role}:{staff.id}"
    async with request.app[STORE].writing() as tx:
        await changes.lock(tx, before.id)
        present = await appointments.by_id(tx, before.id)
        if present.sequence != before.sequence:
            raise ChangedMeanwhile
        told = await outbox.take_back(tx, before.id, now)
        after = await booking.rearrange(
            tx, before.id, start=wanted.asked.start, way=wanted.asked.way,
            site_id=wanted.site_id, caseworker_id=wanted.asked.caseworker_id,
            without=wanted.without, actor=actor, now=now, for_staff=True,
        )  # fmt: skip
        # What people know is what stood before the letters that have just been taken back.
        known = Arrangement.known(told) if told else Arrangement.of(before)
        news = Arrangement.of(after).news(known)
        if news is not None:
            until = now + dt.timedelta(seconds=request.app[SETTINGS].undo_seconds)
            wait = outbox.Wait(after.id, until, known.fields())
            await tell(request, tx, after, news, actor=actor, wait=wait)
        return news is not None


async def _wanted(tx: AsyncConnection, asked: Arrangement) -> Wanted:
    """Find the site and what must not be chosen, so that exactly the named things are."""
    asked_for = (asked.caseworker_id, asked.room_id, asked.tablet_id, asked.camera_id)
    ids = {one for one in asked_for if one is not None}
    known = await catalog.resources_by_id(tx, ids)
    caseworker = _of_kind(known, asked.caseworker_id, Kind.CASEWORKER)
    room = _of_kind(known, asked.room_id, *ROOMS)
    tablet = _of_kind(known, asked.tablet_id, Kind.TABLET)
    camera = _of_kind(known, asked.camera_id, Kind.CAMERA)
    without: frozenset[int] = frozenset()
    for thing in (room, tablet, camera):
        if thing is not None:
            without |= await overview.alike(tx, thing)
    site_id = None
    if asked.site_id is not None and asked.way in {Way.IN_PERSON, Way.BRANCH_VIDEO}:
        site_id = asked.site_id
    elif room is not None and asked.way in {Way.IN_PERSON, Way.BRANCH_VIDEO}:
        site_id = room.site_id
    elif caseworker is not None and asked.way is Way.IN_PERSON:
        site_id = caseworker.site_id
    return Wanted(asked, site_id, without)


async def _refused(
    request: web.Request, appointment: Appointment, wanted: Wanted, now: dt.datetime
) -> web.Response:
    """Answer 409: nothing has changed, who else could take it, and the nearest times."""
    asked = wanted.asked
    date = local_date(asked.start)
    async with request.app[STORE].reading() as tx:
        people = await _able(tx, appointment)
        near = changes.elsewhere(
            appointment, date - _AROUND, date + _AROUND, way=asked.way, site_id=wanted.site_id,
            caseworker_id=asked.caseworker_id, without=wanted.without, for_staff=True,
        )  # fmt: skip
        nearest = await slots.nearest(tx, near, asked.start, now)
        lack = None if nearest else await suitable.lack(tx, near)
        rooms = await catalog.resources_by_id(tx, [asked.room_id] if asked.room_id else [])
        others = changes.elsewhere(
            appointment, date, way=asked.way, site_id=asked.site_id, for_staff=True
        )
        options = await slots.options(tx, others, asked.start, now)
    named = next((one for one in people if one.id == asked.caseworker_id), None)
    return render(
        request, "plan/refused.html", status=409, appointment=appointment, asked=asked,
        named=named, unable=asked.caseworker_id is not None and named is None,
        past=asked.start < now, nearest=nearest, lack=lack,
        unsuitable=[room for room in rooms.values() if not near.features <= room.features],
        colleagues=[
            option.caseworker for option in options if option.caseworker.id != asked.caseworker_id
        ],
    )  # fmt: skip


async def _not_asked(
    tx: AsyncConnection, appointment: Appointment, taking_part: list[Resource]
) -> list[Resource]:
    """Return who could take part as well; nobody once there are as many as there may be."""
    if len(taking_part) >= together.MOST:
        return []
    there = {appointment.caseworker.id, *(one.id for one in taking_part)}
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    return [one for one in people if one.id not in there]


async def _able(tx: AsyncConnection, appointment: Appointment) -> list[Resource]:
    """Return the caseworkers who advise on the topic, those of the same site first."""
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    able = [one for one in people if appointment.topic.skill in one.skills]
    return sorted(able, key=lambda one: (one.site_id != appointment.site.id, one.name))


async def _things(
    tx: AsyncConnection, appointment: Appointment
) -> list[tuple[Kind, Resource, list[Resource]]]:
    """Return what it has of each kind, and what of its kind could be taken instead."""
    tablet, camera, at = Kind.TABLET, Kind.CAMERA, catalog.resources
    found = []
    if appointment.room:
        found.append((Kind.ROOM, appointment.room, await _suitable(tx, appointment)))
    if appointment.tablet:
        tablets = await at(tx, site_id=appointment.site.id, kinds=(tablet,))
        found.append((tablet, appointment.tablet, tablets))
    if appointment.camera:
        # The caseworker's house may be another one than the claimant's.
        cameras = await at(tx, site_id=appointment.caseworker.site_id, kinds=(camera,))
        found.append((camera, appointment.camera, cameras))
    return found


async def _suitable(tx: AsyncConnection, appointment: Appointment) -> list[Resource]:
    """Return the rooms of its site that have what it needs."""
    rooms = await catalog.resources(tx, site_id=appointment.site.id, kinds=ROOMS)
    return [room for room in rooms if appointment.features <= room.features]


async def _next_free(
    tx: AsyncConnection, appointment: Appointment, joining: Resource | None, now: dt.datetime
) -> list[Slot]:
    date = local_date(appointment.span.start)
    query = changes.elsewhere(
        appointment, date, date + _AROUND, caseworker_id=appointment.caseworker.id, for_staff=True
    )
    if joining is not None:
        query = replace(query, with_people=(joining.id,))
    found = await slots.nearest(tx, query, appointment.span.start, now, 9)
    return [slot for slot in found if slot.start != appointment.span.start][:8]


def _of_kind(known: dict[int, Resource], resource_id: int | None, *kinds: Kind) -> Resource | None:
    if resource_id is None:
        return None
    found = known.get(resource_id)
    if found is None or found.kind not in kinds:
        raise NotFound
    return found


def _id_of(request: web.Request) -> int:
    return int(request.match_info["id"])
