"""Relay processes on free ports, and headless people who call through them over sockets."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from signaling.fleet import ControlAddress
from tests.signaling.caller import Caller
from tests.signaling.peer import AUDIO, Peer, rtp_packet

ROOT = Path(__file__).parents[2]
STARTING = 30.0  # seconds
_PACKETS_EVERY = 0.02  # seconds, as Opus sends


@dataclass
class RelayProcess:
    """`sprechzeit relay` at `address`, with settings of its own."""

    address: ControlAddress
    settings: dict[str, str]
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start and wait until it takes orders."""
        foreign = {name: value for name, value in os.environ.items() if "SPRECHZEIT" not in name}
        own = {
            "RELAY_CONTROL": str(self.address), "RELAY_PORT": "0", "RELAY_HOST_V4": "127.0.0.1",
            "RELAY_HOST_V6": "none", "RELAY_ADVERTISED": "127.0.0.1", "LOG_FORMAT": "json",
            **self.settings,
        }  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", "relay", cwd=ROOT, stderr=asyncio.subprocess.PIPE,
            env=foreign | {f"SPRECHZEIT_{name}": value for name, value in own.items()},
        )  # fmt: skip
        assert self.process.stderr is not None
        said = []
        async with asyncio.timeout(STARTING):
            while line := await self.process.stderr.readline():
                said.append(line)
                with contextlib.suppress(ValueError):
                    if json.loads(line)["event"] == "relaying":
                        return
        raise RuntimeError(f"the relay did not start: {said}")

    async def kill(self) -> None:
        """Kill it without a word."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> float:
        """Order it to end; give the seconds that took."""
        began = time.monotonic()
        await self._end(signal.SIGTERM)
        return time.monotonic() - began

    def pause(self) -> None:
        """Stop it where it is: its sockets stay open and nothing answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    async def _end(self, order: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(order)
            # Reading on, so that a full pipe does not hold it up.
            await asyncio.wait_for(self.process.communicate(), 15)


@contextlib.asynccontextmanager
async def relay_processes(folder: Path, *numbers: int) -> AsyncIterator[list[RelayProcess]]:
    """Run a relay for each number, on a Unix socket in `folder`."""
    relays = [RelayProcess(ControlAddress(path=f"{folder}/{each}.sock"), {}) for each in numbers]
    try:
        await asyncio.gather(*(each.start() for each in relays))
        yield relays
    finally:
        for each in relays:
            await each.kill()


class Person:
    """Somebody in a call as a browser is: a socket, a media connection, and what `moved` asks."""

    def __init__(self, caller: Caller, name: str, ssrc: int) -> None:
        self.caller = caller
        self.name = name
        self.ssrc = ssrc
        self.peer: Peer | None = None
        self._offers = 0
        self._sequence = 0

    async def connect(self) -> None:
        """Offer on a new media connection and connect it."""
        if self.peer is not None:
            self.peer.transport.close()
        self.peer = Peer(self.name, self.ssrc)
        await self.peer.open()
        self._offers += 1
        await self.caller.say("offer", id=self._offers, sdp=self.peer.offer())
        self.peer.answer = (await self.caller.hear("answer", id=self._offers))["sdp"]
        await self.peer.bind()
        await self.peer.handshake()

    def speak(self) -> None:
        """Send 20 ms of sound."""
        assert self.peer is not None
        self._sequence += 1
        self.peer.send_rtp(rtp_packet(self.ssrc, self._sequence, payload_type=AUDIO))

    async def close(self) -> None:
        """Leave the media connection."""
        if self.peer is not None:
            await self.peer.close()


async def converse(*people: Person) -> None:
    """Let everyone speak until each hears another."""
    for each in people:
        each.peer.rtp.clear()
    async with asyncio.timeout(10):
        while not all(each.peer.rtp for each in people):
            for each in people:
                each.speak()
            await asyncio.sleep(_PACKETS_EVERY)
