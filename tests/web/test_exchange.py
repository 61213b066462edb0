"""Import and export by the pages: nothing happens unseen, and nothing else than was shown."""

from __future__ import annotations

import io

from aiohttp import FormData
from sqlalchemy import update

from scheduling import people, schema
from scheduling.exchange_tables import BYTES_AT_MOST
from scheduling.pattern_problems import Flaw
from scheduling.people import Lack
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.test_staff import booked, signed_in
from tests.web.visitor import Page, Visitor
from web.csrf import FIELD
from web.exchange_words import PROBLEMS

LOOK = "/plan/exchange/caseworkers"
HEADER = "Site;Name;Skills;Languages;Active"


async def load(visitor: Visitor, action: str, content: bytes | str) -> Page:
    page = await visitor.get("/plan/exchange")
    form = FormData({FIELD: page.form(action).fields[FIELD]})
    file = io.BytesIO(content.encode() if isinstance(content, str) else content)
    form.add_field("file", file, filename="table.csv", content_type="text/csv")
    return await visitor.post(action, form)  # type: ignore[arg-type]


async def names(house: House) -> list[str]:
    async with house.store.reading() as tx:
        return [one.resource.name for one in await people.listed(tx)]


async def test_a_table_is_shown_first_and_then_imported_exactly_so(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    text = f"{HEADER}\nHaupthaus;Anna Neu;money;de|tr;yes\nHaupthaus;Person 0;money;de|fr;\n"

    shown = await load(scheduler, LOOK, text)
    before = await names(house)
    done = await scheduler.send(shown.form(f"{LOOK}/apply"))

    assert "2 records would change." in shown.text
    assert "<del>German</del>" in shown.text
    assert "<ins>German, French</ins>" in shown.text
    assert before == ["Person 0"]
    assert "2 records imported" in done.text
    assert await names(house) == ["Anna Neu", "Person 0"]


async def test_an_import_over_a_plan_that_changed_meanwhile_is_shown_anew(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    shown = await load(scheduler, LOOK, f"{HEADER}\nHaupthaus;Person 0;money;de|fr;\n")
    async with house.store.writing() as tx:
        await tx.execute(update(schema.resource).values(languages=["tr"]))

    page = await scheduler.send(shown.form(f"{LOOK}/apply"))
    done = await scheduler.send(page.form(f"{LOOK}/apply"))

    assert page.status == 409
    assert "The plan has changed since you looked." in page.text
    assert "<del>Turkish</del>" in page.text
    assert "1 record imported" in done.text


async def test_problems_are_told_by_line_and_column_and_nothing_can_be_imported(
    small_house: House,
) -> None:
    scheduler = await signed_in(small_house, "scheduler")

    page = await load(scheduler, LOOK, f"{HEADER}\nMond;A;money;de;\nHaupthaus;B;<i>;deutsch;\n")

    text = " ".join(page.text.split())
    assert page.status == 400
    assert "Line 2, Site:</strong> “Mond” is unknown. Known: Haupthaus." in text
    assert "Line 3, Skills:</strong> “&lt;i&gt;” is unknown." in text
    assert "Line 3, Languages:</strong> “deutsch” is no language." in text
    assert f"{LOOK}/apply" not in [form.action for form in page.forms]
    assert await names(small_house) == ["Person 0"]


async def test_hours_come_back_from_a_download_and_warn_of_appointments(
    house: House, clock: Clock
) -> None:
    await booked(house, clock, hour=9)
    scheduler = await signed_in(house, "scheduler")
    file = await scheduler.get("/plan/exchange/hours.csv")
    monday = next(line for line in file.text.splitlines() if "Monday" in line)

    same = await load(scheduler, "/plan/exchange/hours", file.text)
    shown = await load(
        scheduler, "/plan/exchange/hours",
        file.text.replace(monday, monday.replace("09:00", "10:00")),
    )  # fmt: skip
    done = await scheduler.send(shown.form("/plan/exchange/hours/apply"))

    assert file.headers["Content-Disposition"].endswith('"hours-2026-10-12.csv"')
    assert "There is nothing to import." in same.text
    assert "1 booked appointment would no longer fit" in shown.text
    assert "<del>Monday 09:00-12:00" in shown.text
    assert "1 booked appointment no longer fits" in done.text


async def test_without_a_file_or_with_too_large_a_one_it_is_said(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/exchange")).form(LOOK)

    missing = await scheduler.send(form)
    large = await load(scheduler, LOOK, b"x" * (BYTES_AT_MOST + 1))
    huge = await load(scheduler, LOOK, b"x" * 2_000_000)

    assert (missing.status, "Choose a file first." in missing.text) == (400, True)
    assert "The file is larger than 500 kB." in large.text
    assert huge.status == 413


async def test_what_is_sent_in_place_of_a_shown_table_is_refused(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    shown = await load(scheduler, LOOK, f"{HEADER}\nHaupthaus;Anna Neu;money;de;\n")
    form = shown.form(f"{LOOK}/apply")

    broken = await scheduler.send(form, content="not packed")
    other = await scheduler.send(form, shown="something else")

    assert broken.status == 400
    assert other.status == 409
    assert await names(small_house) == ["Person 0"]


async def test_only_schedulers_exchange_tables_and_others_send_short_forms(
    small_house: House,
) -> None:
    reception = await signed_in(small_house, "reception")
    stranger = small_house.visitor()

    assert (await reception.get("/plan/exchange")).status == 403
    assert (await reception.get("/plan/exchange/hours.csv")).status == 403
    assert (await stranger.get("/plan/exchange")).path == "/staff/sign-in"
    assert (await stranger.post(LOOK, {"content": "x" * 100_000})).status == 413


def test_every_problem_has_its_words() -> None:
    codes = [*(f"lack_{one}" for one in Lack), *(f"flaw_{one}" for one in Flaw)]

    assert [code for code in codes if code not in PROBLEMS] == []
