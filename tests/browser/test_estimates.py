"""A browser that cannot tell of arrivals tells what it takes its network for, and senders hear it."""

from __future__ import annotations

import asyncio
import re
from itertools import count

from playwright.async_api import Browser, Route

from signaling.relay import Relay, RelayConfig
from tests.browser.chromium import Visitor
from tests.signaling.peer import VIDEO, Peer, rtp_packet
from tests.signaling.test_estimates import told

PAGE = "http://localhost:1/"  # devices are for secure origins; nothing is asked of this one
OFFER = """async () => {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const kinds = ["audio", "video"];
  for (const kind of kinds) {
    const track = media.getTracks().find((each) => each.kind === kind);
    pc.addTransceiver(track, { direction: "sendonly", streams: [media] });
  }
  for (const kind of kinds) pc.addTransceiver(kind, { direction: "recvonly" });
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""
ANSWER = "async (sdp) => pc.setRemoteDescription({ type: 'answer', sdp })"
ARRIVALS = re.compile(r"a=(rtcp-fb:\d+ transport-cc|extmap:\d+ \S*transport-wide-cc\S*)\r\n")


def without_arrivals(offer: str) -> str:
    """Have the receiving sections of an offer know nothing of feedback on arrivals."""
    parts = re.split(r"(?m)(?=^m=)", offer)
    return "".join([*parts[:3], *(ARRIVALS.sub("", each) for each in parts[3:])])


async def test_what_a_browser_estimates_of_its_network_reaches_the_sender(browser: Browser) -> None:
    async def serve(route: Route) -> None:
        await route.fulfill(body="<!doctype html>", content_type="text/html")

    relay = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    )
    conference = relay.conference("room")
    alice = await Peer.connect(conference, "alice")
    visitor = await Visitor.with_browser(browser)
    await visitor.page.route(f"{PAGE}**", serve)
    await visitor.page.goto(PAGE)
    offer = without_arrivals(await visitor.page.evaluate(OFFER))
    await visitor.page.evaluate(ANSWER, conference.offer("bob", offer))
    conference.admit("bob")

    async with asyncio.timeout(30):
        for frame in count():
            if told(alice):
                break
            for part in range(5):
                # By its own clock the sender is faster than the packets come: a queue that grows.
                alice.send_rtp(
                    rtp_packet(1001, 5 * frame + part, payload=bytes(900), number=frame & 0xFFFF,
                               timestamp=2000 * frame, payload_type=VIDEO)
                )  # fmt: skip
            await asyncio.sleep(1 / 30)  # as a camera does

    assert told(alice)[0] < 30 * 5 * 900 * 8
    await visitor.context.close()
    await alice.close()
    await relay.close()
