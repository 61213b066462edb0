"""One appointment on the console: look at it, move it, give it away, change its way, undo."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, catalog, changes, outbox, overview, slots
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    Kind,
    NotFound,
    Part,
    Resource,
    Slot,
    SlotTaken,
    Status,
    Way,
)
from scheduling.overview import DEVICES, ROOMS
from web import access, forms
from web.forms import Form
from web.keys import CLOCK, SETTINGS, STORE
from web.letters import LETTERS
from web.sign_in import Staff
from web.templating import render

_AROUND = dt.timedelta(days=7)
ANYBODY = "any"


class ChangedMeanwhile(Exception):
    """Somebody else has changed the appointment since the form was made."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """When, how, with whom and with what: what a change asks for. None of a thing: any."""

    start: dt.datetime
    way: Way
    caseworker_id: int | None
    room_id: int | None = None
    device_id: int | None = None

    @classmethod
    def of(cls, appointment: Appointment) -> Arrangement:
        """Return how an appointment stands now."""
        return cls(
            appointment.span.start, appointment.way, appointment.caseworker.id,
            appointment.room.id if appointment.room else None,
            appointment.device.id if appointment.device else None,
        )  # fmt: skip

    @classmethod
    def asked(cls, form: Form, now: Appointment, zone: ZoneInfo) -> Arrangement:
        """Read a form; what it does not name stays, save things that another way needs not."""
        way = next((way for way in now.topic.ways if way == forms.text(form, "way")), now.way)
        caseworker = forms.text(form, "caseworker")
        return cls(
            _start(form, zone) or now.span.start,
            way,
            None if caseworker == ANYBODY else _number(caseworker) or now.caseworker.id,
            _number(forms.text(form, "room")),
            _number(forms.text(form, "device")),
        )

    def fields(self) -> dict[str, str]:
        """Return the form fields that ask for this arrangement."""
        return {
            "start": self.start.isoformat(),
            "way": self.way,
            "caseworker": str(self.caseworker_id or ANYBODY),
            "room": str(self.room_id or ""),
            "device": str(self.device_id or ""),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """An arrangement with what follows from it for the search."""

    asked: Arrangement
    site_id: int | None
    without: frozenset[int]


async def show(request: web.Request) -> web.Response:
    """Show the appointment with every way to change it; after a change, with the undoing one."""
    staff, now = access.plan_reader(request), request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        appointment = await appointments.by_id(tx, _id_of(request))
        people = await _able(tx, appointment)
        site_id = appointment.site.id
        things = {
            "room": await catalog.resources(tx, site_id=site_id, kinds=ROOMS),
            "device": await catalog.resources(tx, site_id=site_id, kinds=DEVICES),
        }
        open_still = appointment.status is Status.BOOKED and appointment.span.end > now
        free = await _next_free(tx, appointment, now) if open_still else []
    done = request.query.get("done", "")
    return render(
        request,
        "plan/appointment.html",
        appointment=appointment,
        people=people,
        things=things,
        free=free,
        changeable=open_still and access.may_plan(staff),
        done=done if done in {"changed", "undone"} else "",
        undo=_undo(request) if access.may_plan(staff) else None,
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
    if _same(was, asked):
        raise web.HTTPSeeOther(address)
    try:
        await _carry_out(request, before, wanted, staff, now)
    except SlotTaken:
        return await _refused(request, before, wanted, now)
    except ChangedMeanwhile:
        raise web.HTTPSeeOther(address) from None
    done = "undone" if "undo" in form else "changed"
    raise web.HTTPSeeOther(f"{address}?done={done}&was={quote('~'.join(was.fields().values()))}")


async def _carry_out(
    request: web.Request, before: Appointment, wanted: Wanted, staff: Staff, now: dt.datetime
) -> None:
    actor = f"{staff.role}:{staff.id}"
    async with request.app[STORE].writing() as tx:
        present = await appointments.by_id(tx, before.id)
        if present.sequence != before.sequence:
            raise ChangedMeanwhile
        after = await booking.rearrange(
            tx, before.id, start=wanted.asked.start, way=wanted.asked.way,
            site_id=wanted.site_id, caseworker_id=wanted.asked.caseworker_id,
            without=wanted.without, actor=actor, now=now, for_staff=True,
        )  # fmt: skip
        await _write(request, tx, before, after, actor)


async def _write(
    request: web.Request, tx: AsyncConnection, before: Appointment, after: Appointment, actor: str
) -> None:
    told = _told(before, after)
    if told is None or not after.person.email:
        return
    now = request.app[CLOCK]()
    token = await booking.add_link(
        tx, after.id, part=Part.CLAIMANT, name=after.person.name, actor=actor, now=now
    )
    letter = request.app[LETTERS].to_claimant(after, told, token=token, now=now)
    await outbox.post(tx, after.person.email, letter, now)


def _told(before: Appointment, after: Appointment) -> Change | None:
    """Return what the claimant must learn of; which tablet is used is the office's affair."""
    if before.span.start != after.span.start:
        return Change.MOVED
    if before.way is not after.way or before.site != after.site:
        return Change.SHIFTED
    if before.caseworker != after.caseworker or before.room != after.room:
        return Change.REASSIGNED
    return None


