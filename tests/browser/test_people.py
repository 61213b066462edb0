"""People, their hours, import and export in a real browser: usable by everybody, at any width."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from scheduling import catalog, people, schema
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser.chromium import Visitor
from tests.browser.office import CASEWORKER, PASSWORD, _row, seed
from tests.browser.process import running
from tests.browser.staff import sign_in
from tests.browser.test_office import EMAIL, looks_right

TABLE = "Site;Name;Skills;Languages\n{site};Anna Neu;{skill};de|tr\n"


async def fill(store_url: str) -> tuple[int, str]:
    """Make the office with a scheduler; return its caseworker's id and its site's name."""
    store = open_store(store_url)
    await seed(store)
    async with store.writing() as tx:
        (caseworker,) = await people.listed(tx)
        await _row(
            tx, schema.staff, email=EMAIL, name="Einsatzplanung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
        )  # fmt: skip
        (site,) = await catalog.sites(tx)
    await store.close()
    return caseworker.resource.id, site.name


@pytest.fixture
def office_of_people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int, str]]:
    """Serve an office with one caseworker and a scheduler."""
    settings = {"ORGANIZER_EMAIL": "termine@office.example", "SMTP_PORT": "9"}
    folder = tmp_path_factory.mktemp("people")
    with running(folder, settings, fill) as (_server, url, (caseworker, site)):
        yield url, caseworker, site


@pytest.fixture(params=[(390, "light"), (1440, "dark")], ids=["phone", "desk-dark"])
async def scheduler(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Visitor]:
    width, colours = request.param
    visitor = await Visitor.with_browser(
        browser, viewport={"width": width, "height": 900}, color_scheme=colours
    )
    yield visitor
    await visitor.context.close()


async def test_people_and_their_tables_can_be_kept_by_everybody(
    office_of_people: tuple[str, int, str], scheduler: Visitor
) -> None:
    url, caseworker, site = office_of_people
    page = scheduler.page
    await sign_in(page, url, EMAIL, PASSWORD)
    for address in ("", "?show=left", "/new", f"/{caseworker}", f"/{caseworker}/retire"):
        await page.goto(f"{url}/plan/people{address}")
        await looks_right(page)
    await _add_somebody_with_phone_hours(page, url)
    await _two_save_the_same_entry(page, url, caseworker)
    await _load_a_table(page, url, site)

    assert scheduler.hosts() == {urlsplit(url).netloc}
    assert scheduler.failures == []


async def _add_somebody_with_phone_hours(page: Page, url: str) -> None:
    await page.goto(f"{url}/plan/people/new")
    await page.get_by_role("button", name="Add and go on to the hours").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await looks_right(page)
    await page.get_by_label("Name", exact=True).fill("Jana Neu")
    await page.get_by_label("advice:").check()
    await page.get_by_role("button", name="Add and go on to the hours").click()
    await page.get_by_role("link", name="Add phone hours").click()
    await page.get_by_role("button", name="Save").click()
    await looks_right(page)
    await page.get_by_label("Monday").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The hours are saved.")).to_be_visible()
    await page.get_by_role("link", name="Change").click()
    await looks_right(page)
    await page.get_by_label("On this day only").check()
    await page.get_by_role("button", name="Drop these hours").click()
    await expect(page.get_by_text("The hours are saved.")).to_be_visible()
    await looks_right(page)


async def _two_save_the_same_entry(page: Page, url: str, caseworker: int) -> None:
    address = f"{url}/plan/people/{caseworker}"
    somebody = await Visitor.beside(page)
    other = somebody.page
    for one in (page, other):
        await one.goto(address)
    await other.get_by_label("Turkish").check()
    await other.get_by_role("button", name="Save").click()
    await somebody.context.close()
    await page.get_by_label("Name", exact=True).fill(f"{CASEWORKER}-Neu")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Somebody else has changed this meanwhile")).to_be_visible()
    await looks_right(page)
    await page.get_by_role("button", name="Save this choice").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{CASEWORKER}-Neu")
    await expect(page.get_by_label("Turkish")).to_be_checked()


async def _load_a_table(page: Page, url: str, site: str) -> None:
    for skill in ("juggling", "advice"):
        await page.goto(f"{url}/plan/exchange")
        await looks_right(page)
        table = TABLE.format(site=site, skill=skill).encode()
        await page.locator("#file-caseworkers").set_input_files(
            {"name": "table.csv", "mimeType": "text/csv", "buffer": table}
        )
        await page.get_by_role("button", name="Check the file").first.click()
        await looks_right(page)
    await page.get_by_role("button", name="Carry out 1 change").click()
    await expect(page.get_by_text("1 record imported")).to_be_visible()
