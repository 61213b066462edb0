"""Group sessions in a real browser: booked, planned, listed and turned on, usable by everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import update

from scheduling import catalog, enrolment, schema, sessions
from scheduling.grid import ZONE
from scheduling.model import Kind, Span, Way
from scheduling.session_terms import Terms
from scheduling.store import open_store
from server.sign_in import hash_password
from tests.browser.chromium import Visitor
from tests.browser.office import CLAIMANT, PASSWORD, seed
from tests.browser.process import running
from tests.browser.staff import sign_in
from tests.browser.test_office import EMAIL, looks_right
from tests.scheduling.office import row


async def fill(store_url: str) -> dt.date:
    """Make an office with a scheduler and a session in which a seat is taken; return its day."""
    store = open_store(store_url)
    await seed(store)
    now = dt.datetime.now(dt.UTC)
    day = now.astimezone(ZONE).date() + dt.timedelta(days=2)
    start = dt.datetime.combine(day, dt.time(10), ZONE).astimezone(dt.UTC)
    async with store.writing() as tx:
        (leader,) = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
        await row(
            tx, schema.resource, site_id=leader.site_id, kind="room", name="Saal",
            features=["step_free"], skills=[], languages=[], active=True,
        )  # fmt: skip
        await row(
            tx, schema.staff, email=EMAIL, name="Einsatzplanung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
        )  # fmt: skip
        await tx.execute(update(schema.topic).values(in_groups=True))
        await catalog.changed(tx, leader.site_id)
        (room,) = await catalog.resources(tx, kinds=(Kind.ROOM,))
        terms = Terms(
            Way.IN_PERSON, Span(start, start + dt.timedelta(minutes=90)), leader, room, 12
        )  # fmt: skip
        session = await sessions.create(tx, await catalog.topic(tx, "advice"), terms, now=now)
        await enrolment.enrol(
            tx, session.id, key="seed", person=CLAIMANT, locale="de", now=now, actor="test"
        )
    await store.close()
    return day


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dt.date]]:
    """Serve an office that advises in groups; yield its address and the session's day."""
    settings = {"ORGANIZER_EMAIL": "termine@office.example", "SMTP_PORT": "9"}
    folder = tmp_path_factory.mktemp("groups")
    with running(folder, settings, fill) as (_server, url, day):
        yield url, day


@pytest.mark.parametrize("width", [390, 1440])
async def test_a_seat_can_be_booked_and_a_session_planned_by_everybody(
    groups: tuple[str, dt.date], browser: Browser, width: int
) -> None:
    url, day = groups
    visitor = await Visitor.with_browser(browser, viewport={"width": width, "height": 900})
    page = visitor.page

    if width < 800:
        await _take_a_seat(page, url)
    await sign_in(page, url, EMAIL, PASSWORD)
    await page.goto(f"{url}/staff/day/{day.isoformat()}")
    await looks_right(page)
    await expect(page.get_by_role("heading", name="I have a question")).to_have_count(1)
    await page.get_by_role("link", name="I have a question").click()
    await looks_right(page)
    await page.goto(f"{url}/plan/groups")
    await looks_right(page)
    await page.get_by_role("button", name="Plan a group session").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await looks_right(page)
    await page.goto(f"{url}/plan/topics/1")
    await page.get_by_label("One by one").check()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Sessions lie ahead")).to_have_count(2)
    await looks_right(page)

    assert visitor.hosts() == {urlsplit(url).netloc}
    assert visitor.failures == []


async def _take_a_seat(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_role("link", name="I have a question").click()
    await looks_right(page)
    await page.get_by_role("link", name="seats free").first.click()
    await page.get_by_role("button", name="Confirm").click()
    await looks_right(page)
    await page.get_by_label("First and last name").fill(CLAIMANT.name)
    await page.get_by_label("E-mail address").fill(CLAIMANT.email)
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_text("Your appointment is confirmed")).to_be_visible()
    await looks_right(page)
