"""An earlier time: asking for one, and the page behind the link of an offer.

Opening the link changes nothing, since mail programs open links on their own; only the button
does. The same tap twice leads to the same appointment.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, offers, waitlist
from scheduling.model import Change, HoldExpired, NotFound, Part
from scheduling.offers import Offered, OfferGone
from scheduling.tokens import derive
from web import forms, limits
from web.appointment import own_in, require_changeable
from web.keys import CLOCK, STORE
from web.telling import tell
from web.templating import render

_PURPOSE = "link after an accepted offer"


async def wait(request: web.Request) -> web.Response:
    """Begin or stop to wait for an earlier time."""
    limits.take(request, limits.BOOKING)
    token, now = request.match_info["token"], request.app[CLOCK]()
    wanted = forms.text(await request.post(), "wait")
    if wanted not in {"yes", "no"}:
        raise web.HTTPBadRequest
    async with request.app[STORE].writing() as tx:
        appointment = await own_in(request, tx)
        if wanted == "yes":
            require_changeable(appointment, now)
            if appointment.session_id is not None:
                raise NotFound
            await waitlist.join(tx, appointment.id, now)
        else:
            await waitlist.leave(tx, appointment.id)
    done = "waiting" if wanted == "yes" else "stopped"
    raise web.HTTPSeeOther(f"/appointment/{token}?done={done}")


async def show(request: web.Request) -> web.Response:
    """Show the old and the new time, and until when the new one is kept."""
    token, now = request.match_info["token"], request.app[CLOCK]()
    limits.check(request, limits.GUESSING)
    async with request.app[STORE].reading() as tx:
        try:
            offered = await offers.read(tx, token, now)
        except OfferGone as gone:
            return await _gone(request, tx, gone.offered)
        except NotFound:
            limits.take(request, limits.GUESSING)
            raise
    return render(request, "earlier/offer.html", offered=offered)


async def answer(request: web.Request) -> web.Response:
    """Accept the earlier time, or give it back so that the next person gets it."""
    limits.take(request, limits.BOOKING)
    limits.check(request, limits.GUESSING)
    token, now = request.match_info["token"], request.app[CLOCK]()
    accepted = "accept" in await request.post()
    offered: Offered | None = None
    try:
        async with request.app[STORE].writing() as tx:
            offered = await offers.read(tx, token, now, lock=True)
            if accepted:
                await _accept(request, tx, token)
            else:
                await booking.release(tx, token, now)
    except NotFound:
        limits.take(request, limits.GUESSING)
        raise
    except (OfferGone, HoldExpired) as gone:
        last = gone.offered if isinstance(gone, OfferGone) else offered
        async with request.app[STORE].reading() as tx:
            return await _gone(request, tx, last)
    if accepted:
        raise web.HTTPSeeOther(f"/appointment/{derive(token, _PURPOSE)}?done=moved")
    return render(request, "earlier/declined.html", appointment=offered.appointment)


async def _accept(request: web.Request, tx: AsyncConnection, token: str) -> None:
    # The claimant's link is stored hashed, so the answer leads to a new one beside it. It
    # follows from the offer's token: whoever taps twice comes to the same page.
    now, own = request.app[CLOCK](), derive(token, _PURPOSE)
    moved = await waitlist.accept(tx, token, actor=booking.CLAIMANT, now=now)
    await booking.add_link(
        tx, moved.id, part=Part.CLAIMANT, name=moved.person.name, actor=booking.CLAIMANT,
        now=now, token=own,
    )  # fmt: skip
    await tell(request, tx, moved, Change.MOVED, actor=booking.CLAIMANT, token=own)


async def _gone(request: web.Request, tx: AsyncConnection, offered: Offered | None) -> web.Response:
    """Say that the time is no longer kept; lead whoever took it to their appointment."""
    own = derive(request.match_info["token"], _PURPOSE)
    try:
        await appointments.by_token(tx, own, request.app[CLOCK]())
    except NotFound:
        appointment = offered.appointment if offered else None
        return render(request, "earlier/gone.html", status=410, appointment=appointment)
    raise web.HTTPSeeOther(f"/appointment/{own}")
