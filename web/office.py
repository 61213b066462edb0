"""The way into the master data: how much there is of everything, and what is missing."""

from __future__ import annotations

from aiohttp import web

from scheduling import catalog, doubts, overview, worklist
from scheduling.grid import local_date
from scheduling.loans import DEVICES
from scheduling.overview import PEOPLE
from scheduling.things import ROOMS
from web import access
from web.keys import CLOCK, STORE
from web.templating import render


async def show(request: web.Request) -> web.Response:
    """Show the parts of the master data with their numbers."""
    access.planner(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        office = await doubts.read(tx, local_date(now))
        topics, teams = await catalog.topics(tx), await overview.teams(tx)
        stranded = await worklist.stranded(tx, now)

    def count(*kinds: str) -> int:
        return sum(one.kind in kinds for one in office.resources)

    return render(
        request,
        "premises/office.html",
        office=office,
        topics=topics,
        teams=teams,
        people=count(*PEOPLE),
        rooms=count(*ROOMS),
        devices=count(*DEVICES),
        stranded=stranded,
        lacking={
            "sites": sum(1 for site in office.sites for _ in doubts.of_site(office, site, topics)),
            "topics": sum(1 for topic in topics for _ in doubts.of_topic(office, topic)),
        },
    )
