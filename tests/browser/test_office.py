"""Absences, the rescue list, devices and figures in a real browser, for everybody and in time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, select

from benchmarks.served import emptied
from scheduling import booking, catalog, schema
from scheduling.grid import ZONE, Horizon
from scheduling.hours import public_holidays
from scheduling.model import Kind, Needs, Person, Way
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser.chromium import ALLOWED, LARGE_PRINT, Visitor, axe_violations, chromium
from tests.browser.office import CASEWORKER, PASSWORD, _row, add_caseworker, seed
from tests.browser.process import running, store_url_of
from tests.browser.staff import sign_in
from tests.browser.test_pages import SMALL_TARGETS

EMAIL = "planung@office.example"
COLLEAGUE = "Jana Colleague"
AFFECTED = 14
IN_TIME = 60.0  # seconds


@dataclass(frozen=True)
class Filled:
    """What the office holds: whose day is full, which day, and a tablet."""

    day: dt.date
    tablet: int
    store_url: str


async def letters(filled: Filled) -> int:
    """Return how many letters were written."""
    store = open_store(filled.store_url)
    async with store.reading() as tx:
        count = await tx.scalar(select(func.count()).select_from(schema.outbox))
    await store.close()
    return count


async def furnish(store_url: str) -> None:
    """Give the office a colleague, a tablet and somebody who plans."""
    store = open_store(store_url)
    await seed(store)
    async with store.writing() as tx:
        (caseworker,) = await catalog.resources(tx)
        await add_caseworker(tx, caseworker.site_id, COLLEAGUE)
        await _row(
            tx, schema.resource, site_id=caseworker.site_id, kind="tablet", name="Tablet 1",
            features=[], skills=[], languages=[], active=True,
        )  # fmt: skip
        await _row(
            tx, schema.staff, email=EMAIL, name="Einsatzplanung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
        )  # fmt: skip
    await store.close()


async def fill(store_url: str) -> Filled:
    """Book fourteen consultations with one caseworker on one day; a colleague is free."""
    await emptied(store_url)
    store = open_store(store_url)
    now = dt.datetime.now(dt.UTC)
    day = open_day(now.astimezone(ZONE).date())
    async with store.writing() as tx:
        await tx.execute(schema.closure.delete())
        people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
        (caseworker,) = (one for one in people if one.name == CASEWORKER)
        await catalog.changed(tx, caseworker.site_id)
        (tablet,) = await catalog.resources(tx, kinds=(Kind.TABLET,))
        topic = await catalog.topic(tx, "advice")
        for number in range(AFFECTED):
            await booking.book(
                tx, topic=topic, way=Way.VIDEO, site_id=None, locale="en", now=now, actor="test",
                start=dt.datetime.combine(day, dt.time(8 + number // 2, 30 * (number % 2)), ZONE),
                person=Person(f"Person {number + 1}", f"person{number + 1}@claimant.example"),
                needs=Needs(), caseworker_id=caseworker.id,
            )  # fmt: skip
    await store.close()
    return Filled(day, tablet.id, store_url)


def open_day(today: dt.date) -> dt.date:
    """Return the next day from tomorrow on that is no public holiday."""
    day = today + dt.timedelta(days=1)
    while public_holidays(Horizon(day, day), "BE"):
        day += dt.timedelta(days=1)
    return day


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Serve an office with two caseworkers and a tablet; yield its address and its store's."""
    # Nothing listens on port 9 (discard), so letters stay in the outbox.
    settings = {"ORGANIZER_EMAIL": "termine@office.example", "SMTP_PORT": "9"}
    folder = tmp_path_factory.mktemp("planned")
    with running(folder, settings, furnish) as (_server, url, _):
        yield url, store_url_of(folder)


@pytest.fixture
async def planned(house: tuple[str, str]) -> tuple[str, Filled]:
    """Give the office a full day and nothing else."""
    url, store_url = house
    return url, await fill(store_url)


@pytest.fixture(params=[(390, "light"), (1440, "dark")], ids=["phone", "desk-dark"])
async def scheduler(request: pytest.FixtureRequest, browser: Browser) -> Visitor:
    width, colours = request.param
    return await Visitor.with_browser(
        browser, viewport={"width": width, "height": 900}, color_scheme=colours
    )


@pytest.fixture(params=[390, 1440])
async def in_large_print(request: pytest.FixtureRequest) -> AsyncIterator[Visitor]:
    """Give a browser whose letters are twice as large as usual (WCAG 2.2, 1.4.4)."""
    async with chromium((*ALLOWED, LARGE_PRINT)) as browser:
        yield await Visitor.with_browser(browser, viewport={"width": request.param, "height": 900})


async def test_a_day_with_fourteen_appointments_is_rescued_in_under_a_minute_of_clicks(
    planned: tuple[str, Filled], browser: Browser
) -> None:
    url, filled = planned
    visitor = await Visitor.with_browser(browser)
    page = visitor.page
    await sign_in(page, url, EMAIL, PASSWORD)
    await page.goto(f"{url}/plan/closures")
    began = time.monotonic()

    await page.get_by_label("Who is away?").select_option(label=CASEWORKER)
    await page.get_by_label("First day").fill(filled.day.isoformat())
    await page.get_by_role("button", name="Save and show affected appointments").click()
    await expect(page.get_by_text(f"{AFFECTED} booked appointments cannot")).to_be_visible()
    await page.get_by_role("button", name="Carry out what is chosen").click()
    await expect(page.get_by_text(f"{AFFECTED} appointments rearranged")).to_be_visible()

    assert time.monotonic() - began < IN_TIME
    await expect(page.get_by_text("No appointment is affected")).to_be_visible()
    assert await letters(filled) == AFFECTED
    assert visitor.failures == []
    await visitor.context.close()


async def test_the_pages_around_the_plan_can_be_used_by_everybody(
    planned: tuple[str, Filled], scheduler: Visitor
) -> None:
    await every_page_looks_right(*planned, scheduler.page)

    assert scheduler.hosts() == {urlsplit(planned[0]).netloc}
    assert scheduler.failures == []


async def test_the_pages_around_the_plan_can_be_used_in_large_print(
    planned: tuple[str, Filled], in_large_print: Visitor
) -> None:
    await every_page_looks_right(*planned, in_large_print.page)


async def every_page_looks_right(url: str, filled: Filled, page: Page) -> None:
    """Go through all pages around the plan, with errors, entries and outcomes."""
    await sign_in(page, url, EMAIL, PASSWORD)
    for address in ("closures", "closures?form=place", "closures?form=site", "rescue"):
        await page.goto(f"{url}/plan/{address}")
        await looks_right(page)
    await page.goto(f"{url}/plan/closures")
    await page.get_by_role("button", name="Save and show").click()
    await looks_right(page)
    await page.get_by_label("Who is away?").select_option(label=CASEWORKER)
    await page.get_by_label("First day").fill(filled.day.isoformat())
    await page.get_by_role("button", name="Save and show").click()
    await looks_right(page)
    await page.get_by_role("button", name="Carry out what is chosen").click()
    await looks_right(page)
    week_later = filled.day + dt.timedelta(days=7)
    for address in (
        "closures", "devices", f"devices/{filled.tablet}", f"figures?until={week_later}",
        "figures?by=topic",
    ):  # fmt: skip
        await page.goto(f"{url}/plan/{address}")
        await looks_right(page)


async def looks_right(page: Page) -> None:
    """Check what holds for every page at every width."""
    assert await page.locator("h1").count() == 1
    assert await axe_violations(page) == []
    cut_off = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not cut_off, page.url
    assert await page.evaluate(SMALL_TARGETS) == []
