"""Import and export of the plan's people, hours and resources as tables for spreadsheets.

A file is first only looked at: the page shows what it would change, and carries the file itself,
so that one button does exactly that.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from scheduling import exchange, exchange_tables
from scheduling.exchange import COLUMNS, NEEDED, Preview, Sort, Stale
from scheduling.exchange_words import COLUMNS as COLUMN_WORDS
from scheduling.grid import local_date
from web import access, exchange_words, forms, people_form
from web.keys import CLOCK, LOCALE, STAFF, STORE
from web.people import SECTION
from web.people_form import Sent
from web.templating import render
from web.translations import N_

SORTS: Mapping[Sort, str] = {
    Sort.CASEWORKERS: N_("Caseworkers"),
    Sort.HOURS: N_("Working hours"),
    Sort.RESOURCES: N_("Rooms, counters, devices and interpreters"),
}

_FORM_BYTES = 1_000_000
_ADDRESS = "/plan/exchange/"


@web.middleware
async def accept_tables(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take forms as large as a table from whoever is signed in; all others are kept short."""
    wanted = request.method == "POST" and request.path.startswith(_ADDRESS)
    if wanted and request.get(STAFF) is not None:
        request = request.clone(client_max_size=_FORM_BYTES)
    return await handler(request)


async def show(request: web.Request) -> web.Response:
    """Offer the tables, and a form to load each."""
    access.planner(request)
    return _page(request)


async def download(request: web.Request) -> web.Response:
    """Give a table as a file."""
    access.planner(request)
    sort = _sort(request)
    async with request.app[STORE].reading() as tx:
        content = await exchange.export(tx, sort, request[LOCALE])
    name = f"{sort}-{local_date(request.app[CLOCK]())}.csv"
    return web.Response(
        body=content,
        content_type="text/csv",
        charset="utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def look(request: web.Request) -> web.Response:
    """Show what a file would change, and everything that is wrong with it."""
    access.planner(request)
    sort, content = _sort(request), _file(await request.post())
    if content is None:
        return _page(request, missing=sort)
    async with request.app[STORE].writing() as tx:
        preview = await exchange.preview(tx, sort, content, request.app[CLOCK]())
        offered = await people_form.choices(tx)
    return _preview(request, preview, content, offered, status=400 if preview.problems else 200)


async def apply(request: web.Request) -> web.Response:
    """Do exactly what was shown, or show again what has become of it."""
    access.planner(request)
    form, sort = await request.post(), _sort(request)
    content = _unpacked(str(form.get("content", "")))
    try:
        async with request.app[STORE].writing() as tx:
            offered = await people_form.choices(tx)
            done = await exchange.apply(
                tx, sort, content, forms.text(form, "shown"), request.app[CLOCK]()
            )
    except Stale as stale:
        return _preview(request, stale.preview, content, offered, status=409)
    said = {"done": sort, "count": len(done.steps), "listed": done.stranded}
    raise web.HTTPSeeOther("/plan/exchange?" + urlencode(said))


def _page(request: web.Request, *, missing: Sort | None = None) -> web.Response:
    asked = request.query
    message = N_("Choose a file first.")
    return render(
        request,
        "people/exchange.html",
        status=400 if missing else 200,
        section=SECTION,
        sorts=SORTS,
        columns={sort: _columns(sort, request[LOCALE]) for sort in Sort},
        missing=missing,
        errors=[forms.FieldError(f"file-{missing}", message)] if missing else [],
        done=next((sort for sort in Sort if sort == asked.get("done")), None),
        count=_count(asked.get("count", "")),
        listed=_count(asked.get("listed", "")),
    )


def _preview(
    request: web.Request,
    preview: Preview,
    content: bytes,
    offered: people_form.Choices,
    *,
    status: int,
) -> web.Response:
    language = request[LOCALE]
    return render(
        request,
        "people/import.html",
        status=status,
        section=SECTION,
        sort=preview.sort,
        heading=SORTS[preview.sort],
        stale=status == 409,
        preview=preview,
        problems=[exchange_words.problem(one, language) for one in preview.problems],
        steps=[exchange_words.step(one, offered, language) for one in preview.steps],
        content=_packed(content) if not preview.problems else "",
    )


def _columns(sort: Sort, language: str) -> list[tuple[str, bool]]:
    """Return each column's name and whether it must be there."""
    return [
        (COLUMN_WORDS.say(column, language), column in NEEDED[sort]) for column in COLUMNS[sort]
    ]


def _sort(request: web.Request) -> Sort:
    return Sort(request.match_info["sort"])


def _file(form: Sent) -> bytes | None:
    found = form.get("file")
    if not isinstance(found, web.FileField) or not found.filename:
        return None
    with found.file as file:
        # One byte more than is allowed tells that there is too much.
        return file.read(exchange_tables.BYTES_AT_MOST + 1)


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _unpacked(value: str) -> bytes:
    try:
        packed = base64.b64decode(value, validate=True)
        return zlib.decompressobj().decompress(packed, exchange_tables.BYTES_AT_MOST + 1)
    except (binascii.Error, ValueError, zlib.error):
        raise web.HTTPBadRequest from None


def _count(value: str) -> int:
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 0


_ONE = r"/plan/exchange/{sort:caseworkers|hours|resources}"

ROUTES = [
    web.get("/plan/exchange", show),
    web.get(_ONE + ".csv", download),
    web.post(_ONE, look),
    web.post(_ONE + "/apply", apply),
]
