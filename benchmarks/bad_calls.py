"""Calls of real browsers, each behind a bad network of its own, on the pages of a real server."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.call_samples import SAMPLE, Samples
from tests.browser.chromium import ALLOWED, Visitor, chromium
from tests.browser.office import CLAIMANT, COMPANION, Call, Office
from tests.browser.staff import let_in, sign_in
from tests.impairment.process import BadNetwork, bad_network

WIDTH, HEIGHT = 640, 480
RATE = 20
"""Frames a second of most films; cameras give more, two browsers on one machine get no more done."""
_FRAMES = 30

# What the relay tells a page of its port is replaced by the port of the page's own network.
_REROUTE = """
const answered = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = function (description) {
  const lines = description.sdp.split("\\r\\n").filter((line) =>
    !/^a=candidate:\\S+ 1 \\S+ \\d+ \\S*:/.test(line));
  const sdp = lines.map((line) => line
    .replace(/^(a=candidate:\\S+ 1 udp \\d+ \\S+) \\d+ /, "$1 UDP_PORT ")
    .replace(/^(a=candidate:\\S+ 1 tcp \\d+ \\S+) \\d+ /, "$1 TCP_PORT ")).join("\\r\\n");
  return answered.call(this, { type: description.type, sdp });
};
"""


@dataclass
class Person:
    """Somebody in a call, with a browser and a network of their own."""

    visitor: Visitor
    network: BadNetwork

    async def samples(self, begin: float) -> Samples:
        """Return what their page noted from `begin` on, in seconds since the epoch."""
        return await Samples.of(self.visitor.page, begin)


def relay_ports(office: Office) -> tuple[int, int]:
    """Return the UDP and the TCP port that the server's relay has logged."""
    for line in office.server.journal.read_text().splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if entry.get("event") == "relay listens":
                return int(entry["port"]), int(entry["tcp_port"])
    raise RuntimeError("the server has logged no ports of its relay")


def film(path: Path, rate: int = RATE) -> None:
    """Write a video that is as hard to compress as a person before a lively background.

    A coarse texture that is moved to and fro, `rate` times a second, in YUV4MPEG2, which Chromium
    plays as a camera.
    """
    draw = random.Random(1)
    texture = []
    for _ in range(0, HEIGHT + 2 * _FRAMES, 4):
        row = bytes(draw.randrange(60, 200) for _ in range((WIDTH + 4 * _FRAMES) // 4))
        texture += [bytes(each for each in row for _ in range(4))] * 4
    colour = bytes((128,)) * (WIDTH * HEIGHT // 2)
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip C420\n" % (WIDTH, HEIGHT, rate))
        for step in (*range(_FRAMES), *range(_FRAMES, 0, -1)):
            rows = texture[2 * step : 2 * step + HEIGHT]
            file.write(b"FRAME\n" + b"".join(each[4 * step : 4 * step + WIDTH] for each in rows))
            file.write(colour)


def reroute(udp_port: int, tcp_port: int) -> str:
    """Give the script by which a page takes these ports for the relay's."""
    return _REROUTE.replace("UDP_PORT", str(udp_port)).replace("TCP_PORT", str(tcp_port))


@contextlib.asynccontextmanager
async def person(
    camera: Path, network: BadNetwork, *flags: str, ports: tuple[int, int] | None = None
) -> AsyncIterator[Person]:
    """Start a browser whose media goes through `network`.

    With `ports` it finds the relay there, by UDP and by TCP.
    """
    flags = (*ALLOWED, f"--use-file-for-fake-video-capture={camera}", *flags)
    async with chromium(flags) as browser:
        visitor = await Visitor.with_browser(browser)
        udp_port, tcp_port = ports or (network.port, network.port)
        await visitor.context.add_init_script(reroute(udp_port, tcp_port))
        await visitor.context.add_init_script(SAMPLE)
        yield Person(visitor, network)


@contextlib.asynccontextmanager
async def people(
    office: Office, folder: Path, count: int, rate: int = RATE
) -> AsyncIterator[list[Person]]:
    """Start the browsers of `count` people, each behind a network of its own, faultless at first.

    Their film is kept in `folder` and has `rate` frames a second.
    """
    port, tcp_port = relay_ports(office)
    film(camera := folder / "camera.y4m", rate)
    async with contextlib.AsyncExitStack() as stack:
        networks = [
            stack.enter_context(bad_network(port, tcp_port=tcp_port, seed=seed))
            for seed in range(1, count + 1)
        ]
        yield [await stack.enter_async_context(person(camera, network)) for network in networks]


async def meet(office: Office, everybody: list[Person], patience: float = 20.0) -> float:
    """Bring the caseworker, the claimant and, as a third, a companion into one call.

    Returns the seconds from the claimant's opening the page until everyone sees the others;
    raises Playwright's TimeoutError when they do not within `patience` seconds.
    """
    call = await office.book_call()
    caseworker, *guests = everybody
    page = caseworker.visitor.page
    await sign_in(page, office.url)
    await page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await caseworker.visitor.phase("room")
    began = time.monotonic()
    for guest, (name, link) in zip(guests, _links(call), strict=False):
        await guest.visitor.page.goto(f"{office.url}/call/{link}")
        await let_in(page, name)
    for each in everybody:
        await each.visitor.sees(len(guests), timeout=patience * 1000)
    return time.monotonic() - began


def _links(call: Call) -> list[tuple[str, str]]:
    return [(CLAIMANT.name, call.claimant), (COMPANION, call.companion)]
