"""What forwarding costs: CPU of the relay per packet, against Janus on the same traffic.

The callers of `benchmarks.callers` run in this process, each server in one of its own. CPU is the
server's user and system time from `/proc`, all its threads and timers included, per packet that
reached its receiver. Legs of the relay and of Janus take turns, so that whatever else the machine
does meets both; `ratio` is the median over the pairs. All times but `added_latency_p99_ms` are
CPU times; that one begins when a caller encrypts a packet and ends when the kernel has it for the
other, and is taken from a tenth of the hundred calls. The callers take most of a core themselves
and lose packets when it is busy, so `most_calls_lost` is what the relay did not send on.
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
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import uvloop

from benchmarks import relay_process
from benchmarks.callers import Caller, talk
from benchmarks.peers import janus
from signaling.relay.dtls import Certificate
from signaling.relay.line import Calls

CALLS = 30
GROWTH = (1, 10, 30, 100)
_AT_ONCE = 20  # handshakes
_TIMED = 10  # calls whose delay is measured
_TURNS = 3  # of one relay and two
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Server(Protocol):
    """What carries calls."""

    pid: int

    def sent_on(self) -> int | None:
        """Tell how many packets were sent on so far, None where that is not known."""

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
    """The part of the packets that the server did not send on; where it does not tell, that
    never came."""
    delay_p99_ms: float
    memory_per_call_kib: float
    waited: float
    """The part of the time that the server could have run and the machine had no core for it."""


async def carried(server: Server, host: str, calls: int, seconds: float) -> Leg:
    """Place calls and let everybody talk."""
    empty = _resident_kib(server.pid)
    callers = await _place([server], host, calls)
    talk(callers, 0.5)
    sent_before, waited_before = server.sent_on(), _waited_seconds(server.pid)
    before = _cpu_seconds(server.pid)
    heard = talk(callers, seconds)
    cpu = _cpu_seconds(server.pid) - before
    waited = _waited_seconds(server.pid) - waited_before
    sent_after = server.sent_on()
    lost = heard.lost
    if sent_before is not None and sent_after is not None:
        lost = 1 - (sent_after - sent_before) / heard.sent
    memory = (_resident_kib(server.pid) - empty) / calls
    await asyncio.gather(*(each.close() for each in callers))
    leg = Leg(
        cpu / heard.received * 1e6, heard.received / seconds, cpu / seconds, lost,
        heard.delay_p99_ms, memory, waited / seconds,
    )  # fmt: skip
    print(f"{calls} calls: {leg}", file=sys.stderr)
    return leg


async def ours(host: str, calls: int, seconds: float, kernel: Calls = Calls.SEGMENTED) -> Leg:
    """Measure a fresh relay that asks that much of the kernel."""
    with relay_process.running(host, kernel) as server:
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


async def ways(host: str, seconds: float) -> dict[str, float]:
    """Compare what the relay asks of the kernel: what each thing saves, by doing without it."""
    legs = [{each: await ours(host, CALLS, seconds, each) for each in Calls} for _ in range(_TURNS)]
    figures: dict[str, float] = {}
    for each in (Calls.BATCHED, Calls.PLAIN):
        ratios = [turn[each].us_per_packet / turn[Calls.SEGMENTED].us_per_packet for turn in legs]
        figures[f"{each}_over_segmented"] = round(statistics.median(ratios), 2)
    return figures


async def growth(host: str, seconds: float) -> dict[str, float]:
    """Measure more and more calls on one relay."""
    figures: dict[str, float] = {}
    for calls in GROWTH:
        leg = await ours(host, calls, seconds)
        figures[f"us_per_packet_{calls}_calls"] = round(leg.us_per_packet, 1)
    # The last leg has the most calls.
    figures["most_calls_core"] = round(leg.core, 2)
    figures["most_calls_lost"] = round(leg.lost, 4)
    figures["most_calls_waited"] = round(leg.waited, 3)
    figures["calls_per_core"] = round(calls / leg.core)
    figures["added_latency_p99_ms"] = round(leg.delay_p99_ms, 1)
    figures["memory_per_call_kib"] = round(leg.memory_per_call_kib)
    return figures


async def doubled(host: str, seconds: float) -> dict[str, float]:
    """Compare what two relays carry side by side with what one carries, each as busy as the one.

    Capacity is packets per CPU second, added up: with the callers on the same machine there is
    not a core for each, so what would fill the cores is not what is seen. What two relays take
    from each other (caches, locks of the kernel) makes their packets dearer, and shows.
    """
    ones, twos = [], []
    for _ in range(_TURNS):
        ones += await _capacities(host, 1, seconds)
        twos += await _capacities(host, 2, seconds)
    return {"two_over_one": round(2 * statistics.median(twos) / statistics.median(ones), 2)}


async def _capacities(host: str, relays: int, seconds: float) -> list[float]:
    """Give the packets per CPU second of each of some relays that carry `CALLS` each."""
    with ExitStack() as stack:
        servers = [stack.enter_context(relay_process.running(host)) for _ in range(relays)]
        callers = await _place([*servers], host, CALLS * relays)
        talk(callers, 0.5)
        before = [(each.sent_on(), _cpu_seconds(each.pid)) for each in servers]
        talk(callers, seconds)
        after = [(each.sent_on(), _cpu_seconds(each.pid)) for each in servers]
        await asyncio.gather(*(each.close() for each in callers))
    rates = [
        (sent - sent_before) / (cpu - cpu_before)
        for (sent_before, cpu_before), (sent, cpu) in zip(before, after, strict=True)
    ]
    print(f"{relays} relays: {rates} packets per CPU second", file=sys.stderr)
    return rates


async def measure(host: str, seconds: float, pairs: int) -> dict[str, float]:
    """Measure everything."""
    figures = await compared(host, seconds, pairs)
    figures |= await ways(host, seconds)
    return {**figures, **await growth(host, seconds), **await doubled(host, seconds)}


async def _place(servers: list[Server], host: str, calls: int) -> list[Caller]:
    certificate = Certificate()
    callers: list[Caller] = []
    answers: list[str] = []
    for number in range(calls):
        timed = number % max(calls // _TIMED, 1) == 0
        pair = [
            Caller(certificate, host, 1000 + 10 * (2 * number + each), timed=timed)
            for each in range(2)
        ]
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


def _waited_seconds(pid: int) -> float:
    # The kernel's sched-stats: nanoseconds run and nanoseconds waited to run, of the first thread.
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


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
