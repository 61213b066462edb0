"""What the caseworker does again and again."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser, Page

from tests.browser.chromium import Visitor
from tests.browser.office import EMAIL, PASSWORD, Office


async def sign_in(page: Page, url: str, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Sign somebody of the office at `url` in; unless told otherwise, the caseworker."""
    await page.goto(f"{url}/staff")
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(password)
    await page.locator("form.form button").click()
    await page.wait_for_url("**/staff")


async def signed_in(
    browser: Browser, office: Office, email: str = EMAIL, **options: Any
) -> Visitor:
    """Open an empty window of somebody who has signed in before; `options` are those of contexts."""
    if email not in office.signed_in:
        first = await Visitor.with_browser(browser)
        await sign_in(first.page, office.url, email)
        office.signed_in[email] = await first.context.storage_state()
        await first.context.close()
    return await Visitor.with_browser(browser, storage_state=office.signed_in[email], **options)


async def let_in(page: Page, name: str) -> None:
    """Let somebody in who waits."""
    await page.get_by_role("button", name=f"Let in: {name}").click()
