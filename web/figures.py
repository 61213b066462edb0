"""The figures of the plan: charts and tables on a page, and the same as a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, disclosure, figures
from scheduling.figures import By, Figures, Line
from scheduling.grid import local_date
from scheduling.hours import Release
from scheduling.model import Site, Way
from web import access, forms
from web.keys import CLOCK, LOCALE, SETTINGS, STORE
from web.templating import render
from web.translations import DEFAULT, N_

_BEFORE = dt.timedelta(weeks=4)

GROUPS: Mapping[By, str] = {
    By.WEEK: N_("Week"),
    By.SITE: N_("Site"),
    By.TEAM: N_("Team"),
    By.TOPIC: N_("Topic"),
}


RELEASES: Mapping[Release, str] = {
    Release.ONLINE: N_("For online booking"),
    Release.RECEPTION: N_("For reception"),
    Release.URGENT: N_("Urgent reserve"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the figures is asked for: by what, of which days, of which site."""

    by: By
    first: dt.date
    last: dt.date
    site: Site | None


async def show(request: web.Request) -> web.Response:
    """Show charts and tables."""
    access.plan_reader(request)
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
        asked = await _asked(tx, request)
        found = await _read(tx, request, asked)
    return render(
        request,
        "office/figures.html",
        section="figures",
        asked=asked,
        groups=GROUPS,
        releases=RELEASES,
        sites=sites,
        found=found,
        most=max([line.appointments or 0 for line in found.lines], default=0),
        fewest=disclosure.FEWEST,
        kept=request.app[SETTINGS].retention_days,
    )


async def download(request: web.Request) -> web.Response:
    """Give the same figures as a file of comma separated values (RFC 4180)."""
    access.plan_reader(request)
    async with request.app[STORE].reading() as tx:
        asked = await _asked(tx, request)
        found = await _read(tx, request, asked)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerows(_cells(found, asked, request.get(LOCALE, DEFAULT)))
    name = f"figures-{asked.by}-{asked.first}-{asked.last}.csv"
    return web.Response(
        # The byte order mark tells spreadsheets that it is UTF-8.
        body=table.getvalue().encode("utf-8-sig"),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _asked(tx: AsyncConnection, request: web.Request) -> Asked:
    today = local_date(request.app[CLOCK]())
    wanted = request.query.get("by", "")
    first = _sane(forms.day(request.query.get("from", ""), today - _BEFORE), today)
    last = _sane(forms.day(request.query.get("until", ""), max(today, first)), today)
    sites = await catalog.sites(tx)
    site = next((one for one in sites if one.key == request.query.get("site")), None)
    by = By(wanted) if wanted in {*By} else By.WEEK
    return Asked(by, *disclosure.whole_weeks(first, last), site)


def _sane(day: dt.date, today: dt.date) -> dt.date:
    furthest = dt.timedelta(days=5 * 366)
    return min(max(day, today - furthest), today + furthest)


async def _read(tx: AsyncConnection, request: web.Request, asked: Asked) -> Figures:
    site_id = asked.site.id if asked.site else None
    now = request.app[CLOCK]()
    return await figures.read(tx, asked.by, asked.first, asked.last, now, site_id=site_id)


def _cells(found: Figures, asked: Asked, language: str) -> Iterator[list[str]]:
    yield [
        asked.by, "appointments", "utilisation", "lead_days_median", "missed_share",
        "cancelled_share", "notice_hours_median", *Way,
        *(f"{part}_{release}" for release in Release for part in ("hours", "booked_share")),
    ]  # fmt: skip
    for line in found.lines:
        name = line.name.get(language) or line.name.get(DEFAULT, "")
        yield [line.week.isoformat() if line.week else _plain(name), *_numbers(line, asked)]
    yield ["", *_numbers(found.total, asked)]


def _numbers(line: Line, asked: Asked) -> Iterator[str]:
    yield _number(line.appointments)
    yield "" if asked.by is By.TOPIC else _number(line.utilisation)
    for value in (line.lead_days, line.missed, line.cancelled, line.notice_hours):
        yield _number(value)
    for way in Way:
        yield _number(line.ways[way])
    for release in Release:
        yield f"{line.released[release].hours:.1f}"
        yield _number(line.released[release].share)


def _number(value: float | None) -> str:
    if value is None:
        return f"<{disclosure.FEWEST}"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _plain(name: str) -> str:
    # A spreadsheet takes a cell that begins like this for a formula.
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
