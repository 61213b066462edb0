"""Calls that are on one bad network all the time: what people hear and see there.

`up` is what the caseworker, whose network is faultless, gets of the claimant, `down` what the
claimant gets.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import TimeoutError as NotInTime

from benchmarks import bad_calls
from benchmarks.bad_calls import Person, film, meet, people, person, relay_ports
from benchmarks.call_samples import Samples
from tests.browser.office import Office, served
from tests.impairment.link import Conditions
from tests.impairment.process import BadNetwork, bad_network
from tests.impairment.profiles import UDP_BLOCKED, Profile
from tests.signaling import coturn

Figures = dict[str, float | int | None]

ORDINARY = Conditions(delay_ms=25)
"""One way of a home line; WebPageTest's "DSL" has a round trip of 50 ms."""
SETTLING = 5.0
"""Seconds after a call has begun."""
CLIMBING = 12.0
"""Seconds until the senders' rate has grown."""
_MEASURED = 15.0  # seconds of a call
_RECOVERY = 15.0  # seconds that people may take to recover
_SIGNING_RATE = 24  # frames a second, what our page asks cameras for
_NARROW_UPLINK = 200  # kbit/s
_OVERSHOOTING = 40.0  # seconds within which a browser overrates an uplink
_NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"
_DISCARD = 9  # the port of RFC 863, at which nobody is
_QUALITY = ("concealed_percent", "audio_gap_s", "freeze_s", "width", "height", "frames_per_second")


async def on_profile(network: Profile, office: Office, folder: Path) -> Figures:
    """Meet behind a profile, measure some of the call, then mend the network and see it recover.

    A firewall does not mend.
    """
    name = network.name
    async with people(office, folder, 2) as (caseworker, claimant):
        claimant.network.be(network)
        try:
            connected = await meet(office, [caseworker, claimant])
        except NotInTime:
            return dict.fromkeys(profile_keys(network))
        await asyncio.sleep(SETTLING)
        began = time.time()
        await asyncio.sleep(_MEASURED)
        up, down = await caseworker.samples(began), await claimant.samples(began)
        recovered: Figures = {}
        if network.udp:
            recovered = await _recovery(name, caseworker, claimant)
        elif (way := await claimant.visitor.way())["protocol"] != "tcp":
            raise RuntimeError(f"UDP was not blocked: {way}")
    figures: Figures = {f"{name}_connected_s": round(connected, 2)}
    for direction, samples in (("up", up), ("down", down)):
        figures |= _quality(f"{name}_{direction}", samples)
    worst = max(up.concealment, down.concealment)
    return figures | {f"{name}_concealed_percent": round(100 * worst, 2)} | recovered


def profile_keys(network: Profile) -> tuple[str, ...]:
    """Give the names of the figures of a profile."""
    names = ["connected_s", *(f"{way}_{each}" for way in ("up", "down") for each in _QUALITY)]
    names += ["concealed_percent"]
    names += ["sound_recovered_s", "picture_recovered_s"] if network.udp else []
    return tuple(f"{network.name}_{each}" for each in names)


def _quality(prefix: str, samples: Samples) -> Figures:
    last = samples.taken[-1]
    found = (
        round(100 * samples.concealment, 2),
        round(samples.longest_gap, 2),
        round(samples.growth("freezes"), 2),
        last["width"],
        last["height"],
        round(samples.frame_rate, 1),
    )
    return {f"{prefix}_{name}": value for name, value in zip(_QUALITY, found, strict=True)}


async def _recovery(name: str, caseworker: Person, claimant: Person) -> Figures:
    """Mend the claimant's network; see when sound and picture are at their best in both directions.

    None for what is not within `_RECOVERY`.
    """
    began = time.time()
    claimant.network.mend(ORDINARY)
    recovered: tuple[float | None, float | None] = (None, None)
    while time.time() < began + _RECOVERY and None in recovered:
        await asyncio.sleep(1)
        samples = [await each.samples(began - 1) for each in (caseworker, claimant)]
        sound = [each.sounds_well_since(began) for each in samples]
        pictures = [
            each.shows_well_since(began, bad_calls.WIDTH, bad_calls.RATE) for each in samples
        ]
        recovered = (latest(sound), latest(pictures))
    after = [None if each is None else round(each - began, 1) for each in recovered]
    return {f"{name}_sound_recovered_s": after[0], f"{name}_picture_recovered_s": after[1]}


