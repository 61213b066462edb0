"""Another way and an earlier time on a phone: by tapping, for everybody, at every size."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import insert, select

from scheduling import booking, catalog, schema, slots, waitlist
from scheduling.model import Appointment, Needs, Way
from scheduling.store import open_store
from tests.browser.chromium import Visitor
from tests.browser.office import CLAIMANT, Office, served
from tests.browser.staff import sign_in
from tests.browser.test_pages import looks_right

PHONE = {"width": 390, "height": 844}
WIDTHS = (390, 1440)


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Serve an office of its own, to which a branch is added."""
    with served(tmp_path_factory.mktemp("branches")) as office:
        yield office


@pytest.fixture
async def office(branches: Office) -> Office:
    """Let the office have a branch with a room and a tablet, and offer video from there."""
    store = open_store(branches.store_url)
    try:
        async with store.writing() as tx:
            site = schema.site
            if await tx.scalar(select(site.c.id).where(site.c.key == "lakeside")):
                return branches
            await tx.execute(
                insert(site).values(
                    key="lakeside", name="Zweigstelle Seedorf", state="BE", phone="+4930901830",
                    address="Am Bahnhof 4, 12347 Seedorf",
                )
            )  # fmt: skip
            site_id = await tx.scalar(select(site.c.id).where(site.c.key == "lakeside"))
            for kind, name in (("room", "Beratungsraum A"), ("tablet", "Tablet Seedorf")):
                await tx.execute(
                    insert(schema.resource).values(
                        site_id=site_id, kind=kind, name=name, features=[], skills=[],
                        languages=[], active=True,
                    )
                )  # fmt: skip
            topic_id = await tx.scalar(select(schema.topic.c.id))
            await tx.execute(
                insert(schema.topic_way).values(
                    topic_id=topic_id, way="branch_video", minutes=30, buffer_minutes=0,
                    notice_minutes=0, earliest_day=0, horizon_days=14,
                )
            )  # fmt: skip
    finally:
        await store.close()
    return branches


@pytest.fixture(params=WIDTHS)
async def visitor(request: pytest.FixtureRequest, browser: Browser) -> AsyncIterator[Visitor]:
    visitor = await Visitor.with_browser(browser, viewport={"width": request.param, "height": 900})
    yield visitor
    await visitor.context.close()


async def book(page: Page, office: Office, phone: str = "") -> str:
    """Book by video; return the address of the appointment's page."""
    await page.goto(f"{office.url}/book/advice/video")
    await page.locator("button.time").nth(3).click()
    await page.get_by_label("First and last name").fill(CLAIMANT.name)
    await page.get_by_label("E-mail address").fill(CLAIMANT.email)
    await page.get_by_label("Phone number").fill(phone)
    await page.get_by_role("button", name="Confirm appointment").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment is confirmed")
    return page.url.split("?")[0]


async def test_a_claimant_changes_the_way_on_a_phone(office: Office, browser: Browser) -> None:
    visitor = await Visitor.with_browser(browser, viewport=PHONE, has_touch=True, is_mobile=True)
    page = visitor.page
    own = await book(page, office)
    when = await page.locator(".ticket-when").inner_text()

    await page.get_by_role("link", name="Choose another way").tap()
    await page.get_by_role("link", name="Choose place and time").last.tap()
    await page.get_by_role("button", name="Change, still at").tap()

    await expect(page).to_have_url(f"{own}?done=shifted")
    await expect(page.get_by_text("Am Bahnhof 4, 12347 Seedorf")).to_be_visible()
    await expect(page.get_by_text("Beratungsraum A")).to_be_visible()
    await page.get_by_role("link", name="Choose another way").tap()
    await page.get_by_role("link", name="Change and give a number").tap()
    await page.get_by_label("Phone number").fill("030 901820")
    await page.get_by_role("button", name="Change, still at").tap()
    await expect(page.get_by_text("030 901820")).to_be_visible()
    assert await page.locator(".ticket-when").inner_text() == when
    assert visitor.failures == []


async def test_the_pages_of_another_way_can_be_used_by_everybody(
    office: Office, visitor: Visitor
) -> None:
    page = visitor.page
    own = await book(page, office)
    await looks_right(page)
    for step in ("/way", "/way/branch_video", "/way/in_person", "/way/phone"):
        await page.goto(own + step)
        await looks_right(page)
    await page.goto(f"{own}/way/phone")
    await page.get_by_role("button", name="Change, still at").click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await looks_right(page)
    await page.goto(own)
    await page.get_by_role("button", name="Tell me when an earlier time becomes free").click()
    await looks_right(page)

    assert visitor.hosts() == {urlsplit(office.url).netloc}
    assert visitor.failures == []


async def test_the_offices_pages_of_another_way_can_be_used_by_everybody(
    office: Office, visitor: Visitor
) -> None:
    page = visitor.page
    appointment = await book_late(office)
    await sign_in(page, office.url)
    own = f"{office.url}/staff/appointments/{appointment.id}"
    for step in ("", "/way", "/way/branch_video"):
        await page.goto(own + step)
        await looks_right(page)


async def test_the_pages_of_an_offer_can_be_used_by_everybody(
    office: Office, visitor: Visitor
) -> None:
    page = visitor.page
    for choice in ("Keep my appointment", "Take the earlier time"):
        address = await offer(office)
        await page.goto(address)
        await looks_right(page)
        await page.get_by_role("button", name=choice).click()
        await looks_right(page)
        await page.goto(address)
        await looks_right(page)

    await expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment")
    assert visitor.failures == []


async def test_dark_colours_of_another_way_have_enough_contrast(
    office: Office, browser: Browser
) -> None:
    visitor = await Visitor.with_browser(browser, color_scheme="dark")
    own = await book(visitor.page, office)

    for address in (own, f"{own}/way", f"{own}/way/branch_video", await offer(office)):
        await visitor.page.goto(address)
        await looks_right(visitor.page)


async def offer(office: Office) -> str:
    """Offer an earlier time to somebody; return the address of the offer's page."""
    appointment = await book_late(office)
    store = open_store(office.store_url)
    now = dt.datetime.now(dt.UTC)
    try:
        async with store.writing() as tx:
            await waitlist.join(tx, appointment.id, now)
            # Others may wait as well, who get offers of their own.
            offers = await waitlist.offer(tx, now)
            (made,) = (one for one in offers if one.appointment.id == appointment.id)
    finally:
        await store.close()
    return f"{office.url}/earlier/{made.token}"


async def book_late(office: Office) -> Appointment:
    """Book the last time by video that is free in twelve days."""
    store = open_store(office.store_url)
    now = dt.datetime.now(dt.UTC)
    try:
        async with store.writing() as tx:
            topic = await catalog.topic(tx, "advice")
            last = now.date() + dt.timedelta(days=12)
            query = slots.SlotQuery(topic, Way.VIDEO, now.date(), last)
            start = (await slots.find(tx, query, now))[-1].start
            booked = await booking.book(
                tx, topic=topic, way=Way.VIDEO, start=start, site_id=None, person=CLAIMANT,
                needs=Needs(), locale="en", now=now, actor="test",
            )  # fmt: skip
    finally:
        await store.close()
    return booked.appointment
