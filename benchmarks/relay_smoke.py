"""What forwarding costs: CPU of a relay process per packet, with all feedback on.

Starts a relay in a process of its own and calls of two in this one: headless clients with real
DTLS-SRTP that send video-sized packets at a steady pace. `cpu_us_per_packet` is the relay
process's user and system time, its timers included, divided by the packets it forwarded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from signaling.relay import Relay, RelayConfig
from tests.signaling.peer import Peer, rtp_packet

CALLS = 30
SECONDS = 5.0
PACKETS_PER_SECOND = 100
PAYLOAD = b"\x00\x01" + bytes(900)


def carry(pipe: Connection) -> None:
    """Run a relay and obey the commands that come through the pipe; the child's main."""
    uvloop.run(_carry(pipe))


async def _carry(pipe: Connection) -> None:
    relay = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    )
    over = asyncio.Event()

    def obey() -> None:
        match pipe.recv():
            case ("offer", room, who, sdp):
                pipe.send(relay.conference(room).offer(who, sdp))
            case ("admit", room, who):
                relay.conference(room).admit(who)
                pipe.send(None)
            case ("cost",):
                pipe.send((time.process_time(), dict(relay.counters)))
            case _:
                over.set()

    asyncio.get_running_loop().add_reader(pipe.fileno(), obey)
    await over.wait()
    await relay.close()


class DistantConference:
    """A conference in the relay process, as the peers need it."""

    def __init__(self, pipe: Connection, room: str) -> None:
        self._pipe = pipe
        self._room = room

    def offer(self, participant: str, sdp: str) -> Any:
        """Have an offer answered."""
        self._pipe.send(("offer", self._room, participant, sdp))
        return self._pipe.recv()

    def admit(self, participant: str) -> Any:
        """Let a participant in."""
        self._pipe.send(("admit", self._room, participant))
        return self._pipe.recv()


async def measure(pipe: Connection, calls: int, seconds: float) -> dict[str, float | int]:
    """Hold `calls` calls of two for `seconds`; return the figures."""
    peers = []
    for number in range(calls):
        conference: Any = DistantConference(pipe, f"call {number}")
        for index, who in enumerate(("a", "b"), 1):
            peers.append(await Peer.connect(conference, who, ssrc=1000 * index))
    print(f"{calls} calls connected", file=sys.stderr)
    pipe.send(("cost",))
    cpu_before, before = pipe.recv()
    await _talk(peers, seconds)
    pipe.send(("cost",))
    cpu_after, after = pipe.recv()
    forwarded = after["packets_forwarded"] - before.get("packets_forwarded", 0)
    for peer in peers:
        await peer.close()
    return {
        "calls": calls,
        "packets_forwarded": forwarded,
        "packets_per_second": round(forwarded / seconds),
        "cpu_us_per_packet": round((cpu_after - cpu_before) / forwarded * 1e6, 1),
    }


async def _talk(peers: list[Peer], seconds: float) -> None:
    pause = 1 / PACKETS_PER_SECOND
    start = time.perf_counter()
    for number in range(round(seconds * PACKETS_PER_SECOND)):
        for peer in peers:
            peer.send_rtp(
                rtp_packet(peer.ssrc + 1, number, payload=PAYLOAD, number=number & 0xFFFF)
            )
            peer.rtp.clear()
            peer.sent.clear()
            peer.raw_received.clear()
        await asyncio.sleep(max(0.0, start + (number + 1) * pause - time.perf_counter()))


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    options = parser.parse_args()
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    relay = context.Process(target=carry, args=(there,), daemon=True)
    relay.start()
    try:
        figures = uvloop.run(measure(here, options.calls, options.seconds))
    finally:
        here.send(("over",))
        relay.join(10)
    print(json.dumps(figures) if options.json else figures)


if __name__ == "__main__":
    main()
