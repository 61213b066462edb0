"""A call in two browsers goes on when the relay process that carries it is killed."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import Visitor
from tests.browser.office import Office, served
from tests.browser.test_call import both_in_room
from tests.signaling.relays import RelayProcess, relay_processes

pytestmark = pytest.mark.timed

Served = tuple[Office, list[RelayProcess]]


@pytest.fixture
def office_with_relays(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve an office whose calls two relay processes carry."""
    folder = tmp_path_factory.mktemp("relays")
    with relay_processes(folder, "one", "two") as relays:
        control = ",".join(str(each.address) for each in relays)
        with served(folder, RELAYS=control) as office:
            yield office, relays


def carrying(office: Office, relays: list[RelayProcess]) -> RelayProcess:
    """Give the relay that people are on."""
    with urllib.request.urlopen(f"{office.url}/healthz", timeout=5) as answer:
        states = json.load(answer)["parts"]["relay"]["relays"]
    [busy] = [index for index, state in enumerate(states) if state["participants"]]
    return relays[busy]


async def seen_on_a_new_connection(visitor: Visitor) -> None:
    """Wait until the page has made another media connection and shows the other on it."""
    await visitor.page.wait_for_function("() => window.connections.length > 1", timeout=5_000)
    await visitor.sees(1, timeout=5_000)


async def test_pictures_are_back_within_five_seconds_after_a_relay_was_killed(
    office_with_relays: Served, browser: Browser
) -> None:
    office, relays = office_with_relays
    both = await both_in_room(browser, office, await office.book_call())
    async with asyncio.timeout(5):  # the load is told every second
        while True:
            try:
                relay = await asyncio.to_thread(carrying, office, relays)
                break
            except ValueError:
                await asyncio.sleep(0.1)

    relay.kill()

    async with asyncio.timeout(5):
        await asyncio.gather(*(seen_on_a_new_connection(each) for each in both))
    assert all(not each.failures for each in both)
