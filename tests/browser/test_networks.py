"""A call in which one person's network changes its address and goes dark for a while."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser

from benchmarks.bad_calls import relay_ports, reroute
from tests.browser.chromium import Visitor
from tests.browser.office import Office
from tests.browser.test_call import both_in_room
from tests.impairment.process import bad_network

PATIENCE = 20  # seconds


async def hears_more(visitor: Visitor) -> None:
    """Wait until half a second of voice has come that was not there before."""
    before = (await visitor.voices())["received"]
    async with asyncio.timeout(PATIENCE):
        while (await visitor.voices())["received"] < before + 25:
            await asyncio.sleep(0.1)  # the count is a figure to be asked for


async def test_a_call_goes_on_on_the_same_connection_after_another_port_and_a_dark_second(
    office: Office, browser: Browser
) -> None:
    with bad_network(relay_ports(office)[0]) as network:
        claimant, caseworker = await both_in_room(
            browser, office, await office.book_call(), reroute(network.port, network.port)
        )

        network.rebind()
        await hears_more(claimant)
        await hears_more(caseworker)
        network.black_out(1)
        await hears_more(claimant)
        await hears_more(caseworker)
        await claimant.sees(1)
        await caseworker.sees(1)

        assert network.counts()["down"]["packets"] > 0
        assert len(await claimant.page.evaluate("window.connections")) == 1
