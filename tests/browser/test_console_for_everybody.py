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


async def test_the_console_is_legible_in_the_dark(plan: Plan, browser: Browser) -> None:
    page = await console(plan, browser, color_scheme="dark")
    await expect(event(page)).to_be_visible()

    assert await axe_violations(page) == []
