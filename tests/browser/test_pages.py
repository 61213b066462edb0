"""Every page in a real browser: nothing for axe to find, nothing from elsewhere, nothing cut off."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from scheduling.grid import ZONE
from tests.browser.chromium import Visitor, axe_violations
from tests.browser.office import CLAIMANT, Office
from tests.browser.staff import sign_in, signed_in

WIDTHS = (390, 1440)

SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, summary, select, input")]
  .filter((element) => {
    const box = element.getBoundingClientRect();
    const inline = element.matches(".kern-link") && element.closest("p, dd, .letter");
    const stretched = element.matches(".kern-link--stretched, .agenda-link, .skip-link");
    const labelled = ["checkbox", "radio", "hidden"].includes(element.type);
    return box.height && box.height < 44 && !inline && !stretched && !labelled;
  })
  .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(params=WIDTHS)
async def visitor(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Visitor]:
    visitor = await Visitor.with_browser(browser, viewport={"width": request.param, "height": 900})
    yield visitor
    await visitor.context.close()


async def test_the_pages_of_a_booking_can_be_used_by_everybody(
    office: Office, visitor: Visitor
) -> None:
    page = visitor.page
    await page.goto(office.url)
    await looks_right(page)
    await page.get_by_role("link", name="I have a question").click()
    await looks_right(page)
    await (
        page.get_by_role("link", name="In person")
        .or_(page.get_by_role("link", name="By video"))
        .last.click()
    )
    await looks_right(page)
    await page.locator("button.time").nth(3).click()
    await looks_right(page)
    await page.get_by_role("button", name="Confirm appointment").click()
    await looks_right(page)
    await page.get_by_label("First and last name").fill(CLAIMANT.name)
    await page.get_by_label("E-mail address").fill(CLAIMANT.email)
    await page.get_by_role("button", name="Confirm appointment").click()
    await looks_right(page)
    own = page.url.split("?")[0]
    for step in ("/move", "/cancel"):
        await page.goto(own + step)
        await looks_right(page)
    await page.get_by_role("button", name="Yes, cancel appointment").click()
    await looks_right(page)

    assert visitor.hosts() == {urlsplit(office.url).netloc}
    assert visitor.failures == []


async def test_the_pages_of_the_office_can_be_used_by_everybody(
    office: Office, visitor: Visitor
) -> None:
    call = await office.book_call()
    page = visitor.page
    await page.goto(f"{office.url}/staff")
    await looks_right(page)
    await sign_in(page, office.url)
    await looks_right(page)
    own = f"{office.url}/staff/appointments/{call.appointment_id}"
    for address in (own, f"{own}/move", f"{own}/cancel"):
        await page.goto(address)
        await looks_right(page)
    await page.goto(own)
    await page.get_by_text("Add companion or interpreter").click()
    await page.get_by_role("button", name="Add").click()
    await looks_right(page)
    await page.goto(f"{office.url}/staff")
    await page.get_by_role("link", name="Print", exact=True).click()
    await looks_right(page)

    assert visitor.hosts() == {urlsplit(office.url).netloc}
    assert visitor.failures == []


@pytest.mark.parametrize("path", ["/privacy", "/accessibility", "/imprint", "/no-such-page"])
async def test_the_other_pages_can_be_used_by_everybody(
    office: Office, visitor: Visitor, path: str
) -> None:
    await visitor.page.goto(office.url + path)

    await looks_right(visitor.page)


async def test_dark_colours_have_enough_contrast(office: Office, browser: Browser) -> None:
    visitor = await Visitor.with_browser(browser, color_scheme="dark")
    page = visitor.page
    await page.goto(office.url)
    await looks_right(page)
    await page.get_by_role("link", name="I have a question").click()
    await page.get_by_role("link", name="By video").click()
    await looks_right(page)
    await page.locator("button.time").nth(3).click()
    await page.get_by_role("button", name="Confirm appointment").click()

    await looks_right(page)


async def test_the_way_to_a_time_can_be_gone_by_keyboard_alone(
    office: Office, browser: Browser
) -> None:
    visitor = await Visitor.with_browser(browser)
    page = visitor.page
    await page.goto(office.url)

    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/book/advice$"))


async def test_errors_take_the_focus_and_lead_to_their_fields(
    office: Office, browser: Browser
) -> None:
    visitor = await Visitor.with_browser(browser)
    page = visitor.page
    await page.goto(f"{office.url}/book/advice/phone")
    await page.locator("button.time").nth(3).click()

    await page.get_by_role("button", name="Confirm appointment").click()

    await expect(page.get_by_role("alert")).to_be_focused()
    await page.get_by_role("link", name="Enter the phone number").click()
    await expect(page.get_by_label("Phone number")).to_be_focused()


async def test_the_day_view_shows_who_waits_without_being_reloaded(
    office: Office, browser: Browser
) -> None:
    now = dt.datetime.now(ZONE)
    # Shortly after midnight the usual call would have begun on the day before.
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    call = await office.book_call(max(now - dt.timedelta(minutes=5), midnight))
    caseworker = await signed_in(browser, office)
    claimant = await Visitor.with_browser(browser)
    await caseworker.page.goto(f"{office.url}/staff")
    lobby = caseworker.page.get_by_role("region", name="Waiting in the video lobby")

    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.phase("lobby")

    await expect(lobby).to_contain_text(CLAIMANT.name)
    await expect(lobby.get_by_role("link", name="Start consultation").first).to_be_visible()
    await claimant.page.close()
    await caseworker.context.close()


async def looks_right(page: Page) -> None:
    """Check what holds for every page at every width."""
    assert await page.locator("h1").count() == 1
    assert await axe_violations(page) == []
    cut_off = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not cut_off, page.url
    assert await page.evaluate(SMALL_TARGETS) == []
