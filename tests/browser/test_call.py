"""How a call goes for people whose devices, windows and networks are not perfect."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from benchmarks.join import available_outgoing_bitrate
from tests.browser.chromium import DEVICES, Visitor, axe_violations, chromium
from tests.browser.office import CLAIMANT, Call, Office
from tests.browser.staff import let_in, signed_in

MEGABIT = 1_000_000


async def caseworker_in(browser: Browser, office: Office, call: Call) -> Visitor:
    """Let the caseworker sign in and enter the room."""
    caseworker = await signed_in(browser, office)
    await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await caseworker.phase("room")
    return caseworker


async def claimant_in_lobby(
    browser: Browser, office: Office, call: Call, script: str = ""
) -> Visitor:
    """Let the claimant open their link, in a browser that runs a script before each page."""
    claimant = await Visitor.with_browser(browser)
    await claimant.context.add_init_script(script)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.phase("lobby")
    return claimant


async def both_in_room(
    browser: Browser, office: Office, call: Call, script: str = ""
) -> tuple[Visitor, Visitor]:
    """Let the claimant wait, and the caseworker let them in; they see each other."""
    claimant, caseworker = await asyncio.gather(
        claimant_in_lobby(browser, office, call, script), caseworker_in(browser, office, call)
    )
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)
    await caseworker.sees(1)
    return claimant, caseworker


async def both_see_each_other_on_one_connection(claimant: Visitor, caseworker: Visitor) -> None:
    """See that both have moving pictures, and that the claimant's page made one connection alone."""
    await claimant.sees(1)
    await caseworker.sees(1)
    assert len(await claimant.page.evaluate("window.connections")) == 1


