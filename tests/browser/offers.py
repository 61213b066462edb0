"""Writes down what Chromium offers, for the tests that damage it: `python -m tests.browser.offers`.

One offer is our page's own, with a picture in two sizes; the other one is of somebody who asks the
browser for everything it can, with a single picture.
"""

import asyncio
from pathlib import Path

from tests.browser.chromium import ROOT, chromium

OFFERS = ROOT / "tests" / "signaling" / "offers"
_ORIGIN = "https://office.example"
_OWN = """async () => (await new (await import("/call/peer.js")).Peer().offer()).sdp"""
_EVERYTHING = """async () => {
  const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const both = (direction) => ["audio", "video"].map((kind) => pc.addTransceiver(kind, { direction }));
  both("sendonly"), both("recvonly");
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""


async def _write() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        static = ROOT / "web" / "static"
        await page.route(
            f"{_ORIGIN}/**",
            lambda route: route.fulfill(
                body=_body(static, route.request.url),
                content_type="text/javascript"
                if route.request.url.endswith(".js")
                else "text/html",
            ),
        )
        await page.goto(f"{_ORIGIN}/")
        for name, script in (("page", _OWN), ("everything", _EVERYTHING)):
            offer = await page.evaluate(script)
            (OFFERS / f"{name}.sdp").write_bytes(offer.encode())


def _body(static: Path, url: str) -> str:
    path = static / url.removeprefix(f"{_ORIGIN}/")
    return path.read_text() if path.is_file() else "<!doctype html>"


if __name__ == "__main__":
    OFFERS.mkdir(exist_ok=True)
    asyncio.run(_write())
