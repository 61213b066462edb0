"""A relay in a process of its own, told what to do through a pipe."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from benchmarks.call_sdp import relay_offer
from benchmarks.callers import Caller
from signaling.relay import Relay, RelayConfig
from signaling.relay.line import Calls


class DistantRelay:
    """The relay process as seen from here; `pid` is its process."""

    def __init__(self, pid: int, pipe: Connection) -> None:
        self.pid = pid
        self._pipe = pipe
        self._calls = 0

    async def call(self, caller: Caller, called: Caller) -> tuple[str, str]:
        """Put two callers into a room of their own; give the SDP each is to connect with."""
        self._calls += 1
        first, second = (
            str(self._ask("enter", self._calls, each.ssrc, relay_offer(each)))
            for each in (caller, called)
        )
        return first, second

    def sent_on(self) -> int:
        """Ask how many packets the relay has given to the kernel for their receivers."""
        counted: dict[str, int] = self._ask("counters")
        return counted["packets_forwarded"] - counted.get("dropped_unsendable", 0)

    def dropped(self) -> int:
        """Ask how many datagrams the relay has dropped."""
        counted: dict[str, int] = self._ask("counters")
        return sum(count for name, count in counted.items() if name.startswith("dropped_"))

    def _ask(self, *message: Any) -> Any:
        self._pipe.send(message)
        return self._pipe.recv()


@contextmanager
def running(host: str, calls: Calls = Calls.SEGMENTED) -> Iterator[DistantRelay]:
    """Run a relay with its port on `host`."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=carry, args=(there, host, calls), daemon=True
    )
    process.start()
    assert process.pid is not None
    try:
        here.recv()
        yield DistantRelay(process.pid, here)
    finally:
        here.send(("over",))
        process.join(10)


def carry(pipe: Connection, host: str, calls: Calls) -> None:
    """Run a relay and obey the commands that come through the pipe; the child's main."""
    uvloop.run(_carry(pipe, host, calls))


async def _carry(pipe: Connection, host: str, calls: Calls) -> None:
    relay = await Relay.start(
        RelayConfig(host_v4=host, host_v6=None, advertised=(host,), calls=calls)
    )
    over = asyncio.Event()

    def obey() -> None:
        match pipe.recv():
            case ("enter", room, who, sdp):
                conference = relay.conference(str(room))
                pipe.send(conference.offer(str(who), sdp))
                conference.admit(str(who))
            case ("counters",):
                pipe.send(dict(relay.counters))
            case _:
                over.set()

    asyncio.get_running_loop().add_reader(pipe.fileno(), obey)
    gc.freeze()  # as the relay's own command does
    pipe.send("ready")
    await over.wait()
    await relay.close()
