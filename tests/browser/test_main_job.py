"""The main job in real browsers: book without JavaScript, take the link from the mail, meet."""

from __future__ import annotations

import re
import sys
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from scheduling.model import Person
from tests.browser.chromium import Visitor
from tests.browser.office import CASEWORKER, CLAIMANT, Office
from tests.browser.staff import let_in, sign_in, signed_in

BOOKER = Person("Leyla Demir", "leyla@claimant.example")


async def test_somebody_books_by_video_and_meets_the_caseworker_and_a_companion(
    office: Office, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    booking = await Visitor.with_browser(browser, java_script_enabled=False)
    claimant, companion, caseworker = [await Visitor.with_browser(browser) for _ in range(3)]

    await book_by_video(booking.page, office)
    letter = await office.letters.next_to(BOOKER.email)
    join, join_as_companion = call_links(letter.get_body(("plain",)).get_content())
    await open_consultation(caseworker.page, office)
    await claimant.page.goto(join)
    await claimant.phase("lobby")
    await let_in(caseworker.page, BOOKER.name)

    await claimant.phase("room")
    await claimant.sees(1)
    await caseworker.sees(1)
    await sound_flows(claimant, caseworker)

    await companion.page.goto(join_as_companion)
    await companion.phase("lobby")
    await caseworker.page.get_by_role("button", name="Let in:").click()

    await companion.sees(2)
    await claimant.sees(2)
    await caseworker.sees(2)
    await sound_flows(companion, claimant, caseworker)

    await caseworker.page.get_by_role("button", name="End for all").click()
    await caseworker.page.get_by_role("dialog").get_by_role("button", name="End for all").click()

    for guest in (claimant, companion):
        await expect(guest.page.get_by_role("heading", level=1)).to_have_text(
            "The consultation has ended"
        )
    await caseworker.page.wait_for_url("**/staff/day/**")
    await claimant.page.goto(join)
    await expect(claimant.page.get_by_role("heading", level=1)).to_have_text(
        "The consultation has ended"
    )

    ours = {urlsplit(office.url).netloc}
    for visitor in (booking, claimant, companion, caseworker):
        assert visitor.hosts() == ours
        assert visitor.failures == []
    with capsys.disabled():
        sys.stdout.write(f"\n{BOOKER.name} met {CASEWORKER}; everything came from {ours}\n")


@pytest.mark.timed
async def test_the_first_picture_of_the_other_follows_the_page_script_at_once(
    office: Office, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    call = await office.book_call()
    caseworker = await signed_in(browser, office)
    claimant = await Visitor.with_browser(browser)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.phase("lobby")
    await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)

    await claimant.page.reload()

    first_frame = await claimant.milliseconds("call:first-frame")
    with capsys.disabled():
        sys.stdout.write(f"\npage script to first remote frame: {first_frame:.0f} ms\n")


async def book_by_video(page: Page, office: Office) -> None:
    """Book the first free time, as somebody does who has no JavaScript."""
    await page.goto(office.url)
    await page.get_by_role("link", name="I have a question").click()
    await page.get_by_role("link", name="By video").click()
    await page.locator("button.time").first.click()
    await page.get_by_label("First and last name").fill(BOOKER.name)
    await page.get_by_label("E-mail address").fill(BOOKER.email)
    await page.get_by_label("Somebody comes with me").check()
    await page.get_by_role("button", name="Confirm appointment").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your appointment is confirmed")


def call_links(text: str) -> list[str]:
    """Return the links into the call in the order of the letter."""
    return list(dict.fromkeys(re.findall(r"https?://\S+/call/\S+", text)))


async def open_consultation(page: Page, office: Office) -> None:
    """Open the newest consultation from the plan, as the caseworker does."""
    await sign_in(page, office.url)
    # Near midnight, and before a public holiday, the first free time is on a later day.
    link = page.get_by_role("link", name=BOOKER.name)
    while not await link.count():
        await page.get_by_role("link", name="Next day").click()
    await link.click()
    await page.get_by_role("link", name="Start consultation").click()
    await page.wait_for_selector('.call[data-phase="room"]')


async def sound_flows(*people: Visitor) -> None:
    """Wait until everybody both sends and receives sound."""
    for person in people:
        before = await person.voices()
        await person.page.wait_for_function(
            """async (before) => {
              const report = [...(await window.connections.at(-1).getStats()).values()];
              const total = (type, count) => report
                .filter((entry) => entry.type === type && entry.kind === "audio")
                .reduce((sum, entry) => sum + entry[count], 0);
              return total("outbound-rtp", "packetsSent") > before.sent + 10
                && total("inbound-rtp", "packetsReceived") > before.received + 10;
            }""",
            arg=before,
            polling=200,
        )
