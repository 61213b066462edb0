"""What people find who open their link too early, too late, or after something has changed.

The application runs inside the test here, so that its clock can be set.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port
from playwright.async_api import Browser, expect

from scheduling import booking
from scheduling.store import open_store
from server import data_folder
from server.app import create_app
from server.config import Config
from tests.browser.chromium import Visitor, axe_violations
from tests.browser.office import Call, book_call, seed
from tests.conftest import Clock
from tests.copies import Copies

START = dt.datetime(2026, 10, 12, 8, 20, tzinfo=dt.UTC)  # 10:20 in Berlin
OFFICE_PHONE = "tel:+4930901820"


class SetOffice:
    """An office whose clock the test sets, with one consultation at 10:20."""

    def __init__(self, config: Config, clock: Clock, call: Call) -> None:
        self.url = config.origin
        self.clock = clock
        self.call = call
        self._store_url = config.store_url

    async def change(self, what: object) -> None:
        """Do `what` (cancel or end) to the consultation."""
        store = open_store(self._store_url)
        try:
            async with store.writing() as tx:
                await what(tx, self.call.appointment_id, actor="test", now=self.clock())
        finally:
            await store.close()


@pytest.fixture
async def set_office(
    tmp_path: Path, clock: Clock, migrated_copies: Copies
) -> AsyncIterator[SetOffice]:
    config = Config(
        data=tmp_path,
        port=unused_port(),
        relay_port=0,
        organizer_email="termine@office.example",
        office="Jobcenter Musterstadt",
    )
    data_folder.prepare(config)
    await migrated_copies.fill(config.store_url)
    store = open_store(config.store_url)
    await seed(store)
    call = await book_call(store, START)
    await store.close()
    runner = web.AppRunner(create_app(config, clock))
    await runner.setup()
    await web.TCPSite(runner, "localhost", config.port).start()
    yield SetOffice(config, clock, call)
    await runner.cleanup()


DOORS = {
    "the day before": (START - dt.timedelta(days=1), None, "Your consultation is on another day"),
    "an hour early": (START - dt.timedelta(hours=1), None, "You are early, and that is good"),
    "too late": (START + dt.timedelta(hours=2), None, "The time of this consultation is over"),
    "cancelled": (START, booking.cancel, "This appointment has been cancelled"),
    "ended": (START, booking.end, "The consultation has ended"),
}


@pytest.mark.parametrize("case", DOORS)
async def test_a_closed_door_says_why_and_what_to_do_next(
    set_office: SetOffice, browser: Browser, case: str
) -> None:
    now, change, title = DOORS[case]
    set_office.clock.now = now
    if change is not None:
        await set_office.change(change)
    visitor = await Visitor.with_browser(browser)

    await visitor.page.goto(f"{set_office.url}/call/{set_office.call.claimant}")

    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(visitor.page.locator(f'a[href="{OFFICE_PHONE}"]')).to_be_visible()
    for width in (390, 1440):
        await visitor.page.set_viewport_size({"width": width, "height": 800})
        assert await axe_violations(visitor.page) == []
    assert visitor.failures == []


async def test_the_page_of_who_came_early_opens_the_lobby_by_itself(
    set_office: SetOffice, browser: Browser
) -> None:
    opens = START - dt.timedelta(minutes=15)
    set_office.clock.now = opens - dt.timedelta(seconds=1)
    visitor = await Visitor.with_browser(browser)
    await visitor.page.goto(f"{set_office.url}/call/{set_office.call.claimant}")
    await expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("early")

    set_office.clock.now = opens

    await visitor.phase("lobby")
    await expect(visitor.page.get_by_role("heading", level=2).first).to_have_text(
        "You are expected at 10:20."
    )


@pytest.mark.parametrize("reason", ["left", "dismissed", "full", "ended"])
async def test_a_goodbye_page_is_accessible(
    set_office: SetOffice, browser: Browser, reason: str
) -> None:
    set_office.clock.now = START
    visitor = await Visitor.with_browser(browser)

    await visitor.page.goto(
        f"{set_office.url}/call/{set_office.call.companion}/over?reason={reason}"
    )

    await expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    for width in (390, 1440):
        await visitor.page.set_viewport_size({"width": width, "height": 800})
        assert await axe_violations(visitor.page) == []


async def test_an_unknown_link_tells_nothing(set_office: SetOffice, browser: Browser) -> None:
    visitor = await Visitor.with_browser(browser)

    page = await visitor.page.goto(f"{set_office.url}/call/{'a' * 32}")
    assert page is not None
    socket = await visitor.page.request.get(f"{set_office.url}/call/{'a' * 32}/socket")

    assert page.status == 404
    assert socket.status == 404


async def test_the_socket_of_a_closed_door_is_refused(
    set_office: SetOffice, browser: Browser
) -> None:
    set_office.clock.now = START - dt.timedelta(hours=1)
    visitor = await Visitor.with_browser(browser)

    answer = await visitor.page.request.get(
        f"{set_office.url}/call/{set_office.call.claimant}/socket"
    )

    assert answer.status == 403
