"""What the caseworker does again and again."""

from __future__ import annotations

from playwright.async_api import Page

from tests.browser.office import EMAIL, PASSWORD


async def sign_in(page: Page, url: str, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Sign somebody of the office at `url` in; unless told otherwise, the caseworker."""
    await page.goto(f"{url}/staff")
    await page.locator("#email").fill(email)
    await page.locator("#password").fill(password)
    await page.locator("form.form button").click()
    await page.wait_for_url("**/staff")


async def let_in(page: Page, name: str) -> None:
    """Let somebody in who waits."""
    await page.get_by_role("button", name=f"Let in: {name}").click()