async def _wanted(tx: AsyncConnection, asked: Arrangement) -> Wanted:
    """Find the site and what must not be chosen, so that exactly the named things are."""
    asked_for = (asked.caseworker_id, asked.room_id, asked.device_id)
    ids = {one for one in asked_for if one is not None}
    known = await catalog.resources_by_id(tx, ids)
    caseworker = _of_kind(known, asked.caseworker_id, Kind.CASEWORKER)
    room = _of_kind(known, asked.room_id, *ROOMS)
    device = _of_kind(known, asked.device_id, *DEVICES)
    without: frozenset[int] = frozenset()
    for thing in (room, device):
        if thing is not None:
            without |= await overview.alike(tx, thing)
    site_id = None
    if room is not None and asked.way in {Way.IN_PERSON, Way.BRANCH_VIDEO}:
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
        others = changes.elsewhere(appointment, date, way=asked.way, for_staff=True)
        options = await slots.options(tx, others, asked.start, now)
    named = next((one for one in people if one.id == asked.caseworker_id), None)
    return render(
        request, "plan/refused.html", status=409, appointment=appointment, asked=asked,
        named=named, unable=asked.caseworker_id is not None and named is None,
        past=asked.start < now, nearest=nearest,
        colleagues=[
            option.caseworker for option in options if option.caseworker.id != asked.caseworker_id
        ],
    )  # fmt: skip


async def _able(tx: AsyncConnection, appointment: Appointment) -> list[Resource]:
    """Return the caseworkers who advise on the topic, those of the same site first."""
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    able = [one for one in people if appointment.topic.skill in one.skills]
    return sorted(able, key=lambda one: (one.site_id != appointment.site.id, one.name))


async def _next_free(tx: AsyncConnection, appointment: Appointment, now: dt.datetime) -> list[Slot]:
    date = local_date(appointment.span.start)
    query = changes.elsewhere(
        appointment, date, date + _AROUND, caseworker_id=appointment.caseworker.id, for_staff=True
    )
    found = await slots.nearest(tx, query, appointment.span.start, now, 9)
    return [slot for slot in found if slot.start != appointment.span.start][:8]


def _undo(request: web.Request) -> dict[str, str] | None:
    """Return the fields that bring back what was, if the address tells of a change."""
    parts = request.query.get("was", "").split("~")
    names = ("start", "way", "caseworker", "room", "device")
    if len(parts) != len(names) or forms.start(parts[0]) is None or parts[1] not in set(Way):
        return None
    return dict(zip(names, parts, strict=True))


def _same(was: Arrangement, asked: Arrangement) -> bool:
    return (
        was.start == asked.start
        and was.way is asked.way
        and asked.caseworker_id in {None, was.caseworker_id}
        and asked.room_id in {None, was.room_id}
        and asked.device_id in {None, was.device_id}
    )


def _start(form: Form, zone: ZoneInfo) -> dt.datetime | None:
    """Read an instant, or a day and a time on the office's clocks."""
    typed = forms.text(form, "start") or f"{forms.text(form, 'day')}T{forms.text(form, 'time')}"
    try:
        start = dt.datetime.fromisoformat(typed)
    except ValueError:
        return None
    local = start if start.tzinfo else start.replace(tzinfo=zone)
    return local.astimezone(dt.UTC)


def _of_kind(known: dict[int, Resource], resource_id: int | None, *kinds: Kind) -> Resource | None:
    if resource_id is None:
        return None
    found = known.get(resource_id)
    if found is None or found.kind not in kinds:
        raise NotFound
    return found


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None


def _id_of(request: web.Request) -> int:
    return int(request.match_info["id"])
