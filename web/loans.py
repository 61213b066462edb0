"""Tablets and cameras: who has which, hand-out and return, also by scanning a device's code."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass

import segno
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, device_uses, loans, seats
from scheduling.device_uses import Use
from scheduling.grid import ZONE
from scheduling.loans import DEVICES, AlreadyOut, Loan
from scheduling.model import Appointment, Kind, NotFound, Resource, Site
from web import access, forms
from web.forms import FieldError, Form
from web.keys import CLOCK, SETTINGS, STORE
from web.rescue import actor_of, tell
from web.sign_in import Staff, StaffRole
from web.templating import Blank, render
from web.translations import N_

_HOME_BY = dt.time(18)
_LONGEST = dt.timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Device:
    """A device with its house, who has it, and what it is booked for next."""

    resource: Resource
    site: Site
    loan: Loan | None
    overdue: bool
    uses: Sequence[Use]


async def show(request: web.Request) -> web.Response:
    """Show all devices: who has them now and what they are booked for next."""
    staff = access.signed_in(request)
    async with request.app[STORE].reading() as tx:
        devices = await _devices(tx, request.app[CLOCK]())
        helped = await _uses(tx, request.query.get("helped", ""))
        stuck = await _uses(tx, request.query.get("stuck", ""))
        may_open = _may_lend(staff)
    return render(
        request,
        "office/devices.html",
        section="devices",
        devices=sorted(devices, key=lambda one: not one.overdue),
        overdue=sum(one.overdue for one in devices),
        helped=helped,
        stuck=stuck,
        covered="helped" in request.query,
        may_lend=may_open,
    )


async def show_device(request: web.Request) -> web.Response:
    """Show one device with the button that fits: hand it out, or take it back."""
    return await _page(request)


async def code(request: web.Request) -> web.Response:
    """Draw the QR code that opens the device's page on a phone."""
    access.signed_in(request)
    async with request.app[STORE].reading() as tx:
        device = await _device(tx, request)
    address = f"{request.app[SETTINGS].public_url}/plan/devices/{device.id}"
    drawing = io.BytesIO()
    segno.make_qr(address, error="m").save(
        drawing, kind="svg", scale=4, light="#fff", svgns=True, xmldecl=False
    )
    return web.Response(body=drawing.getvalue(), content_type="image/svg+xml")


async def hand_out(request: web.Request) -> web.Response:
    """Note who takes the device, and until when."""
    staff = access.signed_in(request)
    form, now = await request.post(), request.app[CLOCK]()
    due, errors = _due(form, now)
    try:
        async with request.app[STORE].writing() as tx:
            device = await _device(tx, request)
            borrower = await _borrower(tx, staff, form)
            if borrower is None:
                errors.insert(0, FieldError("borrower", N_("Choose who takes the device.")))
            if errors or borrower is None or due is None:
                return await _page(request, errors=errors, form=form)
            await loans.hand_out(tx, device.id, borrower.id, due, now)
    except AlreadyOut:
        return await _page(request, already_out=True, form=form)
    raise web.HTTPSeeOther(f"/plan/devices/{device.id}?done=out")


async def take_back(request: web.Request) -> web.Response:
    """Note that the device is back; a second tap changes nothing."""
    staff = access.signed_in(request)
    async with request.app[STORE].writing() as tx:
        device = await _device(tx, request)
        loan = await _loan(tx, device.id)
        if loan is not None:
            if not _may_return(staff, loan):
                raise access.NotAllowed
            await loans.take_back(tx, device.id, request.app[CLOCK]())
    raise web.HTTPSeeOther(f"/plan/devices/{device.id}?done=back")


async def cover(request: web.Request) -> web.Response:
    """Give the next appointment of every overdue device another one, or list it."""
    staff = access.plan_reader(request)
    now, actor = request.app[CLOCK](), actor_of(staff)
    async with request.app[STORE].writing() as tx:
        late = {loan.device.id for loan in await loans.out(tx) if loan.due_at <= now}
        before = {
            booked.id: booked
            for uses in (await device_uses.upcoming(tx, late, now)).values()
            for booked in uses
            if isinstance(booked, Appointment)
        }
        helped, stuck = await loans.cover_overdue(tx, now, actor=actor)
        for after in helped:
            # Which device it is matters to nobody outside; another room does.
            if isinstance(after, Appointment):
                known = before.get(after.id)
                if known is None or known.room != after.room or known.site != after.site:
                    await tell(request, tx, after, actor)
    raise web.HTTPSeeOther(f"/plan/devices?helped={_named(helped)}&stuck={_named(stuck)}")


