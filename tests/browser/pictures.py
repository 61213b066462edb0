"""Take the pictures of the documentation from a running demo office (``make pictures``)."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, demo
from scheduling.booking import add_link, book
from scheduling.model import Kind, Needs, Part, Person, Way
from scheduling.slots import SlotQuery, find
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser import plan_pictures
from tests.browser.chromium import ALLOWED, ROOT, Visitor, chromium
from tests.browser.office import DemoCall, served_demo
from tests.browser.portraits import CASEWORKER, CLAIMANT, Portrait, film
from tests.browser.staff import sign_in

FOLDER = ROOT / "docs/pictures"
WINDOW: dict[str, object] = {"viewport": {"width": 1440, "height": 900}, "locale": "de-DE"}


async def seed(store_url: str) -> tuple[DemoCall, plan_pictures.Shown]:
    """Fill the demo office, book a consultation on one of the next days, choose a day to plan."""
    store = open_store(store_url)
    try:
        now = dt.datetime.now(dt.UTC)
        office = await demo.seed(store, now, hash_password)
        async with store.writing() as tx:
            account, slot_query, start = await _first_free(tx, office, now)
            booked = await book(
                tx,
                topic=slot_query.topic,
                way=Way.VIDEO,
                start=start,
                site_id=None,
                person=Person("Amira Haddad", "amira@claimant.example"),
                needs=Needs(companion=True),
                locale="de",
                now=now,
                actor="pictures",
                caseworker_id=slot_query.caseworker_id,
            )
            number = booked.appointment.id
            companion = await add_link(
                tx, number, part=Part.COMPANION, name="Jonas Haddad", actor="pictures", now=now
            )
        plan = await plan_pictures.shown(store, office, now)
    finally:
        await store.close()
    call = DemoCall(number, booked.link_token, companion, account.email, account.password)
    return call, plan


async def _first_free(
    tx: AsyncConnection, office: demo.DemoOffice, now: dt.datetime
) -> tuple[demo.SignIn, SlotQuery, dt.datetime]:
    """Return the next free time for video of a caseworker who can sign in."""
    accounts = {account.name: account for account in office.sign_ins}
    tomorrow = now.date() + dt.timedelta(days=1)
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    for topic in await catalog.topics(tx):
        for person in people:
            if person.name not in accounts or Way.VIDEO not in topic.ways:
                continue
            last = tomorrow + dt.timedelta(days=14)
            query = SlotQuery(topic, Way.VIDEO, tomorrow, last, caseworker_id=person.id)
            if found := await find(tx, query, now):
                return accounts[person.name], query, found[0].start
    raise LookupError("the demo office has no free time for video in the next two weeks")


async def camera(folder: Path, portrait: Portrait, name: str) -> tuple[str, ...]:
    """Return the flags of a Chromium whose camera shows `portrait`."""
    path = folder / f"{name}.mjpeg"
    async with chromium(()) as browser:
        await film(browser, portrait, path)
    return (*ALLOWED, f"--use-file-for-fake-video-capture={path}")


async def take_booking(browser: Browser, url: str) -> None:
    """Take the booking page as it greets people."""
    visitor = await Visitor.with_browser(browser, **WINDOW)
    await visitor.page.goto(url)
    await _save(visitor.page, "booking")
    await visitor.context.close()


async def take_consultation(url: str, call: DemoCall, folder: Path) -> None:
    """Take a consultation as the caseworker sees it, with a companion who waits."""
    async with (
        chromium(await camera(folder, CASEWORKER, "caseworker")) as office_browser,
        chromium(await camera(folder, CLAIMANT, "claimant")) as home_browser,
    ):
        claimant = await Visitor.with_browser(home_browser, **WINDOW)
        companion = await Visitor.with_browser(home_browser, **WINDOW)
        caseworker = await Visitor.with_browser(office_browser, **WINDOW)
        await sign_in(caseworker.page, url, call.email, call.password)
        await caseworker.page.goto(f"{url}/staff/appointments/{call.appointment_id}/call")
        await caseworker.phase("room")
        await claimant.page.goto(f"{url}/call/{call.claimant}")
        await caseworker.page.locator('[data-do="admit"]').click()
        await caseworker.sees(1)
        await companion.page.goto(f"{url}/call/{call.companion}")
        await companion.phase("lobby")
        await caseworker.page.locator('[data-do="admit"]').wait_for()
        # The picture sharpens while the sender learns what the way can carry.
        await caseworker.page.wait_for_function(
            "() => document.querySelector('[data-tile] video').videoWidth >= 640", timeout=60_000
        )
        await caseworker.sees(1)
        await _save(caseworker.page, "consultation")


async def _save(page: Page, name: str) -> None:
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=FOLDER / f"{name}.png")
    sys.stdout.write(f"docs/pictures/{name}.png\n")


async def take(url: str, call: DemoCall, plan: plan_pictures.Shown, folder: Path) -> None:
    """Take every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        await take_booking(browser, url)
        await plan_pictures.take(browser, url, plan, WINDOW, _save)
    await take_consultation(url, call, folder)


def main() -> None:
    """Serve a demo office and take the pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with served_demo(folder, seed) as (url, (call, plan)):
            asyncio.run(take(url, call, plan, folder))


if __name__ == "__main__":
    main()