def latest(moments: Sequence[float | None]) -> float | None:
    """Give the latest of some moments, None when one has not come."""
    known = [each for each in moments if each is not None]
    return max(known) if len(known) == len(moments) else None


def through_coturn_alone(folder: Path) -> Figures:
    """Let nothing but TLS to the office's coturn through; see how soon people see each other.

    The browser sends no UDP, and finds nobody at the relay's TCP port. What it tells coturn of the
    relay is true.
    """
    with contextlib.ExitStack() as stack:
        turn = stack.enter_context(coturn.running(folder))
        firewall = stack.enter_context(bad_network(turn.tls_port))
        firewall.be(UDP_BLOCKED)
        url = f"turns:{coturn.HOST}:{firewall.port}?transport=tcp"
        office = stack.enter_context(served(folder, TURN_URLS=url, TURN_SECRET=coturn.SECRET))
        network = stack.enter_context(bad_network(relay_ports(office)[0]))
        return asyncio.run(_through(turn, office, network, firewall, folder))


async def _through(
    turn: coturn.Coturn, office: Office, network: BadNetwork, firewall: BadNetwork, folder: Path
) -> Figures:
    film(camera := folder / "camera.y4m")
    relay_port, _ = relay_ports(office)
    trust = f"--ignore-certificate-errors-spki-list={turn.fingerprint}"
    async with (
        person(camera, network) as caseworker,
        person(camera, firewall, trust, _NO_UDP, ports=(relay_port, _DISCARD)) as claimant,
    ):
        connected = await meet(office, [caseworker, claimant])
        way = await claimant.visitor.way()
    if (way["candidateType"], way.get("relayProtocol")) != ("relay", "tls"):
        raise RuntimeError(f"the firewall was passed by {way}")
    return {"tls_alone_connected_s": round(connected, 2)}


async def signing(office: Office, folder: Path) -> Figures:
    """Let two people sign to each other; the worse of both is told."""
    async with people(office, folder, 2, _SIGNING_RATE) as both:
        for each in both:
            each.network.mend(ORDINARY)
        await meet(office, both)
        for each in both:
            await each.visitor.page.evaluate("document.querySelector('[data-signing]').click()")
        await asyncio.sleep(CLIMBING)
        began = time.time()
        await asyncio.sleep(_MEASURED)
        samples = [await each.samples(began) for each in both]
    return {
        "signing_frames_per_second": round(min(each.frame_rate for each in samples), 1),
        "signing_width": min(each.taken[-1]["width"] for each in samples),
        "signing_height": min(each.taken[-1]["height"] for each in samples),
        "signing_video_kbit": round(max(each.video_bitrate for each in samples) / 1000),
        "signing_freeze_s": round(max(each.growth("freezes") for each in samples), 2),
    }


async def signing_narrow(office: Office, folder: Path) -> Figures:
    """Let somebody sign behind a narrow uplink; what the other hears and sees is told."""
    async with people(office, folder, 2, _SIGNING_RATE) as (caseworker, claimant):
        for each in (caseworker, claimant):
            each.network.mend(ORDINARY)
        claimant.network.change(ORDINARY.with_(rate_kbit=_NARROW_UPLINK), ORDINARY)
        await meet(office, [caseworker, claimant])
        await asyncio.sleep(CLIMBING)
        await claimant.visitor.page.evaluate("document.querySelector('[data-signing]').click()")
        await asyncio.sleep(SETTLING)
        began = time.time()
        await asyncio.sleep(_OVERSHOOTING)
        samples = await caseworker.samples(began)
    return {
        "signing_narrow_frames_per_second": round(samples.frame_rate, 1),
        "signing_narrow_width": samples.taken[-1]["width"],
        "signing_narrow_concealed_percent": round(100 * samples.concealment, 2),
    }
