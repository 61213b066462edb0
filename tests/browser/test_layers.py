"""Three people in one room, one of them behind a narrow line: each is shown what fits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser

from benchmarks.bad_calls import relay_ports, reroute
from tests.browser.chromium import Visitor
from tests.browser.office import CLAIMANT, COMPANION, Office
from tests.browser.staff import let_in, signed_in
from tests.impairment.link import Conditions
from tests.impairment.process import bad_network

pytestmark = pytest.mark.timed

PATIENCE = 60  # seconds
NARROW = Conditions(rate_kbit=300, delay_ms=25)
SMALL = 213
"""Pixels that the smaller size of a picture is wide."""


async def pictures(visitor: Visitor, kind: str) -> list[dict[str, Any]]:
    """Return the statistics of pictures, "inbound-rtp" or "outbound-rtp", which are under way."""
    return [
        entry
        for entry in await visitor.report()
        if entry["type"] == kind
        and entry["kind"] == "video"
        and entry.keys() >= {"framesPerSecond", "frameWidth"}
    ]


async def widths_become(visitor: Visitor, kind: str, wanted: list[int]) -> None:
    """Wait until the pictures have these widths, the smallest first; 0 is any larger than small."""
    found: list[int] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while found != wanted:
                await asyncio.sleep(0.2)  # a width is a figure to be asked for
                widths = [entry["frameWidth"] for entry in await pictures(visitor, kind)]
                found = sorted((each if each <= SMALL else 0 for each in widths), reverse=True)
    except TimeoutError:
        raise AssertionError(f"{found} instead of {wanted}") from None


async def test_of_three_the_one_behind_a_narrow_line_sees_smaller_pictures_and_the_others_do_not(
    office: Office, browser: Browser
) -> None:
    with bad_network(relay_ports(office)[0]) as network:
        call = await office.book_call()
        caseworker = await signed_in(browser, office)
        claimant, companion = [await Visitor.with_browser(browser) for _ in range(2)]
        await companion.context.add_init_script(reroute(network.port, network.port))
        await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
        await claimant.page.goto(f"{office.url}/call/{call.claimant}")
        await let_in(caseworker.page, CLAIMANT.name)
        await claimant.sees(1)
        await widths_become(claimant, "outbound-rtp", [0])
        await companion.page.goto(f"{office.url}/call/{call.companion}")
        await let_in(caseworker.page, COMPANION)
        for each in (caseworker, claimant):
            await widths_become(each, "outbound-rtp", [SMALL, 0])

        network.change(down=NARROW)
        await widths_become(companion, "inbound-rtp", [SMALL, SMALL])
        await companion.sees(2)

        await caseworker.sees(2)
        assert not network.counts()["up"]["lost"]
        for each in (caseworker, claimant):
            await widths_become(each, "inbound-rtp", [0, 0])
