"""Choosing what to come for, how and when: the first three pages of a booking."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, slots
from scheduling.grid import local_date
from scheduling.model import Site, Slot
from web import branches, forms
from web.keys import CLOCK, SETTINGS, STORE
from web.templating import render
from web.timetable import WINDOW_DAYS, Timetable, Window, timetable
from web.wish import Wish, bookable_topic, wish_for


async def choose_topic(request: web.Request) -> web.Response:
    """Show what people come for, in plain words."""
    async with request.app[STORE].reading() as tx:
        topics = [
            topic for topic in await catalog.topics(tx) if topic.ways and topic.audience == "public"
        ]
    return render(request, "booking/topics.html", topics=topics)


async def choose_way(request: web.Request) -> web.Response:
    """Show how this topic can be advised on; skip the page where there is one way only."""
    async with request.app[STORE].reading() as tx:
        topic = await bookable_topic(tx, request.match_info["topic"])
    if topic.in_groups:
        raise web.HTTPSeeOther(f"/groups/{topic.key}")
    if len(topic.ways) == 1:
        raise web.HTTPSeeOther(f"/book/{topic.key}/{next(iter(topic.ways))}")
    return render(request, "booking/ways.html", topic=topic)


async def choose_time(request: web.Request) -> web.Response:
    """Show the free times of two weeks, by site where people have to come."""
    now = request.app[CLOCK]()
    today = local_date(now)
    async with request.app[STORE].reading() as tx:
        wish = await wish_for(tx, request.match_info["topic"], request.match_info["way"], "")
        horizon = today + dt.timedelta(days=wish.topic.ways[wish.way].horizon_days)
        window = Window.around(forms.day(request.query.get("from", ""), today), today, horizon)
        key, near = (request.query.get(name, "")[:60] for name in ("site", "near"))
        sites = await catalog.sites(tx) if wish.at_site else []
        offered = branches.offered(sites, near, chosen=key)
        places = await _places(tx, wish, offered.sites, window, now)
        site, found = _choose_place(places, key)
        if not found:
            window, found = await _next_window(tx, wish, site, window, now)
    wanted = forms.day(request.query.get("day", ""), window.first)
    return render(
        request,
        "booking/times.html",
        wish=Wish(wish.topic, wish.way, site),
        places=places,
        offered=offered,
        table=_laid_out(request, found, window, wanted),
    )


async def _places(
    tx: AsyncConnection, wish: Wish, sites: Sequence[Site], window: Window, now: dt.datetime
) -> list[tuple[Site | None, list[Slot]]]:
    """Return the free times of each site that has some; of all together where nobody travels."""
    if not wish.at_site:
        return [(None, await _free(tx, wish, None, window, now))]
    places = [(site, await _free(tx, wish, site, window, now)) for site in sites]
    return [(site, found) for site, found in places if found] or [(sites[0] if sites else None, [])]


async def _free(
    tx: AsyncConnection, wish: Wish, site: Site | None, window: Window, now: dt.datetime
) -> list[Slot]:
    query = slots.SlotQuery(
        wish.topic, wish.way, window.first, window.last, site.id if site else None
    )
    return await slots.find(tx, query, now)


def _choose_place(
    places: list[tuple[Site | None, list[Slot]]], key: str
) -> tuple[Site | None, list[Slot]]:
    return next((place for place in places if place[0] and place[0].key == key), places[0])


async def _next_window(
    tx: AsyncConnection, wish: Wish, site: Site | None, window: Window, now: dt.datetime
) -> tuple[Window, list[Slot]]:
    """Go on to the first two weeks that have free times, if the office offers any."""
    if window.later is None:
        return window, []
    rest = slots.SlotQuery(
        wish.topic, wish.way, window.later, window.horizon, site.id if site else None
    )
    found = await slots.find(tx, rest, now)
    if not found:
        return window, []
    first = local_date(found[0].start)
    moved = Window.around(first, window.today, window.horizon)
    ends = found[0].start + dt.timedelta(days=WINDOW_DAYS - 1)
    return moved, [slot for slot in found if slot.start < ends]


def _laid_out(
    request: web.Request, found: list[Slot], window: Window, wanted: dt.date
) -> Timetable:
    return timetable(found, window, request.app[SETTINGS].timezone, wanted)
