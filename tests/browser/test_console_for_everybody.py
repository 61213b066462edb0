"""The console and its forms for everybody: at every size, in the dark, in large print."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import ALLOWED, LARGE_PRINT, axe_violations, chromium
from tests.browser.console import Plan, console, event
from tests.browser.test_pages import looks_right


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_console_can_be_used_by_everybody_in_large_print(plan: Plan, width: int) -> None:
    async with chromium((*ALLOWED, LARGE_PRINT)) as large:
        page = await console(plan, large, viewport={"width": width, "height": 900})
        assert await page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        for address in (
            plan.url, f"{plan.url}&span=week", f"{plan.office.url}/plan/book",
            f"{plan.office.url}/plan/appointments/{plan.appointment.id}",
        ):  # fmt: skip
            await page.goto(address)
            await looks_right(page)


@pytest.mark.parametrize("width", [390, 1440])
async def test_the_console_can_be_used_by_everybody(
    plan: Plan, browser: Browser, width: int
) -> None:
    page = await console(plan, browser, viewport={"width": width, "height": 900})
    if width > 800:
        await expect(event(page)).to_be_visible()
        await page.locator(".event-open").click()
        await expect(page.locator(".panel-name")).to_be_focused()
    await looks_right(page)
    for address in (
        "/plan?q=kim", "/plan/book", f"/plan/appointments/{plan.appointment.id}",
        f"/plan?span=week&date={plan.day.isoformat()}",
    ):  # fmt: skip
        await page.goto(plan.office.url + address)
        await looks_right(page)


async def test_times_to_choose_from_are_large_enough_for_a_finger(
    plan: Plan, browser: Browser
) -> None:
    page = await console(plan, browser)
    await page.goto(f"{plan.office.url}/plan/book")

    heights = await page.evaluate(
        "[...document.querySelectorAll('.time-choice label')].map((one) => one.clientHeight)"
    )

    assert min(heights) >= 44


async def test_the_console_is_legible_in_the_dark(plan: Plan, browser: Browser) -> None:
    page = await console(plan, browser, color_scheme="dark")
    await expect(event(page)).to_be_visible()

    assert await axe_violations(page) == []


async def test_a_phone_keeps_the_way_between_the_pages_in_a_menu(
    plan: Plan, browser: Browser
) -> None:
    page = await console(
        plan, browser, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    book = page.get_by_role("link", name="Book by phone")
    await expect(page.get_by_role("heading", level=1)).to_be_in_viewport()
    await expect(book).to_be_hidden()

    await page.get_by_role("button", name="Menu").press("Enter")
    await expect(book).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Timeline")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await page.wait_for_url("**/plan/book")
    await expect(book).to_be_hidden()


async def test_the_open_menu_of_a_phone_can_be_used_by_everybody(
    plan: Plan, browser: Browser
) -> None:
    page = await console(plan, browser, viewport={"width": 390, "height": 844})

    await page.get_by_role("button", name="Menu").click()
    await looks_right(page)
    await page.get_by_role("button", name="Close").click()

    await expect(page.get_by_role("link", name="Book by phone")).to_be_hidden()


async def test_the_hours_stay_in_sight_over_the_last_lane(plan: Plan, browser: Browser) -> None:
    page = await console(plan, browser, viewport={"width": 1440, "height": 256})
    await expect(event(page)).to_be_visible()

    await page.locator(".lane-label").last.evaluate("one => one.scrollIntoView({block: 'nearest'})")

    await expect(page.locator(".ec-header").get_by_text("10:00")).to_be_in_viewport()
