"""Calls on networks that let little through, in a real browser: no UDP, or TLS on 443 alone."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import ALLOWED, Visitor, chromium
from tests.browser.office import CLAIMANT, Call, Office, served
from tests.browser.staff import let_in, signed_in
from tests.signaling import coturn

pytestmark = pytest.mark.timed

CONNECTED = "() => window.connections.at(-1)?.connectionState === 'connected'"
NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
BAR = 3000  # ms from the page's script until it is connected

# What a firewall does: the relay's answer names its port, and whatever is sent there vanishes.
BLOCK = """
([protocol, port]) => {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const candidate = new RegExp(`^(a=candidate:\\\\S+ 1 ${protocol} \\\\d+ \\\\S+) \\\\d+`, "gm");
    return original.call(this, { type, sdp: sdp.replace(candidate, `$1 ${port}`) });
  };
}
"""


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[coturn.Coturn]:
    """Run a real coturn beside the offices of this module."""
    with coturn.running(tmp_path_factory.mktemp("coturn")) as server:
        yield server


@pytest.fixture(params=["all", "relay"], ids=["443 alone", "TURN alone by order"])
def office_with_turn(
    request: pytest.FixtureRequest, turn: coturn.Coturn, tmp_path: Path
) -> Iterator[tuple[Office, str]]:
    """Serve an office beside its coturn, with and without the order to use nothing else."""
    settings = {"TURN_URLS": turn.url, "TURN_SECRET": coturn.SECRET}
    if request.param == "relay":
        settings["TURN_ONLY"] = "on"
    with served(tmp_path, **settings) as office:
        yield office, request.param


@pytest.fixture
def nowhere() -> Iterator[int]:
    """Give a port at which packets vanish, and connections are never accepted."""
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("", 0))
        yield silent.getsockname()[1]


async def claimant_connected(
    browser: Browser, office: Office, call: Call, *blocked: tuple[str, int]
) -> Visitor:
    """Let the claimant open their link where the relay's ports of these protocols are blocked."""
    visitor = await Visitor.with_browser(browser)
    for protocol, port in blocked:
        await visitor.context.add_init_script(f"({BLOCK})(['{protocol}', {port}])")
    await visitor.page.goto(f"{office.url}/call/{call.claimant}")
    await visitor.page.wait_for_function(CONNECTED, timeout=20_000)
    return visitor


async def both_see_each_other(
    browser: Browser, office: Office, call: Call, claimant: Visitor
) -> Visitor:
    """Let the caseworker come and let the claimant in; give the caseworker."""
    caseworker = await signed_in(browser, office)
    await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await caseworker.phase("room")
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)
    await caseworker.sees(1)
    return caseworker


async def test_where_udp_is_blocked_people_see_each_other_over_tcp(
    office: Office, browser: Browser, nowhere: int
) -> None:
    call = await office.book_call()
    claimant = await claimant_connected(browser, office, call, ("udp", nowhere))

    caseworker = await both_see_each_other(browser, office, call, claimant)

    assert (await claimant.way())["protocol"] == "tcp"
    assert (await caseworker.way())["protocol"] == "udp"
    assert await claimant.milliseconds("call:connected") <= BAR


async def test_where_tls_alone_is_open_or_allowed_people_see_each_other_through_coturn(
    office_with_turn: tuple[Office, str], turn: coturn.Coturn, nowhere: int
) -> None:
    office, policy = office_with_turn
    call = await office.book_call()
    trust = f"--ignore-certificate-errors-spki-list={turn.fingerprint}"
    flags = [trust] if policy == "relay" else [trust, NO_UDP]
    blocked = [] if policy == "relay" else [("tcp", nowhere)]
    async with chromium((*ALLOWED, *flags)) as behind:
        claimant = await claimant_connected(behind, office, call, *blocked)

        await both_see_each_other(behind, office, call, claimant)

        way = await claimant.way()
        assert (way["candidateType"], way["relayProtocol"]) == ("relay", "tls")
        assert await claimant.milliseconds("call:connected") <= BAR
