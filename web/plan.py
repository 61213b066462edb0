"""The schedulers' console: everybody and everything of a day or week, and where to find whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, hours, overview
from scheduling.grid import Horizon, local_date
from scheduling.model import Appointment, Kind, Site, Way
from scheduling.overview import DEVICES, PEOPLE, ROOMS, Lane, Overview, Team
from scheduling.seats import GroupSession
from web import access, closures, forms
from web.keys import CLOCK, STORE
from web.plan_drawing import HOURS, Drawing, is_closed_by
from web.templating import render
from web.translations import N_

KINDS: Mapping[str, tuple[Kind, ...]] = {
    "all": tuple(Kind),
    "people": PEOPLE,
    "rooms": ROOMS,
    "devices": DEVICES,
}
KIND_NAMES = {
    "all": N_("People, rooms and devices"),
    "people": N_("People"),
    "rooms": N_("Rooms and counters"),
    "devices": N_("Devices"),
}
_MANY_SITES = 4
"""From so many sites on, the console opens with the first alone."""


@dataclass(frozen=True, slots=True)
class View:
    """What the console shows, as its address says it. No `site` means all."""

    date: dt.date
    week: bool
    kind: str
    site: Site | None
    team: Team | None
    way: Way | None

    @property
    def horizon(self) -> Horizon:
        """The day, or the week from Monday to Sunday."""
        if not self.week:
            return Horizon(self.date, self.date)
        monday = self.date - dt.timedelta(days=self.date.weekday())
        return Horizon(monday, monday + dt.timedelta(days=6))

    @property
    def query(self) -> str:
        """The address's query, from the question mark on."""
        fields = {
            "date": self.date.isoformat(),
            "span": "week" if self.week else "day",
            "kind": self.kind,
            "site": self.site.key if self.site else "all",
            "team": str(self.team.id) if self.team else "",
            "way": self.way or "",
        }
        return "?" + urlencode({name: value for name, value in fields.items() if value})

    def later(self, steps: int) -> View:
        """Return the same some days or weeks on."""
        return replace(self, date=self.date + dt.timedelta(days=steps * (7 if self.week else 1)))

    def on(self, date: dt.date) -> View:
        """Return the same on another day."""
        return replace(self, date=date)

    def over(self, *, week: bool) -> View:
        """Return the same over a week or a day."""
        return replace(self, week=week)


async def show(request: web.Request) -> web.Response:
    """Show the timeline and, beneath it, the same as a list; with ``q`` what was found."""
    staff = access.plan_reader(request)
    now = request.app[CLOCK]()
    asked = forms.text(request.query, "q")
    async with request.app[STORE].reading() as tx:
        sites, teams = await catalog.sites(tx), await overview.teams(tx)
        view = _view(request, sites, teams)
        seen = await _read(tx, view, now)
        closed = await closures.lines(tx, seen.closures)
        found = await overview.search(tx, asked) if asked else []
    return render(
        request,
        "plan/show.html",
        view=view,
        overview=seen,
        groups=[*_groups(seen, closed)],
        sites=sites,
        teams=teams,
        kinds=KIND_NAMES,
        hours_said=HOURS,
        today=local_date(now),
        holidays=_holidays(view, seen),
        may_plan=access.may_plan(staff),
        asked=asked,
        found=found,
    )


async def timeline(request: web.Request) -> web.Response:
    """Answer with what the timeline draws, as JSON; times are those of the office's clocks."""
    staff = access.plan_reader(request)
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        sites, teams = await catalog.sites(tx), await overview.teams(tx)
        view = _view(request, sites, teams)
        seen = await _read(tx, view, now)
    drawing = Drawing(request, seen, several_sites=len(sites) > 1)
    opens, closes = drawing.hours()
    body = {
        "resources": [drawing.lane(lane) for lane in seen.lanes],
        "events": [
            *(drawing.booked(one, movable=access.may_plan(staff), now=now) for one in seen.booked),
            *drawing.gatherings(),
            *drawing.held(),
            *drawing.closures(),
        ],
        "hours": [*drawing.hours_off(), *drawing.hours_without_visits()],
        "opens": f"{opens:02}:00",
        "closes": f"{closes:02}:00",
    }
    return web.json_response(body, headers={"Cache-Control": "no-store"})


def _view(request: web.Request, sites: list[Site], teams: list[Team]) -> View:
    asked = request.query
    today = local_date(request.app[CLOCK]())
    site = next((site for site in sites if site.key == asked.get("site", "")), None)
    if site is None and asked.get("site") != "all" and len(sites) >= _MANY_SITES:
        site = sites[0]
    return View(
        forms.day(asked.get("date", ""), today),
        asked.get("span") == "week",
        asked.get("kind", "") if asked.get("kind") in KINDS else "all",
        site,
        next((team for team in teams if str(team.id) == asked.get("team")), None),
        next((way for way in Way if way == asked.get("way")), None),
    )


async def _read(tx: AsyncConnection, view: View, now: dt.datetime) -> Overview:
    return await overview.overview(
        tx, view.horizon, now, kinds=KINDS[view.kind],
        site_id=view.site.id if view.site else None,
        team_id=view.team.id if view.team else None, way=view.way,
    )  # fmt: skip


def _holidays(view: View, seen: Overview) -> dict[dt.date, str]:
    """Return the public holidays at any of the sites that are shown."""
    states = {lane.site.state for lane in seen.lanes}
    return {
        date: name
        for state in sorted(states)
        for date, name in hours.named_holidays(view.horizon, state).items()
    }


def _groups(
    seen: Overview, lines: Sequence[closures.Line]
) -> Iterator[tuple[Lane, list[Appointment], list[GroupSession], list[closures.Line]]]:
    """Yield each lane with what is on it, for the list."""
    for lane in seen.lanes:
        booked = [one.appointment for one in seen.booked if lane.resource.id in one.resource_ids]
        closed = [one for one in lines if is_closed_by(lane, one.closed)]
        together = [one.session for one in seen.gatherings if lane.resource.id in one.resource_ids]
        yield lane, booked, together, closed
