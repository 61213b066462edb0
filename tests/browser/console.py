"""The console with one appointment: what tests do on it, and how long others take to see it."""

from __future__ import annotations

import asyncio
import datetime as dt
import statistics
import sys
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass

import holidays
import pytest
from playwright.async_api import Browser, Locator, Page

from benchmarks.served import emptied
from scheduling import appointments, booking, catalog, schema
from scheduling.grid import ZONE, local_date
from scheduling.model import Appointment, Kind, Needs, Person, Way
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser.chromium import PATIENCE
from tests.browser.office import PASSWORD, Office, add_caseworker, served
from tests.browser.staff import signed_in
from tests.scheduling.office import row

SCHEDULER = "planung@office.example"
COLLEAGUE = "Boris Colleague"
CALLER = Person("Kim Beispiel", "kim@claimant.example", "+4930123456")
ROOMS = ("Raum 1", "Raum 2")
SEEN_WITHIN = 500  # milliseconds from the drop
HOUR_WIDTH = 144  # pixels


@dataclass
class Plan:
    """An office with two caseworkers, two rooms and one appointment in three days, at ten."""

    office: Office
    appointment: Appointment
    colleague: int
    day: dt.date

    @property
    def url(self) -> str:
        return f"{self.office.url}/plan?date={self.day.isoformat()}"

    async def present(self) -> Appointment:
        store = open_store(self.office.store_url)
        try:
            async with store.reading() as tx:
                return await appointments.by_id(tx, self.appointment.id)
        finally:
            await store.close()


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Serve an office with a second caseworker, two rooms and somebody who plans."""
    with served(tmp_path_factory.mktemp("console")) as office:
        asyncio.run(_staffed(office.store_url))
        yield office


async def _staffed(url: str) -> None:
    store = open_store(url)
    async with store.writing() as tx:
        (first,) = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
        await add_caseworker(tx, first.site_id, COLLEAGUE)
        for name in ROOMS:
            await row(
                tx, schema.resource, site_id=first.site_id, kind="room", name=name, features=[],
                skills=[], languages=[], active=True,
            )  # fmt: skip
        await row(
            tx, schema.staff, email=SCHEDULER, name="Planung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
        )  # fmt: skip
        await catalog.changed(tx, first.site_id)
    await store.close()


@pytest.fixture(params=[Way.VIDEO])
async def plan(planned: Office, request: pytest.FixtureRequest) -> Plan:
    """Give the office a plan with one appointment; it is in the way that the test asks for."""
    await emptied(planned.store_url)
    store = open_store(planned.store_url)
    now = dt.datetime.now(dt.UTC)
    day = open_day(local_date(now) + dt.timedelta(days=3))
    start = dt.datetime.combine(day, dt.time(10), ZONE).astimezone(dt.UTC)
    async with store.writing() as tx:
        people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
        (colleague,) = (one for one in people if one.name == COLLEAGUE)
        (first,) = (one for one in people if one.name != COLLEAGUE)
        confirmed = await booking.book(
            tx, topic=await catalog.topic(tx, "advice"), way=request.param, start=start,
            site_id=None, person=CALLER, needs=Needs(), locale="en", now=now, actor="test",
            caseworker_id=first.id,
        )  # fmt: skip
    await store.close()
    return Plan(planned, confirmed.appointment, colleague.id, day)


in_a_room = pytest.mark.parametrize("plan", [Way.IN_PERSON], indirect=True)


def open_day(date: dt.date) -> dt.date:
    free = holidays.country_holidays("DE", subdiv="BE")
    while date in free:
        date += dt.timedelta(days=1)
    return date


async def console(plan: Plan, browser: Browser, **options: object) -> Page:
    visitor = await signed_in(
        browser, plan.office, SCHEDULER, **{"viewport": {"width": 1440, "height": 1000}, **options}
    )
    await visitor.page.goto(plan.url)
    return visitor.page


def event(page: Page) -> Locator:
    return page.locator(".ec-event.appointment", has_text=CALLER.name)


async def lane_top(page: Page, name: str) -> float:
    box = await page.locator(".lane-title", has_text=name).bounding_box()
    assert box
    return box["y"] + box["height"] / 2


async def drag(page: Page, down: float, right: float, what: Locator | None = None) -> None:
    what = what or event(page)
    await what.scroll_into_view_if_needed()
    box = await what.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 8, y + 4)
    await page.mouse.move(x + right, y + down, steps=6)
    await page.mouse.up()


async def shown(page: Page, name: str) -> None:
    """Wait until the appointment stands in that lane."""
    await page.evaluate(WATCH, [CALLER.name, name])


WATCH = """([caller, name]) => new Promise((shown) => {
  const look = () => {
    const lane = [...document.querySelectorAll(".lane-title")]
      .find((one) => one.textContent === name)?.getBoundingClientRect();
    const there = lane && [...document.querySelectorAll(".ec-event.appointment")]
      .filter((one) => one.textContent.includes(caller))
      .some((one) => Math.abs(lane.top - one.getBoundingClientRect().top) < 30);
    if (there) shown(Date.now());
    else setTimeout(look, 5);  // a window behind another may have no frames
  };
  look();
})"""
"""Looks all the time; tells when the appointment stood in the lane, by the device's clock."""

LISTEN = """(event) => new Promise((done) => {
  addEventListener(event, () => done(Date.now()), { capture: true, once: true });
})"""


class Latency:
    """Measures inside the pages how long another console takes to show what one has done."""

    def __init__(self, one: Page, other: Page) -> None:
        self.one, self.other = one, other
        self.found: list[float] = []

    async def measure(self, event: str, name: str, act: Coroutine[None, None, None]) -> None:
        """Do `act`; note the milliseconds from its last `event` until `name` has it elsewhere."""
        async with asyncio.timeout(PATIENCE):
            seen = asyncio.create_task(self.other.evaluate(WATCH, [CALLER.name, name]))
            done = asyncio.create_task(self.one.evaluate(LISTEN, event))
            for each in (self.one, self.other):
                await each.evaluate("() => undefined")  # both are listening now
            await act
            self.found.append(await seen - await done)

    def usual(self, capsys: pytest.CaptureFixture[str], what: str) -> float:
        """Print every delay; return the one in the middle."""
        with capsys.disabled():
            told = ", ".join(f"{one:.0f}" for one in self.found)
            sys.stdout.write(f"\n{what} to another console: {told} ms\n")
        return statistics.median(self.found)
