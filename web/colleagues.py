"""Colleagues who take part in a consultation, as the console's forms choose and drop them."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, changes, together
from scheduling.model import Appointment, Closed, Kind, NotFound, Resource, SlotTaken, Status
from web import access, forms, plan_changes
from web.forms import Form
from web.keys import CLOCK, STORE


def chosen(form: Form, people: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return who was chosen among `people`, each once; the fields are ``with_1`` and so on."""
    by_id = {str(one.id): one for one in people}
    asked = (
        by_id.get(forms.text(form, f"with_{number}")) for number in range(1, together.MOST + 1)
    )
    return tuple({one.id: one for one in asked if one is not None}.values())


async def ask(request: web.Request) -> web.Response:
    """Let a colleague take part in what is booked, or say that they are not free then."""
    actor, form = _actor(request), await request.post()
    try:
        async with request.app[STORE].writing() as tx:
            appointment = await _open(request, tx)
            joining = await _joining(tx, forms.text(form, "person"))
            taking_part = {one.id for one in await together.colleagues(tx, appointment.id)}
            if joining.id not in taking_part | {appointment.caseworker.id}:
                if len(taking_part) >= together.MOST:
                    raise web.HTTPBadRequest
                now = request.app[CLOCK]()
                await together.invite(tx, appointment, [joining.id], actor, now)
    except SlotTaken:
        return await plan_changes.panel(request, appointment.id, busy=joining, status=409)
    raise web.HTTPSeeOther(f"/plan/appointments/{appointment.id}")


async def excuse(request: web.Request) -> web.Response:
    """Let a colleague take part no longer; a second tap changes nothing.

    The claimant gets no letter: their letters name the caseworker alone.
    """
    actor, person_id = _actor(request), int(request.match_info["person"])
    async with request.app[STORE].writing() as tx:
        appointment = await _open(request, tx)
        if person_id in {one.id for one in await together.colleagues(tx, appointment.id)}:
            await together.excuse(tx, appointment, person_id, actor, request.app[CLOCK]())
    raise web.HTTPSeeOther(f"/plan/appointments/{appointment.id}")


def _actor(request: web.Request) -> str:
    staff = access.planner(request)
    return f"{staff.role}:{staff.id}"


async def _open(request: web.Request, tx: AsyncConnection) -> Appointment:
    """Return the appointment, kept from other changes. Raises `Closed` when it is not to come."""
    appointment_id = int(request.match_info["id"])
    await changes.lock(tx, appointment_id)
    appointment = await appointments.by_id(tx, appointment_id)
    if appointment.status is not Status.BOOKED or appointment.session_id is not None:
        raise Closed
    return appointment


async def _joining(tx: AsyncConnection, asked: str) -> Resource:
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    found = next((one for one in people if str(one.id) == asked), None)
    if found is None:
        raise NotFound
    return found
