"""The forms of the master data in a real browser: from an entry to the booking page, for all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from scheduling import schema
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser.chromium import Visitor
from tests.browser.office import PASSWORD, _row, seed
from tests.browser.process import running
from tests.browser.staff import sign_in
from tests.browser.test_office import looks_right

EMAIL = "planung@office.example"


@dataclass(frozen=True)
class Served:
    """Where the office is served."""

    url: str


async def fill(store_url: str) -> None:
    """Make the small office, with a scheduler."""
    store = open_store(store_url)
    await seed(store)
    async with store.writing() as tx:
        await _row(
            tx, schema.staff, email=EMAIL, name="Einsatzplanung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
        )  # fmt: skip
    await store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an office that is still to be built up."""
    # Nothing listens on port 9 (discard), so letters stay in the outbox.
    settings = {"ORGANIZER_EMAIL": "termine@office.example", "SMTP_PORT": "9"}
    with running(tmp_path_factory.mktemp("records"), settings, fill) as (_server, url, _):
        yield Served(url)


@pytest.fixture(params=[(390, "light"), (1440, "dark")], ids=["phone", "desk-dark"])
async def scheduler(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Visitor]:
    width, colours = request.param
    visitor = await Visitor.with_browser(
        browser, viewport={"width": width, "height": 900}, color_scheme=colours
    )
    yield visitor
    await visitor.context.close()


async def test_what_is_entered_can_be_booked_and_every_page_can_be_used_by_everybody(
    served: Served, scheduler: Visitor
) -> None:
    page, name = scheduler.page, f"Room {scheduler.page.viewport_size['width']}"
    await sign_in(page, served.url, EMAIL, PASSWORD)
    await page.goto(f"{served.url}/plan")
    await _to_master_data(page)
    await looks_right(page)

    await _add_room(page, name)
    await _add_topic(page, f"Topic for {name}")
    await page.goto(served.url)
    await page.get_by_role("link", name=f"Topic for {name}").click()
    await expect(page.locator("button.time").first).to_be_visible()
    await _change_site(page, served.url)

    assert scheduler.hosts() == {urlsplit(served.url).netloc}
    assert scheduler.failures == []


async def _add_room(page: Page, name: str) -> None:
    await page.get_by_role("link", name="Rooms and devices").click()
    await looks_right(page)
    await page.get_by_role("link", name="Add a room").click()
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await looks_right(page)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Site", exact=True).select_option(label="Hauptstelle")
    await page.get_by_label("Step-free").check()
    await page.get_by_label("Hearing loop").check()
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("link", name=name)).to_be_visible()
    await page.get_by_role("link", name=name).click()
    await looks_right(page)
    await page.get_by_role("link", name="Retire").click()
    await looks_right(page)
    await page.get_by_role("link", name="Keep it").click()


async def _to_master_data(page: Page) -> None:
    menu = page.get_by_role("button", name="Menu")
    if await menu.is_visible():
        await menu.click()
    await page.get_by_role("link", name="Master data").click()


async def _add_topic(page: Page, title: str) -> None:
    await _to_master_data(page)
    await page.get_by_role("link", name="Topics").click()
    await looks_right(page)
    await page.get_by_role("link", name="Add a topic").click()
    german = page.get_by_role("group", name="German")
    await german.get_by_label("Plain title").fill(title)
    await german.get_by_label("Official name").fill(title)
    await page.get_by_label("Skill").fill("unknown")
    await page.get_by_role("checkbox", name="In person").check()
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_text("No caseworker at any site has this skill")).to_be_visible()
    await looks_right(page)
    await page.get_by_label("Skill").fill("advice")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await expect(page.get_by_text("Open points")).to_be_hidden()


async def _change_site(page: Page, url: str) -> None:
    address = f"{url}/plan/sites"
    await page.goto(address)
    await looks_right(page)
    await page.get_by_role("link", name="Hauptstelle").click()
    await looks_right(page)
    # Somebody else changes the site while this form is open.
    somebody = await Visitor.beside(page)
    other = somebody.page
    await other.goto(page.url)
    telephone = (
        "030 901821"
        if "21" not in await other.get_by_label("Phone").input_value()
        else ("030 901822")
    )
    await other.get_by_label("Phone number").fill(telephone)
    await other.get_by_role("button", name="Save").click()
    await somebody.context.close()
    await page.get_by_label("Monday, opens, 1.").fill("00:00")
    await page.get_by_label("Monday, closes, 1.").fill("23:55")
    await page.get_by_label("Urgent reserve opens at").fill("08:03")
    await page.get_by_role("button", name="Save").click()
    await looks_right(page)
    await page.get_by_label("Urgent reserve opens at").fill("08:05")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Somebody else has changed this meanwhile")).to_be_visible()
    await looks_right(page)
    await page.get_by_role("button", name="Save this choice").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    await looks_right(page)