async def _page(
    request: web.Request,
    *,
    errors: Sequence[FieldError] = (),
    already_out: bool = False,
    form: Form | None = None,
) -> web.Response:
    staff = access.signed_in(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        wanted = await _device(tx, request)
        device = next(one for one in await _devices(tx, now) if one.resource.id == wanted.id)
        people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
        own = await access.own_place(tx, staff)
    usual = _usual_return(now)
    typed = {
        name: forms.text(form or {}, name) or default
        for name, default in (
            ("borrower", ""),
            ("day", usual.date().isoformat()),
            ("time", f"{usual:%H:%M}"),
        )
    }
    return render(
        request,
        "office/device.html",
        status=409 if already_out else 400 if errors else 200,
        section="devices",
        device=device,
        people=sorted(people, key=lambda one: (one.site_id != wanted.site_id, one.name)),
        own=own,
        may_lend=_may_lend(staff),
        may_return=device.loan is not None and _may_return(staff, device.loan),
        errors=errors,
        already_out=already_out,
        message_of=Blank({error.field: error.message for error in errors}),
        typed=Blank(typed),
        done=request.query.get("done", ""),
    )


async def _devices(tx: AsyncConnection, now: dt.datetime) -> list[Device]:
    known = await catalog.resources(tx, kinds=DEVICES)
    sites = {site.id: site for site in await catalog.sites(tx)}
    out = {loan.device.id: loan for loan in await loans.out(tx)}
    uses = await device_uses.upcoming(tx, [one.id for one in known], now)
    return [
        Device(
            one,
            sites[one.site_id],
            out.get(one.id),
            one.id in out and out[one.id].due_at <= now,
            uses[one.id],
        )
        for one in known
    ]


async def _device(tx: AsyncConnection, request: web.Request) -> Resource:
    wanted = int(request.match_info["id"])
    for device in await catalog.resources(tx, kinds=DEVICES):
        if device.id == wanted:
            return device
    raise NotFound


async def _loan(tx: AsyncConnection, device_id: int) -> Loan | None:
    return next((loan for loan in await loans.out(tx) if loan.device.id == device_id), None)


async def _borrower(tx: AsyncConnection, staff: Staff, form: Form) -> Resource | None:
    """Return who takes it: caseworkers only themselves, the others whom they name."""
    if not _may_lend(staff):
        own = await access.own_place(tx, staff)
        if own is None:
            raise access.NotAllowed
        return own
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    wanted = forms.text(form, "borrower")
    return next((one for one in people if str(one.id) == wanted), None)


def _may_lend(staff: Staff) -> bool:
    return staff.role is not StaffRole.CASEWORKER


def _may_return(staff: Staff, loan: Loan) -> bool:
    return _may_lend(staff) or loan.borrower.id == staff.resource_id


def _usual_return(now: dt.datetime) -> dt.datetime:
    local = now.astimezone(ZONE)
    today = dt.datetime.combine(local.date(), _HOME_BY, ZONE)
    if local + dt.timedelta(hours=1) < today:
        return today
    return dt.datetime.combine(local.date() + dt.timedelta(days=1), _HOME_BY, ZONE)


def _due(form: Form, now: dt.datetime) -> tuple[dt.datetime | None, list[FieldError]]:
    try:
        day = dt.date.fromisoformat(forms.text(form, "day"))
    except ValueError:
        return None, [FieldError("day", N_("Enter a day, for example 2026-11-23."))]
    try:
        time = dt.time.fromisoformat(forms.text(form, "time"))
    except ValueError:
        return None, [FieldError("time", N_("Enter a time, for example 14:30."))]
    try:
        due = dt.datetime.combine(day, time.replace(tzinfo=None), ZONE).astimezone(dt.UTC)
    except OverflowError:
        return None, [FieldError("day", N_("Check the year of this day."))]
    if due <= now:
        return None, [FieldError("day", N_("The device must come back later than now."))]
    if due - now > _LONGEST:
        return None, [FieldError("day", N_("This is more than a year ahead. Check the year."))]
    return due, []


def _named(uses: Sequence[Use]) -> str:
    """Name appointments by their numbers, and group sessions by theirs after a letter."""
    letters = ("" if isinstance(one, Appointment) else "g" for one in uses)
    return ",".join(f"{letter}{one.id}" for letter, one in zip(letters, uses, strict=True))


async def _uses(tx: AsyncConnection, named: str) -> list[Use]:
    """Read what `_named` has named."""
    some = [one for one in named.split(",") if one.isascii() and len(one) <= 18]
    alone = [int(one) for one in some if one.isdigit()]
    groups = [int(one[1:]) for one in some if one[:1] == "g" and one[1:].isdigit()]
    return [*await appointments.by_ids(tx, alone), *await seats.by_ids(tx, groups)]