@pytest.mark.timed
async def test_within_ten_seconds_of_joining_both_may_send_more_than_one_and_a_half_megabit(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    claimant = await claimant_in_lobby(browser, office, call)
    caseworker = await caseworker_in(browser, office, call)

    async def estimate_passes(visitor: Visitor) -> None:
        while available_outgoing_bitrate(await visitor.report()) <= 1.5 * MEGABIT:
            await asyncio.sleep(0.2)  # the estimate is a figure to be asked for

    async with asyncio.timeout(10):
        await let_in(caseworker.page, CLAIMANT.name)
        await asyncio.gather(estimate_passes(claimant), estimate_passes(caseworker))


async def test_nothing_is_sent_from_the_lobby(office: Office, browser: Browser) -> None:
    claimant = await claimant_in_lobby(browser, office, await office.book_call())
    await claimant.page.wait_for_function(
        "() => window.connections.at(-1).connectionState === 'connected'"
    )
    await expect(claimant.page.get_by_role("switch", name="Camera")).to_be_checked()

    report = await claimant.report()

    sent = [entry["packetsSent"] for entry in report if entry["type"] == "outbound-rtp"]
    assert sum(sent) == 0


async def test_after_a_reload_the_claimant_is_back_without_being_let_in_again(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())

    await claimant.page.reload()

    await claimant.phase("room")
    await claimant.sees(1)
    await caseworker.sees(1)


async def test_a_microphone_that_was_off_is_off_after_a_reload(
    office: Office, browser: Browser
) -> None:
    claimant = await claimant_in_lobby(browser, office, await office.book_call())
    microphone = claimant.page.get_by_role("switch", name="Microphone")
    await expect(microphone).to_be_checked()
    await claimant.page.keyboard.press("Alt+m")
    await expect(microphone).not_to_be_checked()

    await claimant.page.reload()
    await claimant.phase("lobby")

    await expect(claimant.page.get_by_role("switch", name="Camera")).to_be_checked()
    await expect(microphone).not_to_be_checked()


async def test_others_are_told_that_a_microphone_and_a_camera_are_off(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())

    await claimant.page.get_by_role("switch", name="Microphone").click()
    await claimant.page.get_by_role("switch", name="Camera").click()

    condition = caseworker.page.locator("[data-tile]:not([hidden]) [data-condition]")
    await expect(condition).to_have_text("microphone off, camera off")
    await claimant.page.get_by_role("switch", name="Camera").click()
    await expect(condition).to_have_text("microphone off")
    await caseworker.sees(1)


@pytest.mark.parametrize("allowed", [["microphone"], []], ids=["no camera", "no device"])
async def test_somebody_who_declines_devices_takes_part_all_the_same(
    office: Office, browser: Browser, allowed: list[str]
) -> None:
    call = await office.book_call()
    caseworker = await caseworker_in(browser, office, call)
    async with chromium(DEVICES) as strict:
        claimant = await Visitor.with_browser(strict)
        await claimant.context.grant_permissions(allowed, origin=office.url)
        await claimant.page.goto(f"{office.url}/call/{call.claimant}")
        await claimant.phase("lobby")
        await expect(claimant.page.get_by_role("button", name="Try again")).to_be_visible()

        await let_in(caseworker.page, CLAIMANT.name)

        await claimant.phase("room")
        await claimant.sees(1)
        condition = caseworker.page.locator("[data-tile]:not([hidden]) [data-condition]")
        text = "camera off" if allowed else "microphone off, camera off"
        await expect(condition).to_have_text(text)


async def test_somebody_who_was_turned_away_reads_why_and_stays_out(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    claimant = await claimant_in_lobby(browser, office, call)
    caseworker = await caseworker_in(browser, office, call)

    await caseworker.page.get_by_role("button", name=f"Turn away: {CLAIMANT.name}").click()
    await caseworker.page.get_by_role("dialog").get_by_role("button", name="Turn away").click()

    heading = claimant.page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("You were not let in")
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await expect(heading).to_have_text("You were not let in")


async def test_who_leaves_may_come_back(office: Office, browser: Browser) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())

    await claimant.page.get_by_role("button", name="Leave").click()
    await expect(caseworker.page.locator("[data-tile]:not([hidden])")).to_have_count(0)
    await claimant.page.get_by_role("link", name="Join again").click()

    await claimant.phase("room")
    await claimant.sees(1)


async def test_a_second_window_takes_over_and_the_first_can_take_it_back(
    office: Office, browser: Browser
) -> None:
    claimant, _caseworker = await both_in_room(browser, office, await office.book_call())
    second = await Visitor.with_browser(browser)

    await second.page.goto(claimant.page.url)
    await second.sees(1)
    await claimant.phase("replaced")
    await claimant.page.get_by_role("button", name="Continue here").click()

    await claimant.sees(1)
    await second.phase("replaced")


async def test_a_lost_connection_to_the_server_is_told_and_mended_while_the_picture_goes_on(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    claimant = await Visitor.with_browser(browser)
    sockets: list[WebSocketRoute] = []

    def carry(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    await claimant.page.route_web_socket("**/socket", carry)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    caseworker = await caseworker_in(browser, office, call)
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)

    await sockets[0].close(code=4000)

    notice = claimant.page.get_by_role("status").filter(has_text="The connection is interrupted")
    await expect(notice).to_be_visible()
    await expect(notice).to_have_count(0)
    await both_see_each_other_on_one_connection(claimant, caseworker)


@pytest.mark.parametrize("width", [390, 1440])
async def test_axe_finds_nothing_in_lobby_and_room(
    office: Office, browser: Browser, width: int
) -> None:
    call = await office.book_call()
    size = {"viewport": {"width": width, "height": 800}}
    claimant = await Visitor.with_browser(browser, **size)
    caseworker = await signed_in(browser, office, **size)
    await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.phase("lobby")
    row = caseworker.page.get_by_role("button", name=f"Let in: {CLAIMANT.name}")
    await expect(row).to_be_visible()

    found = [*await axe_violations(claimant.page), *await axe_violations(caseworker.page)]
    await row.click()
    await claimant.sees(1)
    found += [*await axe_violations(claimant.page), *await axe_violations(caseworker.page)]
    await caseworker.page.get_by_role("button", name="Devices").click()
    found += await axe_violations(caseworker.page)

    assert found == []
    assert claimant.hosts() == {urlsplit(office.url).netloc}


async def test_without_javascript_the_page_says_so_and_gives_the_telephone_number(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    visitor = await Visitor.with_browser(browser, java_script_enabled=False)

    await visitor.page.goto(f"{office.url}/call/{call.claimant}")

    panel = visitor.page.locator(".panel--shown")
    await expect(panel).to_contain_text("The consultation needs JavaScript")
    await expect(panel.get_by_role("link")).to_have_attribute("href", "tel:+4930901820")
