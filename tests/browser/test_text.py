"""What people type beside the call is read while it is typed, and survives a bad network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, expect

from benchmarks.bad_calls import relay_ports, reroute
from tests.browser.chromium import ALLOWED, LARGE_PRINT, Visitor, axe_violations, chromium
from tests.browser.office import CASEWORKER, CLAIMANT, Office
from tests.browser.staff import let_in
from tests.browser.test_call import both_in_room, caseworker_in
from tests.browser.test_connection import standing_still
from tests.impairment.link import Conditions
from tests.impairment.process import bad_network

NARROW = Conditions(rate_kbit=60, delay_ms=25)


@dataclass
class Wire:
    """A page's sockets, which may let nothing through in one direction without breaking."""

    sockets: list[WebSocketRoute] = field(default_factory=list)
    swallowed: list[str] = field(default_factory=list)
    deaf: bool = False
    mute: bool = False

    async def lay(self, page: Page) -> None:
        """Carry the sockets that `page` opens from now on."""
        await page.route_web_socket("**/socket", self._carry)

    def _carry(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(self._passing(lambda: self.deaf, socket))
        socket.on_message(self._passing(lambda: self.mute, server))

    def _passing(
        self, dark: Callable[[], bool], receiver: WebSocketRoute
    ) -> Callable[[str | bytes], None]:
        def carry(message: str | bytes) -> None:
            if dark():
                self.swallowed.append(str(message))
            else:
                receiver.send(message)

        return carry

    async def lose(self, text: str) -> None:
        """Wait until a finished line of `text` got lost, then break; what follows gets through."""
        async with asyncio.timeout(10):
            while not any(_finishes(message, text) for message in self.swallowed):
                await asyncio.sleep(0.02)  # nothing tells when a message was swallowed
        self.deaf = self.mute = False
        await self.sockets[-1].close(code=4000)


def _finishes(message: str, text: str) -> bool:
    lines = json.loads(message).get("lines", ())
    return any(line["done"] and line["text"] == text for line in lines)


async def opened(visitor: Visitor) -> Locator:
    """Open the text and return its field."""
    await visitor.page.get_by_role("button", name="Text").click()
    return visitor.page.get_by_label("Your text")


def written(visitor: Visitor) -> Locator:
    """Return the lines that stand in the log."""
    return visitor.page.get_by_role("log").locator(".text-line")


async def test_what_is_typed_is_read_while_it_is_typed(office: Office, browser: Browser) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    await opened(caseworker)
    typing = caseworker.page.locator("[data-text-typing] .text-line")
    entry = await opened(claimant)

    await entry.press_sequentially("Meine Nummer ist 47")
    await expect(typing).to_have_text(f"{CLAIMANT.name} is typing Meine Nummer ist 47")
    await expect(written(caseworker)).to_have_count(0)
    await entry.press("Backspace")
    await entry.press_sequentially("8")
    await expect(typing).to_contain_text("Meine Nummer ist 48")
    await entry.press("Enter")

    await expect(written(caseworker)).to_have_text([f"{CLAIMANT.name} Meine Nummer ist 48"])
    await expect(typing).to_have_count(0)
    await expect(written(claimant)).to_have_text(["You Meine Nummer ist 48"])
    await expect(entry).to_have_value("")


async def test_who_has_the_text_closed_is_told_how_much_is_new(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    entry = await opened(claimant)
    button = caseworker.page.get_by_role("button", name="Text")

    await entry.press_sequentially("Guten Tag")
    await entry.press("Enter")
    await entry.press_sequentially("Hören Sie mich?")
    await entry.press("Shift+Enter")
    await expect(entry).to_have_value("Hören Sie mich?")
    await claimant.page.get_by_role("button", name="Send").click()

    await expect(button).to_have_accessible_name("Text 2 new")
    await expect(caseworker.page.locator("[data-announcement]")).to_contain_text(
        f"{CLAIMANT.name} writes: Hören Sie mich?"
    )
    await button.press("Enter")
    await expect(button).to_have_accessible_name("Text")
    await expect(caseworker.page.get_by_label("Your text")).to_be_focused()
    await caseworker.page.keyboard.press("Escape")
    await expect(caseworker.page.get_by_role("log")).to_be_hidden()
    await expect(button).to_be_focused()


@pytest.mark.parametrize("direction", ["deaf", "mute"])
async def test_what_got_lost_with_a_socket_is_repeated_once_it_is_back(
    office: Office, browser: Browser, direction: str
) -> None:
    wire = Wire()
    call = await office.book_call()
    claimant = await Visitor.with_browser(browser)
    await wire.lay(claimant.page)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    caseworker = await caseworker_in(browser, office, call)
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)
    reader, writer = (claimant, caseworker) if direction == "deaf" else (caseworker, claimant)
    await opened(reader)
    entry = await opened(writer)
    await entry.press_sequentially("One")
    await entry.press("Enter")
    await expect(written(reader)).to_have_count(1)

    setattr(wire, direction, True)
    await entry.press_sequentially("Two")
    await entry.press("Enter")
    await wire.lose("Two")

    name = CASEWORKER if writer is caseworker else CLAIMANT.name
    await expect(written(reader)).to_have_text([f"{name} One", f"{name} Two"], timeout=10_000)
    await entry.press_sequentially("Three")
    await expect(reader.page.locator("[data-text-typing]")).to_contain_text("Three")


async def test_what_is_typed_while_nothing_gets_through_arrives_afterwards(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    await opened(caseworker)
    entry = await opened(claimant)
    hint = claimant.page.get_by_text("What you type arrives as soon as you are connected again.")

    async with standing_still(office):
        await entry.press_sequentially("Ich bin noch da")
        await entry.press("Enter")
        await expect(hint).to_be_visible(timeout=10_000)
        await entry.press_sequentially("und schreibe weiter")

    typing = caseworker.page.locator("[data-text-typing]")
    await expect(written(caseworker)).to_have_text(
        [f"{CLAIMANT.name} Ich bin noch da"], timeout=15_000
    )
    await expect(typing).to_contain_text("und schreibe weiter")
    await expect(hint).to_be_hidden()
    await expect(written(claimant)).to_have_count(1)


async def test_where_there_is_room_for_the_sound_only_the_text_opens_by_itself(
    office: Office, browser: Browser
) -> None:
    with bad_network(relay_ports(office)[0]) as network:
        claimant, caseworker = await both_in_room(
            browser, office, await office.book_call(), reroute(network.port, network.port)
        )
        await opened(caseworker)

        network.change(up=NARROW, down=NARROW)
        entry = claimant.page.get_by_label("Your text")
        await expect(entry).to_be_visible(timeout=30_000)
        said = claimant.page.get_by_text(
            "Your connection is slow: there is room for sound and text."
        )
        await expect(said).to_be_visible()
        await expect(entry).not_to_be_focused()
        await entry.press_sequentially("Hören Sie mich noch?")

        typing = caseworker.page.locator("[data-text-typing]")
        await expect(typing).to_contain_text("Hören Sie mich noch?")


async def test_after_a_restart_of_the_server_both_come_back_and_still_read_what_was_written(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    await opened(caseworker)
    entry = await opened(claimant)
    await entry.press_sequentially("Before")
    await entry.press("Enter")
    await expect(written(caseworker)).to_have_count(1)

    await office.restart()
    await claimant.phase("lobby", timeout=30_000)
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.phase("room")
    await claimant.sees(1)
    await caseworker.sees(1)
    await entry.press_sequentially("After")
    await entry.press("Enter")

    await expect(written(caseworker)).to_have_text(
        [f"{CLAIMANT.name} Before", f"{CLAIMANT.name} After"]
    )
    await expect(written(claimant)).to_have_count(2)


async def test_what_was_pasted_becomes_lines_of_which_nothing_is_lost(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    await opened(caseworker)
    entry = await opened(claimant)

    await entry.fill("IBAN:\nDE02 1203 0000 0000 2020 51\n<b>and</b>")

    await expect(written(caseworker).locator("[data-words]")).to_have_text(
        ["IBAN:", "DE02 1203 0000 0000 2020 51"]
    )
    await expect(caseworker.page.locator("[data-text-typing]")).to_contain_text("<b>and</b>")


@pytest.mark.parametrize("width", [390, 820, 1440])
async def test_axe_finds_nothing_in_the_text_and_nothing_is_wider_than_the_window(
    office: Office, browser: Browser, width: int
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    for visitor in (claimant, caseworker):
        await visitor.page.set_viewport_size({"width": width, "height": 844})
        entry = await opened(visitor)
        await entry.fill("Donaudampfschifffahrtsgesellschaft " * 9 + "\n")
        await entry.fill("Ich tippe")
    await expect(written(claimant)).to_have_count(2)

    found = [*await axe_violations(claimant.page), *await axe_violations(caseworker.page)]

    assert found == []
    for visitor in (claimant, caseworker):
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= width
        # Nobody has to look for the buttons of the call while they write.
        await visitor.page.get_by_label("Your text").fill(
            "Können Sie das bitte noch einmal sagen? " * 4
        )
        await expect(visitor.page.get_by_role("button", name="Leave")).to_be_in_viewport(ratio=1)


async def test_at_twice_the_size_of_text_everything_can_be_reached(office: Office) -> None:
    async with chromium([*ALLOWED, LARGE_PRINT]) as large:
        claimant, caseworker = await both_in_room(large, office, await office.book_call())
        for visitor in (claimant, caseworker):
            await visitor.page.set_viewport_size({"width": 390, "height": 844})
            entry = await opened(visitor)
            await entry.fill("Donaudampfschifffahrtsgesellschaft\n")
            await visitor.page.get_by_role("button", name="Send").scroll_into_view_if_needed()
            await expect(visitor.page.get_by_role("button", name="Send")).to_be_in_viewport()
            assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert await axe_violations(visitor.page) == []
