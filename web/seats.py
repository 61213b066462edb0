"""Moving a seat to another group session, for its claimant and for the office."""

from __future__ import annotations

from aiohttp import web

from scheduling import enrolment
from scheduling.model import Appointment, Change, SlotTaken
from web import forms
from web.keys import CLOCK, STORE
from web.telling import tell
from web.templating import render


async def choose(
    request: web.Request, appointment: Appointment, *, for_staff: bool, full: bool = False
) -> web.Response:
    """Show the other sessions of the topic that have a free seat; 409 after one was `full`."""
    async with request.app[STORE].reading() as tx:
        others = await enrolment.others(tx, appointment, request.app[CLOCK]())
    return render(
        request, "groups/move.html", status=409 if full else 200, appointment=appointment,
        others=others, for_staff=for_staff, full=full,
    )  # fmt: skip


async def move(
    request: web.Request, appointment: Appointment, *, actor: str, token: str = ""
) -> web.Response | None:
    """Move the seat to the chosen session; None when done, a page when no seat is free there."""
    chosen = forms.text(await request.post(), "session")
    if not (chosen.isascii() and chosen.isdecimal() and len(chosen) < 19):
        raise web.HTTPBadRequest
    for_staff, now = not token, request.app[CLOCK]()
    try:
        async with request.app[STORE].writing() as tx:
            moved = await enrolment.move(
                tx, appointment.id, int(chosen), actor=actor, now=now, for_staff=for_staff
            )
            if moved.session_id != appointment.session_id:
                await tell(request, tx, moved, Change.MOVED, actor=actor, token=token)
    except SlotTaken:
        return await choose(request, appointment, for_staff=for_staff, full=True)
    return None
