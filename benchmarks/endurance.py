"""What remains in the server after many joins and leaves beside long calls, and how it ends.

Serves an office. Two calls go on from beginning to end, sound in both directions. In a third one
the claimant joins and goes again and again, spread over the given minutes; every third time
without a word, as when a network breaks. After joins to warm up, and again at the end with the same
people present, it is noted what the server holds: resident memory (KiB), tasks of its event loop,
sockets and file descriptors. At last the server is ordered to end (SIGTERM).

What a participant leaves refers to itself in circles and waits for Python's collector; until then
the next ones take fresh memory. The allocator keeps that for those who come later, so resident
memory rises in the first joins and hardly in later ones: hence the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from aiohttp import ClientSession

from benchmarks.guests import Guest, call_of_two, welcoming_host
from tests.browser.office import Call, Office, served

JOINS, MINUTES = 1000, 60.0
LONG_CALLS = 2
WARM_UP = 200  # joins
_SILENT_EVERY = 3
_SETTLING = 25.0  # seconds; longer than a lost socket keeps its seat
_SAMPLES = 5
_HELD = ("rss_kib", "tasks", "sockets", "descriptors")


async def measure(
    office: Office, joins: int, minutes: float, *, warm_up: int = WARM_UP
) -> dict[str, float]:
    """Let a claimant join `joins` times within `minutes`; return the figures."""
    async with contextlib.AsyncExitStack() as stack:
        people: list[Guest] = []
        for _ in range(LONG_CALLS):
            people += await call_of_two(stack, office)
        call = await office.book_call()
        people.append(await welcoming_host(stack, office, call))
        await _join_and_go(office, call, warm_up, 0)
        begin = await held(office)
        connected = await _join_and_go(office, call, joins, minutes * 60)
        end = await held(office)
        took = await _ordered_to_end(office)
        told = sum(each.ended == "shutdown" for each in people)
        silence = max(each.longest_silence for each in people[: 2 * LONG_CALLS])
    growth = {f"{name}_growth": end[name] - begin[name] for name in _HELD}
    return {
        "joins": joins,
        "connected": connected,
        **{f"{name}_begin": begin[name] for name in _HELD},
        **{f"{name}_end": end[name] for name in _HELD},
        **growth,
        "longest_silence_ms": round(silence * 1000),
        "sigterm_seconds": round(took, 2),
        "told_to_reconnect": told,
        "people_at_the_end": len(people),
    }


async def held(office: Office) -> dict[str, int]:
    """Return what the server's process holds, once everything that is over has gone."""
    await asyncio.sleep(_SETTLING)
    resident = []
    for _ in range(_SAMPLES):
        resident.append(_resident(office))
        await asyncio.sleep(0.2)
    async with ClientSession() as session, session.get(f"{office.url}/metrics") as answer:
        tasks = re.search(r"^sprechzeit_tasks (\S+)", await answer.text(), re.MULTILINE)
    assert tasks is not None
    await asyncio.sleep(0.2)  # until the connection that asked is closed there, too
    opened = []
    for each in Path(f"/proc/{_pid(office)}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            opened.append(str(each.readlink()))
    return {
        "rss_kib": int(statistics.median(resident)),
        "tasks": int(float(tasks[1])),
        "sockets": sum(each.startswith("socket:") for each in opened),
        "descriptors": len(opened),
    }


def _pid(office: Office) -> int:
    assert office.server.process is not None
    return office.server.process.pid


def _resident(office: Office) -> int:
    """Return the resident memory of the server's process, in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{_pid(office)}/status").read_text())
    assert found is not None
    return int(found[1])


async def _join_and_go(office: Office, call: Call, joins: int, seconds: float) -> int:
    """Join and go, evenly spread over `seconds`; return how often the other was heard."""
    began = time.monotonic()
    for number in range(joins):
        await asyncio.sleep(max(0.0, began + seconds * number / joins - time.monotonic()))
        guest = Guest(office.url, "guest", 2000)
        await guest.join(f"/call/{call.claimant}/socket")
        await guest.hears()
        await (guest.leave() if number % _SILENT_EVERY else guest.vanish())
        if (number + 1) % 50 == 0:
            sys.stderr.write(f"{number + 1} joins, {_resident(office)} KiB\n")
    return joins


async def _ordered_to_end(office: Office) -> float:
    process = office.server.process
    assert process is not None
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.wait, 30)
    office.server.process = None
    return time.monotonic() - began


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.endurance")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--joins", type=int, default=JOINS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as office:
        figures = uvloop.run(measure(office, options.joins, options.minutes))
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:24} {value}\n")


if __name__ == "__main__":
    main()
