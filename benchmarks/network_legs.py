"""The parts of `benchmarks.networks`: one call each, or one after the other, on a bad network.

`python -m benchmarks.network_legs NAME FOLDER` runs one of them in an office of its own and prints
its figures as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.bad_calls import Person, meet, people
from benchmarks.network_profiles import (
    CLIMBING,
    ORDINARY,
    SETTLING,
    Figures,
    latest,
    on_profile,
    profile_keys,
    signing,
    signing_narrow,
    through_coturn_alone,
)
from tests.browser.office import Office, served
from tests.impairment.profiles import PROFILES, RANDOM_LOSS

_CHANGES = 20
_FOLLOWED = 2.5  # seconds after a change that sound may be away
_OUTAGE = 5.0  # seconds
_NARROW = 500  # kbit/s
_NARROWEST = 300  # kbit/s


@dataclass(frozen=True)
class Leg:
    """A part that prints the figures named `keys`, within `patience` seconds all in all."""

    name: str
    measure: Callable[[Path], Figures]
    keys: tuple[str, ...]
    patience: float = 100.0


def _in_an_office(act: Callable[[Office, Path], Awaitable[Figures]], folder: Path) -> Figures:
    with served(folder) as office:

        async def acted() -> Figures:
            return await act(office, folder)

        return asyncio.run(acted())


async def _on_a_home_line(
    act: Callable[[Person, Person], Awaitable[Figures]], office: Office, folder: Path
) -> Figures:
    """Do something in a call whose claimant has an ordinary line."""
    async with people(office, folder, 2) as (caseworker, claimant):
        claimant.network.mend(ORDINARY)
        await meet(office, [caseworker, claimant])
        return await act(caseworker, claimant)


async def _narrowing(caseworker: Person, claimant: Person) -> Figures:
    """Narrow the way to the claimant; see how soon the caseworker's browser sends less."""
    await asyncio.sleep(CLIMBING)
    began = time.time()
    claimant.network.change(up=ORDINARY, down=ORDINARY.with_(rate_kbit=_NARROW))
    await asyncio.sleep(8)
    sender = await caseworker.samples(began - 2)
    rates = list(sender.sending_rates())
    before = [rate for at, rate in rates if at <= began]
    above = [at for at, rate in rates if at > began and rate > _NARROW * 1000]
    gaps = (await claimant.samples(began)).longest_gap
    return {
        "narrowing_sent_before_kbit": round(statistics.mean(before) / 1000),
        "narrowing_followed_s": round(max(above, default=began) - began, 2),
        "narrowing_audio_gap_s": round(gaps, 3),
    }


async def _address_changes(caseworker: Person, claimant: Person) -> Figures:
    """Let the claimant's router change its port again and again."""
    await asyncio.sleep(SETTLING)
    draw = random.Random(1)
    gaps = []
    for number in range(1, _CHANGES + 1):
        began = time.time()
        claimant.network.rebind()
        await asyncio.sleep(_FOLLOWED + draw.random())
        gap = max([(await each.samples(began)).longest_gap for each in (caseworker, claimant)])
        sys.stderr.write(f"change {number}: {gap:.2f} s without sound\n")
        gaps.append(gap)
    quantiles = statistics.quantiles(gaps, n=20, method="inclusive")
    return {
        "address_change_audio_gap_p50_s": round(statistics.median(gaps), 3),
        "address_change_audio_gap_p95_s": round(quantiles[-1], 3),
        "address_change_number": len(gaps),
    }


async def _blackout(caseworker: Person, claimant: Person) -> Figures:
    """Take everything from the claimant for a while; see when sound and picture are back."""
    await asyncio.sleep(SETTLING)
    began = time.time()
    claimant.network.black_out(_OUTAGE)
    await asyncio.sleep(_OUTAGE + 5)
    back, seen = [], []
    for each in (caseworker, claimant):
        samples = await each.samples(began)
        back.append(max((gap.end for gap in samples.gaps()), default=began))
        after = samples.since(began + _OUTAGE)
        frames = after.taken[0]["frames"]
        moving = [one["at"] for one in after.taken if one["frames"] > frames + 1]
        seen.append(moving[0] if moving else None)
    picture = latest(seen)
    return {
        "blackout_s": _OUTAGE,
        "blackout_audio_back_s": round(max(*back, began + _OUTAGE) - began - _OUTAGE, 2),
        "blackout_picture_back_s": None if picture is None else round(picture - began - _OUTAGE, 2),
    }


async def _three_people(office: Office, folder: Path) -> Figures:
    """Put the third of three behind a narrow line; see what the other two still get."""
    async with people(office, folder, 3) as everybody:
        await meet(office, everybody)
        await asyncio.sleep(CLIMBING)
        before = await _exchanged(everybody[:2], 6)
        line = ORDINARY.with_(rate_kbit=_NARROWEST)
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


def _keys(prefix: str, names: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{each}" for each in names.split())


def _event(act: Callable[[Person, Person], Awaitable[Figures]]) -> Callable[[Path], Figures]:
    return partial(_in_an_office, partial(_on_a_home_line, act))


_ALL = (
    *(
        Leg(each.name, partial(_in_an_office, partial(on_profile, each)), profile_keys(each), 120.0)
        for each in (*PROFILES.values(), RANDOM_LOSS)
    ),
    Leg("tls_alone", through_coturn_alone, ("tls_alone_connected_s",)),
    Leg(
        "signing", partial(_in_an_office, signing),
        _keys("signing", "frames_per_second width height video_kbit freeze_s"),
    ),
    Leg(
        "signing_narrow", partial(_in_an_office, signing_narrow),
        _keys("signing_narrow", "frames_per_second width concealed_percent"), 120.0,
    ),
    Leg(
        "narrowing", _event(_narrowing),
        _keys("narrowing", "sent_before_kbit followed_s audio_gap_s"),
    ),
    Leg(
        "address_change", _event(_address_changes),
        _keys("address_change", "audio_gap_p50_s audio_gap_p95_s number"), 150.0,
    ),
    Leg("blackout", _event(_blackout), _keys("blackout", "s audio_back_s picture_back_s")),
    Leg(
        "three_people", partial(_in_an_office, _three_people),
        _keys(
            "three_people", "before_kbit after_kbit kept third_audio_gap_s third_concealed_percent"
        ),
        120.0,
    ),
)  # fmt: skip
LEGS = {each.name: each for each in _ALL}
"""All parts by name, in the order in which they run."""


def main() -> None:
    """Run one part; the figures are the last line."""
    name, folder = sys.argv[1:]
    print(json.dumps(LEGS[name].measure(Path(folder))))


if __name__ == "__main__":
    main()
