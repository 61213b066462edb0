"""What calls are like on bad networks: real browsers, the real pages, and networks made bad.

The claimant's media passes through a proxy of our own (`tests/impairment`), which loses, delays
and narrows by profile; everybody else's network is faultless. What each person hears and sees is
told by their browser (W3C webrtc-stats). `up` is what the caseworker gets of the claimant, `down`
what the claimant gets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import TimeoutError as NotInTime

from benchmarks.bad_calls import Person, film, meet, people
from benchmarks.call_samples import Samples
from tests.browser.office import Office, served
from tests.impairment.link import Conditions
from tests.impairment.profiles import PROFILES, RANDOM_LOSS, Profile

Figures = dict[str, float | int | bool | None]

ORDINARY = Conditions(delay_ms=25)
"""One way of a home line; WebPageTest's "DSL" has a round trip of 50 ms."""
SETTLING = 5.0  # seconds after a call has begun
CLIMBING = 15.0  # seconds until the senders' rate has grown
CHANGES = 20
OUTAGE = 5.0  # seconds
NARROW = 500  # kbit/s
NARROWEST = 300  # kbit/s
BARS = {
    "loss_20_percent_concealed_percent": 5.0,
    "narrowing_followed_s": 3.0,
    "narrowing_audio_gap_s": 0.2,
    "address_change_audio_gap_p95_s": 1.0,
    "blackout_audio_back_s": 1.0,
    "udp_blocked_connected_s": 3.0,
}
"""What a figure may be at most."""
LEAST = {"three_people_kept": 0.9}
"""What a figure must be at least."""


async def profile(office: Office, camera: Path, network: Profile, seconds: float) -> Figures:
    """Meet behind a profile and measure `seconds` of the call."""
    name = network.name
    async with people(office, camera, 2) as (caseworker, claimant):
        claimant.network.be(network)
        try:
            connected = await meet(office, [caseworker, claimant])
        except NotInTime:
            return {f"{name}_connected_s": None}
        await asyncio.sleep(SETTLING)
        began = time.time()
        await asyncio.sleep(seconds)
        up, down = await caseworker.samples(began), await claimant.samples(began)
    figures: Figures = {f"{name}_connected_s": round(connected, 2)}
    for direction, samples in (("up", up), ("down", down)):
        figures |= _quality(f"{name}_{direction}", samples)
    worst = max(up.concealment, down.concealment)
    return figures | {f"{name}_concealed_percent": round(100 * worst, 2)}


def _quality(prefix: str, samples: Samples) -> Figures:
    last = samples.taken[-1]
    return {
        f"{prefix}_concealed_percent": round(100 * samples.concealment, 2),
        f"{prefix}_audio_gap_s": round(samples.longest_gap, 2),
        f"{prefix}_freeze_s": round(samples.growth("freezes"), 2),
        f"{prefix}_width": last["width"],
        f"{prefix}_height": last["height"],
        f"{prefix}_frames_per_second": round(samples.frame_rate, 1),
    }


async def narrowing(caseworker: Person, claimant: Person) -> Figures:
    """Narrow the way to the claimant; see how soon the caseworker's browser sends less."""
    await asyncio.sleep(CLIMBING)
    began = time.time()
    claimant.network.change(up=ORDINARY, down=ORDINARY.with_(rate_kbit=NARROW))
    await asyncio.sleep(8)
    sender = await caseworker.samples(began - 2)
    rates = list(sender.sending_rates())
    before = [rate for at, rate in rates if at <= began]
    above = [at for at, rate in rates if at > began and rate > NARROW * 1000]
    gaps = (await claimant.samples(began)).longest_gap
    return {
        "narrowing_sent_before_kbit": round(statistics.mean(before) / 1000),
        "narrowing_followed_s": round(max(above, default=began) - began, 2),
        "narrowing_audio_gap_s": round(gaps, 3),
    }


async def address_changes(caseworker: Person, claimant: Person) -> Figures:
    """Let the claimant's router change its port again and again."""
    await asyncio.sleep(SETTLING)
    draw = random.Random(1)
    gaps = []
    for number in range(1, CHANGES + 1):
        began = time.time()
        claimant.network.rebind()
        await asyncio.sleep(3 + draw.random())
        gap = max([(await each.samples(began)).longest_gap for each in (caseworker, claimant)])
        sys.stderr.write(f"change {number}: {gap:.2f} s without sound\n")
        gaps.append(gap)
    quantiles = statistics.quantiles(gaps, n=20, method="inclusive")
    return {
        "address_change_audio_gap_p50_s": round(statistics.median(gaps), 3),
        "address_change_audio_gap_p95_s": round(quantiles[-1], 3),
        "address_changes": len(gaps),
    }


