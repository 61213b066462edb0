"""What forwarding costs: CPU of the relay per packet, against Janus on the same traffic.

The callers of `benchmarks.callers` run in this process, each server in one of its own. CPU is the
server's user and system time from `/proc`, all its threads and timers included, per packet that
reached its receiver. Legs of the relay and of Janus take turns, so that whatever else the machine
does meets both; `ratio` is the median over the pairs. All times but `added_latency_p99_ms` are
CPU times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import uvloop

from benchmarks import relay_process
from benchmarks.callers import Caller, talk
from benchmarks.peers import janus
from signaling.relay.dtls import Certificate

CALLS = 30
GROWTH = (1, 10, 30, 100)
_AT_ONCE = 20  # handshakes
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Server(Protocol):
    """What carries calls."""

    pid: int

    async def call(self, caller: Caller, called: Caller) -> tuple[str, str]:
        """Have two callers call each other; give the SDP each is to connect with."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one server did with some calls for some seconds."""

    us_per_packet: float
    packets_per_second: float
    core: float
    """The part of one core that the server took."""
    lost: float
    delay_p99_ms: float
    memory_per_call_kib: float


async def carried(server: Server, host: str, calls: int, seconds: float) -> Leg:
    """Place calls and let everybody talk."""
    empty = _resident_kib(server.pid)
    callers = await _place([server], host, calls)
    talk(callers, 0.5)
    before = _cpu_seconds(server.pid)
    heard = talk(callers, seconds)
    cpu = _cpu_seconds(server.pid) - before
    memory = (_resident_kib(server.pid) - empty) / calls
    await asyncio.gather(*(each.close() for each in callers))
    leg = Leg(
        cpu / heard.received * 1e6, heard.received / seconds, cpu / seconds, heard.lost,
        heard.delay_p99_ms, memory,
    )  # fmt: skip
    print(f"{calls} calls: {leg}", file=sys.stderr)
    return leg


async def ours(host: str, calls: int, seconds: float) -> Leg:
    """Measure a fresh relay."""
    with relay_process.running(host) as server:
        return await carried(server, host, calls, seconds)


async def theirs(host: str, calls: int, seconds: float) -> Leg:
    """Measure a fresh Janus."""
    async with janus.running(host, _free_port()) as server:
        return await carried(server, host, calls, seconds)


async def compared(host: str, seconds: float, pairs: int) -> dict[str, float]:
    """Measure both in turns."""
    legs = [
        (await ours(host, CALLS, seconds), await theirs(host, CALLS, seconds)) for _ in range(pairs)
    ]
    mine = _median([each for each, _ in legs], lambda leg: leg.us_per_packet)
    other = _median([each for _, each in legs], lambda leg: leg.us_per_packet)
    ratios = [each.us_per_packet / peer.us_per_packet for each, peer in legs]
    return {
        "calls": CALLS,
        "packets_per_second": round(legs[0][0].packets_per_second),
        "ours_us_per_packet": round(mine, 1),
        "janus_us_per_packet": round(other, 1),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_least": round(min(ratios), 2),
        "ratio_most": round(max(ratios), 2),
    }


async def growth(host: str, seconds: float) -> dict[str, float]:
    """Measure more and more calls on one relay."""
    figures: dict[str, float] = {}
    for calls in GROWTH:
        leg = await ours(host, calls, seconds)
        figures[f"us_per_packet_{calls}_calls"] = round(leg.us_per_packet, 1)
    # The last leg has the most calls.
    figures["most_calls_core"] = round(leg.core, 2)
    figures["most_calls_lost"] = round(leg.lost, 4)
    figures["calls_per_core"] = round(calls / leg.core)
    figures["added_latency_p99_ms"] = round(leg.delay_p99_ms, 1)
    figures["memory_per_call_kib"] = round(leg.memory_per_call_kib)
    return figures


async def doubled(host: str, seconds: float) -> dict[str, float]:
    """Compare the packets per CPU second of one relay with those of two that share the calls.

    Each process may use a core of its own; where the callers need one too, two relays cannot
    run at full speed side by side, so capacity is packets per CPU second of each, added up.
    """
    one = await ours(host, CALLS, seconds)
    with relay_process.running(host) as first, relay_process.running(host) as second:
        callers = await _place([first, second], host, CALLS)
        talk(callers, 0.5)
        before = [_cpu_seconds(each.pid) for each in (first, second)]
        heard = talk(callers, seconds)
        after = [_cpu_seconds(each.pid) for each in (first, second)]
        await asyncio.gather(*(each.close() for each in callers))
    # Both carry half.
    rates = [heard.received / 2 / (a - b) for a, b in zip(after, before, strict=True)]
    return {"two_over_one": round(sum(rates) * one.us_per_packet / 1e6, 2)}


async def measure(host: str, seconds: float, pairs: int) -> dict[str, float]:
    """Measure everything."""
    figures = await compared(host, seconds, pairs)
    return {**figures, **await growth(host, seconds), **await doubled(host, seconds)}


async def _place(servers: list[Server], host: str, calls: int) -> list[Caller]:
    certificate = Certificate()
    callers: list[Caller] = []
    answers: list[str] = []
    for number in range(calls):
        pair = [Caller(certificate, host, 1000 + 10 * (2 * number + each)) for each in range(2)]
        answers += await servers[number % len(servers)].call(pair[0], pair[1])
        callers += pair
    for few in range(0, len(callers), _AT_ONCE):
        last = few + _AT_ONCE
        await asyncio.gather(
            *(
                each.connect(answer)
                for each, answer in zip(callers[few:last], answers[few:last], strict=True)
            )
        )
    return callers


def _median(legs: list[Leg], figure: Callable[[Leg], float]) -> float:
    return statistics.median(map(figure, legs))


def _cpu_seconds(pid: int) -> float:
    # proc(5): after the name come state and parent, and as 12th and 13th user and system time.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _resident_kib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1024


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _own_host() -> str:
    # Janus leaves loopback out; the machine's own address takes the same way through the kernel.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent; the route tells the address
        except OSError:
            return "127.0.0.1"
        host: str = probe.getsockname()[0]
        return host


def _come_first() -> None:
    """Take precedence over other work, where that is allowed.

    A loaded machine takes the processor from one busy thread sooner than from many; what is
    measured is the work, not the waiting.
    """
    with suppress(OSError):
        os.nice(-15)
        Path("/proc/self/autogroup").write_text("-15")  # sched(7): whole sessions compete


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each leg")
    parser.add_argument("--pairs", type=int, default=5, help="turns of the relay and Janus")
    parser.add_argument("--ratio-only", action="store_true", help="leave out growth and memory")
    options = parser.parse_args()
    if not janus.PROGRAM.exists():
        sys.exit("Janus is not installed: apt install janus")
    _come_first()
    run = compared if options.ratio_only else measure
    figures = uvloop.run(run(_own_host(), options.seconds, options.pairs))
    print(json.dumps(figures) if options.json else figures)


if __name__ == "__main__":
    main()
