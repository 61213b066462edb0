"""Debian's Chromium with invented devices, and what the tests ask a page about its media."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    WebSocket,
    async_playwright,
)

EXECUTABLE = os.environ.get("CHROMIUM", "/usr/bin/chromium")
OURS = (
    # Every window would load both pages behind its address bar: more work than ours are.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
PLAYWRIGHTS = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
"""What Playwright turns off; our own list takes the place of its list."""
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    f"--disable-features={','.join((*PLAYWRIGHTS, *OURS))}",
)
DEVICES = ("--use-fake-device-for-media-stream",)
ALLOWED = (*DEVICES, "--use-fake-ui-for-media-stream")
LARGE_PRINT = "--blink-settings=defaultFontSize=32"
"""Text at 200 %, as people set it in their browser."""
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds for what Playwright itself would wait for without end: windows, and a page's answers."""

# Our modules keep their connection private; the test listens at the constructor.
LISTEN = """
window.connections = [];
const Original = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Original {
  constructor(...options) { super(...options); window.connections.push(this); }
};
"""
REPORT = """async () => {
  const connection = window.connections.at(-1);
  return connection ? [...(await connection.getStats()).values()] : [];
}"""
SEEN = """() => [...document.querySelectorAll("[data-tile]:not([hidden]) video")].map(
  (video) => ({ width: video.videoWidth, frames: video.getVideoPlaybackQuality().totalVideoFrames })
)"""
ADVANCING = f"""([people, before]) => {{
  const now = ({SEEN})();
  return now.length === people && now.every(
    ({{ width, frames }}, index) => width > 0 && frames > (before[index]?.frames ?? 0)
  );
}}"""


@contextlib.asynccontextmanager
async def chromium(flags: Iterable[str] = ALLOWED) -> AsyncIterator[Browser]:
    """Run a headless Chromium until the block ends."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=EXECUTABLE, args=[*QUIET, *flags]
        )
        try:
            yield browser
        finally:
            async with asyncio.timeout(PATIENCE):
                await browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own; every address their pages ask for is noted."""

    context: BrowserContext
    page: Page
    asked_for: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @classmethod
    async def with_browser(cls, browser: Browser, **options: Any) -> Visitor:
        """Open an empty window; `options` are those of Playwright's contexts."""
        async with asyncio.timeout(PATIENCE):
            context = await browser.new_context(**{"locale": "en-GB", **options})
            await context.add_init_script(LISTEN)
            page = await context.new_page()
        visitor = cls(context, page)
        context.on("request", visitor._note_request)
        page.on("websocket", visitor._note_socket)
        page.on("pageerror", lambda error: visitor.failures.append(str(error)))
        return visitor

    @classmethod
    async def beside(cls, page: Page) -> Visitor:
        """Open an empty window of somebody else who is signed in as the one at `page` is.

        A second page in the same window would put the first in the background, where nothing is
        drawn and some calls never return.
        """
        browser = page.context.browser
        if browser is None:
            raise RuntimeError("the page has no browser of its own")
        return await cls.with_browser(browser, storage_state=await page.context.storage_state())

    def _note_request(self, request: Request) -> None:
        self.asked_for.append(request.url)

    def _note_socket(self, socket: WebSocket) -> None:
        self.asked_for.append(socket.url)

    def hosts(self) -> set[str]:
        """Return every host and port that was asked for anything."""
        return {urlsplit(url).netloc for url in self.asked_for if not url.startswith("data:")}

    async def phase(self, phase: str, timeout: float = 30_000) -> None:
        """Wait until the call page is in `phase`; `timeout` in ms."""
        await self.page.wait_for_selector(f'.call[data-phase="{phase}"]', timeout=timeout)

    async def sees(self, people: int, timeout: float = 45_000) -> None:
        """Wait until that many others are seen with advancing pictures; `timeout` in ms.

        After trouble the relay may let pictures rest for 20 s.
        """
        async with asyncio.timeout(PATIENCE):
            before = await self.page.evaluate(SEEN)
        await self.page.wait_for_function(
            ADVANCING, arg=[people, before], timeout=timeout, polling=200
        )

    async def report(self) -> list[dict[str, Any]]:
        """Return the statistics of the page's media connection (W3C webrtc-stats)."""
        async with asyncio.timeout(PATIENCE):
            found: list[dict[str, Any]] = await self.page.evaluate(REPORT)
        return found

    async def way(self) -> dict[str, Any]:
        """Return the local candidate by which media travels (W3C webrtc-stats)."""
        entries = {entry["id"]: entry for entry in await self.report()}
        [transport] = [entry for entry in entries.values() if entry["type"] == "transport"]
        way: dict[str, Any] = entries[
            entries[transport["selectedCandidatePairId"]]["localCandidateId"]
        ]
        return way

    async def voices(self) -> dict[str, int]:
        """Return how many packets of sound were sent and received so far."""
        report = await self.report()

        def total(kind: str, count: str) -> int:
            streams = (entry for entry in report if entry["type"] == kind)
            return sum(entry[count] for entry in streams if entry["kind"] == "audio")

        return {
            "sent": total("outbound-rtp", "packetsSent"),
            "received": total("inbound-rtp", "packetsReceived"),
        }

    async def milliseconds(self, measure: str) -> float:
        """Return the length of a measure on the page's performance timeline."""
        await self.page.wait_for_function(
            "(name) => performance.getEntriesByName(name).length > 0", arg=measure
        )
        async with asyncio.timeout(PATIENCE):
            length: float = await self.page.evaluate(
                "(name) => performance.getEntriesByName(name)[0].duration", measure
            )
        return length


async def axe_violations(page: Page) -> list[str]:
    """Return what axe finds on the page as it is now, nothing excluded."""
    source = (ROOT / "node_modules/axe-core/axe.min.js").read_text()
    async with asyncio.timeout(PATIENCE):
        await page.evaluate(source)
        found = await page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{violation['id']}: {' '.join(node['html'].split())[:160]} {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]
