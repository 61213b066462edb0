"""What each role of the office may see and do. Every staff page asks here, nothing else does."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog
from scheduling.model import Appointment, Kind, NotFound, Resource
from web.keys import STAFF
from web.sign_in import Staff, StaffRole


class SignInNeeded(Exception):
    """Nobody is signed in."""


class NotAllowed(Exception):
    """Whoever is signed in may not do this."""


def signed_in(request: web.Request) -> Staff:
    """Return who is signed in, or raise `SignInNeeded`."""
    staff = request[STAFF]
    if staff is None:
        raise SignInNeeded
    return staff


def planner(request: web.Request) -> Staff:
    """Return who is signed in if they run the plan; raises `SignInNeeded` or `NotAllowed`."""
    staff = signed_in(request)
    if not may_plan(staff):
        raise NotAllowed
    return staff


def plan_reader(request: web.Request) -> Staff:
    """Return who is signed in if they may look into the whole plan; caseworkers may not."""
    staff = signed_in(request)
    if staff.role is StaffRole.CASEWORKER:
        raise NotAllowed
    return staff


def may_plan(staff: Staff) -> bool:
    """Schedulers and administrators change the plan; all others do not."""
    return staff.role in {StaffRole.SCHEDULER, StaffRole.ADMIN}


async def own_place(tx: AsyncConnection, staff: Staff) -> Resource | None:
    """Return the caseworker's place in the plan; None for those who do not advise."""
    if staff.resource_id is None:
        return None
    for resource in await catalog.resources(tx, kinds=(Kind.CASEWORKER,)):
        if resource.id == staff.resource_id:
            return resource
    return None


def may_see(staff: Staff, place: Resource | None, appointment: Appointment) -> bool:
    """Caseworkers see their own site's appointments and their own; all others see every one."""
    if staff.role is not StaffRole.CASEWORKER:
        return True
    if place is None:
        return False
    return appointment.site.id == place.site_id or appointment.caseworker.id == place.id


def may_consult(staff: Staff) -> bool:
    """Reception prepares consultations but does not enter them."""
    return staff.role is not StaffRole.RECEPTION


async def appointment_for(tx: AsyncConnection, staff: Staff, appointment_id: int) -> Appointment:
    """Return an appointment `staff` may see; `NotFound` where there is none or they may not."""
    appointment = await appointments.by_id(tx, appointment_id)
    if not may_see(staff, await own_place(tx, staff), appointment):
        raise NotFound
    return appointment