async def blackout(caseworker: Person, claimant: Person) -> Figures:
    """Take everything from the claimant for a while; see when sound and picture are back."""
    await asyncio.sleep(SETTLING)
    began = time.time()
    claimant.network.black_out(OUTAGE)
    await asyncio.sleep(OUTAGE + 5)
    back, seen = [], []
    for each in (caseworker, claimant):
        samples = await each.samples(began)
        back.append(max((gap.end for gap in samples.gaps()), default=began))
        after = samples.between(began + OUTAGE)
        frames = after.taken[0]["frames"]
        moving = [one["at"] for one in after.taken if one["frames"] > frames + 1]
        seen.append(moving[0] if moving else float("inf"))
    return {
        "blackout_s": OUTAGE,
        "blackout_audio_back_s": round(max(*back, began + OUTAGE) - began - OUTAGE, 2),
        "blackout_picture_back_s": round(max(seen) - began - OUTAGE, 2),
    }


async def three_people(office: Office, camera: Path) -> Figures:
    """Put the third of three behind a narrow line; see what the other two still get."""
    async with people(office, camera, 3) as everybody:
        await meet(office, everybody)
        await asyncio.sleep(CLIMBING)
        before = await _exchanged(everybody[:2], 6)
        line = ORDINARY.with_(rate_kbit=NARROWEST)
        everybody[2].network.change(up=line, down=line)
        began = time.time()
        await asyncio.sleep(SETTLING)
        after = await _exchanged(everybody[:2], 8)
        third = await everybody[2].samples(began)
    return {
        "three_people_before_kbit": round(before / 1000),
        "three_people_after_kbit": round(after / 1000),
        "three_people_kept": round(after / before, 2),
        "three_people_third_audio_gap_s": round(third.longest_gap, 2),
        "three_people_third_concealed_percent": round(100 * third.concealment, 2),
    }


async def _exchanged(two: list[Person], seconds: float) -> float:
    """Return the bit/s that the slower of the two sends."""
    began = time.time()
    await asyncio.sleep(seconds)
    return min([(await each.samples(began)).bitrate for each in two])


async def measure(office: Office, camera: Path, wanted: list[str], seconds: float) -> Figures:
    """Run the wanted parts, one call after the other."""
    figures: Figures = {}
    for each in (*PROFILES.values(), RANDOM_LOSS):
        if each.name in wanted:
            figures |= _told(await profile(office, camera, each, seconds))
    parts: dict[str, Callable[[Person, Person], Awaitable[Figures]]] = {
        "narrowing": narrowing, "address_change": address_changes, "blackout": blackout,
    }  # fmt: skip
    for name, part in parts.items():
        if name in wanted:
            async with people(office, camera, 2) as (caseworker, claimant):
                claimant.network.change(up=ORDINARY, down=ORDINARY)
                await meet(office, [caseworker, claimant])
                figures |= _told(await part(caseworker, claimant))
    if "three_people" in wanted:
        figures |= _told(await three_people(office, camera))
    return figures


def _told(figures: Figures) -> Figures:
    for name, value in figures.items():
        sys.stderr.write(f"{name}: {value}\n")
    return figures


def missed(figures: Figures) -> list[str]:
    """Return the figures that are not within their bar."""
    return [
        name
        for name, value in figures.items()
        if (name in BARS and (value is None or value > BARS[name]))
        or (name in LEAST and (value is None or value < LEAST[name]))
    ]


def main() -> None:
    """Run the benchmark."""
    everything = [
        *PROFILES, RANDOM_LOSS.name, "narrowing", "address_change", "blackout", "three_people",
    ]  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.networks")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--seconds", type=float, default=20.0, help="measured of each profile")
    parser.add_argument("--only", nargs="+", choices=everything, default=everything)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as office:
        camera = Path(folder) / "camera.y4m"
        film(camera)
        figures = asyncio.run(measure(office, camera, options.only, options.seconds))
    bars = missed(figures)
    figures["bars_missed"] = len(bars)
    sys.stderr.write(f"missed: {', '.join(bars) or 'none'}\n")
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:44} {value}\n")


if __name__ == "__main__":
    main()
