"""How a call goes on when its network falters, and what people are told of it."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from scheduling import connections
from scheduling.store import open_store
from tests.browser.chromium import DEVICES, Visitor, axe_violations, chromium
from tests.browser.office import CLAIMANT, Office
from tests.browser.staff import let_in
from tests.browser.test_call import (
    both_in_room,
    both_see_each_other_on_one_connection,
    caseworker_in,
)

# Sends pictures or none, and tells nobody of it.
FILM = """async (filming) => {
  const transceivers = window.connections.at(-1).getTransceivers();
  const { sender } = transceivers.filter(({ direction }) => direction === "sendonly")[1];
  window.camera ??= sender.track;
  await sender.replaceTrack(filming ? window.camera : null);
}"""

SLEEP_FOR_AN_HOUR = """() => {
  const before = Date.now;
  Date.now = () => before() + 3_600_000;
}"""
# Whether the connection is to be reached with those credentials.
CREDENTIALS = """(credentials) => {
  const { iceServers } = window.connections.at(-1).getConfiguration();
  return iceServers.some(({ username }) => username.endsWith(credentials));
}"""


@asynccontextmanager
async def standing_still(office: Office) -> AsyncIterator[None]:
    """Let nothing come from the server, neither media nor messages, until the block ends."""
    office.server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        office.server.process.send_signal(signal.SIGCONT)


@pytest.mark.timed
async def test_silence_is_told_within_seconds_and_mended_on_the_same_connection(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    notice = claimant.page.get_by_role("status").filter(has_text="The connection is interrupted")
    quality = claimant.page.locator("[data-quality]")
    await expect(quality).to_be_visible(timeout=15_000)

    async with standing_still(office):
        await expect(notice).to_be_visible(timeout=5_000)
        await expect(quality).to_be_hidden()

    await expect(notice).to_have_count(0, timeout=5_000)
    await expect(quality).to_be_visible()
    await expect(claimant.page.locator("[data-announcement]")).to_contain_text(
        "You are connected again."
    )
    await both_see_each_other_on_one_connection(claimant, caseworker)


async def test_who_has_no_device_is_told_of_silence_as_well(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    caseworker = await caseworker_in(browser, office, call)
    async with chromium(DEVICES) as strict:  # asks nobody, and nobody allows anything
        claimant = await Visitor.with_browser(strict)
        await claimant.context.grant_permissions([], origin=office.url)
        await claimant.page.goto(f"{office.url}/call/{call.claimant}")
        await let_in(caseworker.page, CLAIMANT.name)
        await claimant.sees(1)
        notice = claimant.page.get_by_role("status").filter(
            has_text="The connection is interrupted"
        )

        async with standing_still(office):
            await expect(notice).to_be_visible(timeout=10_000)

        await expect(notice).to_have_count(0, timeout=10_000)
        await claimant.sees(1)


async def test_a_connection_that_died_is_built_anew(office: Office, browser: Browser) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())

    # As from an operating system that took the sockets away while the computer slept.
    await caseworker.page.evaluate("window.connections.at(-1).close()")
    await caseworker.page.evaluate("dispatchEvent(new Event('online'))")

    await caseworker.sees(1)
    await claimant.sees(1)


async def test_after_a_long_sleep_the_connection_is_offered_anew_with_new_credentials(
    office: Office, browser: Browser
) -> None:
    call = await office.book_call()
    claimant = await Visitor.with_browser(browser)
    said: list[list[dict[str, Any]]] = []
    await claimant.page.route_web_socket("**/socket", partial(with_turn_server, said))
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    caseworker = await caseworker_in(browser, office, call)
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)
    first = len(said)

    await claimant.page.evaluate(SLEEP_FOR_AN_HOUR)

    await claimant.page.wait_for_function(CREDENTIALS, arg=f"{len(said) + 1}:turn")
    await claimant.sees(1)
    await caseworker.sees(1)
    hello, *others = said[first]
    assert "offer" not in hello
    assert "offer" in {message["type"] for message in others}
    assert len(await claimant.page.evaluate("window.connections")) == 1


def with_turn_server(said: list[list[dict[str, Any]]], socket: WebSocketRoute) -> None:
    """Carry a socket, note what is said, and grant a TURN server with every welcome."""
    messages: list[dict[str, Any]] = []
    said.append(messages)
    server = socket.connect_to_server()
    number = len(said)

    def say(frame: str | bytes) -> None:
        messages.append(json.loads(frame))
        server.send(frame)

    def hear(frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "welcome":
            expires = int(time.time()) + 600
            message["iceServers"] = [
                {
                    "urls": ["turn:127.0.0.1:9"],
                    "username": f"{expires}:{number}:turn",
                    "credential": "x",
                }
            ]
        socket.send(json.dumps(message))

    socket.on_message(say)
    server.on_message(hear)


async def test_when_nothing_gets_through_the_telephone_is_offered_and_taken_back(
    office: Office, browser: Browser
) -> None:
    claimant, _caseworker = await both_in_room(browser, office, await office.book_call())
    offer = claimant.page.get_by_role("heading", name="Go on by telephone")

    async with standing_still(office):
        await expect(offer).to_be_visible(timeout=20_000)
        phone = claimant.page.locator(".call-fallback a")
        await expect(phone).to_have_attribute("href", "tel:+4930901820")
        found = await axe_violations(claimant.page)

    await expect(offer).to_be_hidden(timeout=20_000)
    await claimant.sees(1)
    assert found == []


async def test_people_read_how_they_are_connected_and_see_no_frozen_face_where_only_sound_has_room(
    office: Office, browser: Browser
) -> None:
    claimant, caseworker = await both_in_room(browser, office, await office.book_call())
    tile = claimant.page.locator("[data-tile]:not([hidden])")
    told = tile.get_by_text("There is room for the sound only.")

    for visitor in (claimant, caseworker):
        own = visitor.page.locator("[data-quality]")
        await expect(own).to_contain_text("Connection: ")
        assert await axe_violations(visitor.page) == []

    await caseworker.page.evaluate(FILM, arg=False)  # as from a relay that lets it rest
    await expect(told).to_be_visible(timeout=10_000)
    await expect(tile.locator("[data-initials]")).to_be_visible()
    await expect(claimant.page.locator("[data-quality]")).not_to_contain_text(
        "Connection: good", timeout=20_000
    )
    found = await axe_violations(claimant.page)
    await caseworker.page.evaluate(FILM, arg=True)

    await expect(told).to_have_count(0, timeout=10_000)
    await expect(tile.locator("[data-initials]")).to_be_hidden()
    assert found == []


async def test_a_call_leaves_a_log_of_who_was_connected(office: Office, browser: Browser) -> None:
    call = await office.book_call()
    claimant, _caseworker = await both_in_room(browser, office, call)
    await claimant.page.get_by_role("button", name="Leave").click()
    await claimant.page.get_by_role("link", name="Join again").wait_for()

    store = open_store(office.store_url)
    try:
        async with asyncio.timeout(10):
            while True:
                async with store.reading() as tx:
                    stays = await connections.of(tx, call.appointment_id)
                if {(stay.ending, stay.connected is None) for stay in stays} == {
                    ("left", False),
                    ("", False),
                }:
                    break
                await asyncio.sleep(0.1)  # it is written in the background
    finally:
        await store.close()

    assert {stay.side: stay.ending for stay in stays} == {"claimant": "left", "caseworker": ""}
