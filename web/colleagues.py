"""Colleagues who take part in a consultation, as the console's forms choose and drop them."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from scheduling import appointments, together
from scheduling.model import Closed, Resource, Status
from web import access, forms
from web.forms import Form
from web.keys import CLOCK, STORE

MOST = 3
"""How many colleagues can be asked to one consultation."""


def chosen(form: Form, people: Sequence[Resource]) -> tuple[Resource, ...]:
    """Return who was chosen among `people`, each once; the fields are ``with_1`` and so on."""
    by_id = {str(one.id): one for one in people}
    asked = (by_id.get(forms.text(form, f"with_{number}")) for number in range(1, MOST + 1))
    return tuple({one.id: one for one in asked if one is not None}.values())


async def excuse(request: web.Request) -> web.Response:
    """Let a colleague take part no longer; a second tap changes nothing.

    The claimant gets no letter: their letters name the caseworker alone.
    """
    access.planner(request)
    person_id = int(request.match_info["person"])
    async with request.app[STORE].writing() as tx:
        appointment = await appointments.by_id(tx, int(request.match_info["id"]))
        if appointment.status is not Status.BOOKED:
            raise Closed
        if person_id in {one.id for one in await together.colleagues(tx, appointment.id)}:
            await together.excuse(tx, appointment, person_id, request.app[CLOCK]())
    raise web.HTTPSeeOther(f"/plan/appointments/{appointment.id}")
