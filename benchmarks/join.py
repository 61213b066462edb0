"""How soon somebody who joins a running call sees the other, and what they may then send.

Serves an office, keeps a caseworker in a call and lets an admitted claimant join again and again,
each time with an empty browser. A join is timed by the page itself, from the start of its script
to the first frame of the other that is presented; `available_outgoing_bitrate` (bit/s) is what
Chromium's bandwidth estimate allows ten seconds after a join (W3C webrtc-stats).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.browser.chromium import Visitor, chromium
from tests.browser.office import CLAIMANT, Call, Office, served
from tests.browser.staff import let_in, sign_in

JOINS = 20
ESTIMATE_AFTER = 10.0  # seconds


async def measure(office: Office, joins: int) -> dict[str, float | int]:
    """Let the claimant join `joins` times; return the figures."""
    call = await office.book_call()
    async with chromium() as browser:
        await _in_the_room(browser, office, call)
        claimant = await _join(browser, office, call)
        first_frames: list[float] = []
        bitrate = await _estimate(claimant)
        for number in range(1, joins + 1):
            await claimant.context.close()
            claimant = await _join(browser, office, call)
            first_frames.append(await claimant.milliseconds("call:first-frame"))
            sys.stderr.write(f"join {number}: first frame after {first_frames[-1]:.0f} ms\n")
    quantiles = statistics.quantiles(first_frames, n=20, method="inclusive")
    return {
        "first_frame_p50_ms": round(statistics.median(first_frames), 1),
        "first_frame_p95_ms": round(quantiles[-1], 1),
        "available_outgoing_bitrate": round(bitrate),
        "joins": len(first_frames),
    }


async def _in_the_room(browser: Browser, office: Office, call: Call) -> None:
    """Put the caseworker into the room and admit the claimant once."""
    caseworker = await Visitor.with_browser(browser)
    await sign_in(caseworker.page, office.url)
    await caseworker.page.goto(f"{office.url}/staff/appointments/{call.appointment_id}/call")
    await caseworker.phase("room")
    claimant = await Visitor.with_browser(browser)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await let_in(caseworker.page, CLAIMANT.name)
    await claimant.sees(1)
    await claimant.context.close()


async def _join(browser: Browser, office: Office, call: Call) -> Visitor:
    claimant = await Visitor.with_browser(browser)
    await claimant.page.goto(f"{office.url}/call/{call.claimant}")
    await claimant.sees(1)
    return claimant


async def _estimate(claimant: Visitor) -> float:
    """Return the estimate ten seconds after the page began to load, in bit/s."""
    since_start = await claimant.page.evaluate("performance.now()") / 1000
    await asyncio.sleep(max(0.0, ESTIMATE_AFTER - since_start))
    bitrate = available_outgoing_bitrate(await claimant.report())
    sys.stderr.write(f"available outgoing bitrate after 10 s: {bitrate / 1e6:.2f} Mbit/s\n")
    return bitrate


def available_outgoing_bitrate(report: list[dict[str, Any]]) -> float:
    """Return the estimate of the path in use, in bit/s; 0 when there is none yet."""
    estimates = (
        float(entry.get("availableOutgoingBitrate", 0))
        for entry in report
        if entry["type"] == "candidate-pair" and entry.get("nominated")
    )
    return max(estimates, default=0.0)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.join")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--joins", type=int, default=JOINS)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as office:
        figures = asyncio.run(measure(office, options.joins))
    sys.stderr.write(f"took {time.monotonic() - began:.0f} s\n")
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:30} {value}\n")


if __name__ == "__main__":
    main()
