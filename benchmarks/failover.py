"""How long people hear nothing when the relay process that carries them is killed, or told to end.

Serves an office whose calls two relay processes carry. Calls of two with sound in both directions
go on while one relay after the other is killed (SIGKILL), or ordered to end (SIGTERM), and started
again. A gap is the longest time that somebody heard nothing, with sound sent every 20 ms.

Calls are begun anew each time: a room that loses three relays within a minute rests, since it may
be what brings them down (`signaling.fleet.fleet`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvloop
from aiohttp import ClientSession

from benchmarks.guests import Guest, call_of_two
from tests.browser.office import Office, served
from tests.signaling.relays import RelayProcess, relay_processes

CALLS, ENDS = 10, 3
_PATIENCE = 20.0  # seconds
_SETTLING = 2.0  # seconds; until a relay that came back has told its load


@contextlib.contextmanager
def office_on_relays(folder: Path) -> Iterator[tuple[Office, list[RelayProcess]]]:
    """Serve an office whose calls two relay processes carry."""
    with relay_processes(folder, "one", "two") as relays:
        control = ",".join(str(each.address) for each in relays)
        with served(folder, RELAYS=control) as office:
            yield office, relays


async def measure(
    office: Office, relays: Sequence[RelayProcess], calls: int, ends: int
) -> dict[str, float]:
    """Let `calls` go on while relays end `ends` times in either way; return the figures."""
    killed: list[float] = []
    ordered: list[float] = []
    for number in range(ends):
        async with contextlib.AsyncExitStack() as stack:
            people: list[Guest] = []
            for _ in range(calls):
                people += await call_of_two(stack, office)
            # Everybody is on the second after the first has ended, and the other way round.
            killed += await _gaps(office, people, relays[0], relays[0].kill)
            ordered += await _gaps(office, people, relays[1], relays[1].terminate)
        sys.stderr.write(f"{2 * number + 2} relays ended\n")
    return {
        "calls": calls,
        "killed": ends,
        "moved_people": len(killed) + len(ordered),
        **_spread("killed_gap", killed),
        **_spread("ordered_gap", ordered),
        "ordered_to_end_max_s": round(max(each.ended_within for each in relays), 2),
    }


async def _gaps(
    office: Office, people: list[Guest], relay: RelayProcess, end: Callable[[], object]
) -> list[float]:
    """End a relay, start it again; return the gaps of those who were on it, in seconds."""
    before = [each.connections for each in people]
    for each in people:
        each.longest_silence = 0.0
    await asyncio.to_thread(end)
    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(*(each.hears() for each in people))
        await _all_up(office, 1)
    moved = [each for each, count in zip(people, before, strict=True) if each.connections > count]
    gaps = [each.longest_silence for each in moved]
    await asyncio.to_thread(relay.start)
    await _all_up(office, 2)
    await asyncio.sleep(_SETTLING)
    return gaps


async def _all_up(office: Office, wanted: int) -> None:
    async with ClientSession(office.url) as session, asyncio.timeout(_PATIENCE):
        up = -1
        while up != wanted:
            async with session.get("/healthz") as answer:
                relays = (await answer.json())["parts"]["relay"]["relays"]
            up = sum(each["state"] == "up" for each in relays)
            await asyncio.sleep(0.1)  # the state is to be asked for


def _spread(name: str, gaps: list[float]) -> dict[str, float]:
    if len(gaps) < 2:
        raise RuntimeError("nobody was on the relays that ended")
    p95 = statistics.quantiles(gaps, n=20, method="inclusive")[-1]
    figures = {"p50": statistics.median(gaps), "p95": p95, "max": max(gaps)}
    return {f"{name}_{each}_ms": round(gap * 1000) for each, gap in figures.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.failover")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--ends", type=int, default=ENDS, help="kills, and as many orders to end")
    options = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        office_on_relays(Path(folder)) as (office, relays),
    ):
        figures = uvloop.run(measure(office, relays, options.calls, options.ends))
    sys.stderr.write(f"took {time.monotonic() - began:.0f} s\n")
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:24} {value}\n")


if __name__ == "__main__":
    main()
