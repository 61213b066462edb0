"""Takes the pictures of the plan: the console, the rescue list and the figures."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Browser, Page

from scheduling import appointments, booking
from scheduling.demo import DAYS_AHEAD, DAYS_BACK, DemoOffice
from scheduling.grid import local_date
from scheduling.model import Status
from scheduling.store import Store
from tests.browser.chromium import Visitor
from tests.browser.staff import sign_in

Save = Callable[[Page, str], Awaitable[None]]


@dataclass(frozen=True)
class Shown:
    """Who plans, which day is shown, and who will be away on it."""

    email: str
    password: str
    day: dt.date
    away: str


async def shown(store: Store, office: DemoOffice, now: dt.datetime) -> Shown:
    """Hold what lies behind, and choose the next day with appointments and its busiest person."""
    (scheduler,) = (one for one in office.sign_ins if one.role == "scheduler")
    today = local_date(now)
    async with store.writing() as tx:
        for back in range(DAYS_BACK + 1):
            for one in await appointments.day(tx, today - dt.timedelta(days=back)):
                # In an office some do not come.
                if one.status is Status.BOOKED and one.span.end < now and one.id % 12:
                    await booking.end(tx, one.id, actor="pictures", now=one.span.end)
        for ahead in range(1, DAYS_AHEAD):
            day = today + dt.timedelta(days=ahead)
            if found := await appointments.day(tx, day):
                break
    (busiest, _), *_ = Counter(one.caseworker.name for one in found).most_common()
    return Shown(scheduler.email, scheduler.password, day, busiest)


async def take(
    browser: Browser, url: str, plan: Shown, window: dict[str, object], save: Save
) -> None:
    """Take the console for a day with an appointment, for a week, the rescue list, the figures."""
    visitor = await Visitor.with_browser(browser, **window)
    page = visitor.page
    await sign_in(page, url, plan.email, plan.password)
    await page.goto(f"{url}/plan?date={plan.day}")
    await page.locator(".event-open").nth(1).click()
    await page.locator(".panel-name").wait_for()
    await page.evaluate("scrollTo(0, 0)")
    await page.locator(".ec-main").evaluate("(lanes) => lanes.scrollTo(0, 0)")
    await save(page, "plan-day")
    await page.goto(f"{url}/plan?date={plan.day}&span=week&kind=people")
    await page.locator(".event-open").first.wait_for()
    await save(page, "plan-week")
    await page.goto(f"{url}/plan/closures")
    await page.locator("#whom").select_option(label=plan.away)
    await page.locator("#first").fill(plan.day.isoformat())
    await page.locator("form.form .kern-btn--primary").click()
    await page.wait_for_url("**/plan/rescue**")
    await save(page, "rescue")
    last = plan.day + dt.timedelta(days=DAYS_AHEAD)
    await page.goto(f"{url}/plan/figures?until={last}")
    await save(page, "figures")
    await visitor.context.close()
