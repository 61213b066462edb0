"""Relay processes on free ports, and headless people who call through them over sockets."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from signaling.fleet import ControlAddress, Fleet
from signaling.fleet.link import Patience
from tests.signaling.caller import Caller
from tests.signaling.peer import AUDIO, Peer, rtp_packet

ROOT = Path(__file__).parents[2]
STARTING = 60.0  # seconds
_PACKETS_EVERY = 0.02  # seconds, as Opus sends


@dataclass
class RelayProcess:
    """`sprechzeit relay` with its control socket and its log in `folder`."""

    folder: Path
    name: str
    process: subprocess.Popen[bytes] | None = None
    ended_within: float = 0.0
    """Seconds it took to end when ordered to, at most."""

    @property
    def address(self) -> ControlAddress:
        return ControlAddress(path=f"{self.folder}/{self.name}.sock")

    def start(self) -> None:
        """Start and wait until it takes orders."""
        foreign = {name: value for name, value in os.environ.items() if "SPRECHZEIT" not in name}
        settings = {
            "RELAY_CONTROL": str(self.address), "RELAY_PORT": "0", "RELAY_HOST_V4": "127.0.0.1",
            "RELAY_HOST_V6": "none", "RELAY_ADVERTISED": "127.0.0.1", "LOG_FORMAT": "json",
        }  # fmt: skip
        journal = self.folder / f"{self.name}.log"
        with journal.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "relay"], cwd=ROOT, stdout=log, stderr=log,
                env=foreign | {f"SPRECHZEIT_{name}": value for name, value in settings.items()},
            )  # fmt: skip
        give_up = time.monotonic() + STARTING
        while '"relaying"' not in journal.read_text():
            if time.monotonic() > give_up or self.process.poll() is not None:
                raise RuntimeError(f"the relay did not start:\n{journal.read_text()}")
            time.sleep(0.05)  # nothing else tells when a process is ready

    def kill(self) -> None:
        """Kill it without a word."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """Order it to end."""
        began = time.monotonic()
        self._end(signal.SIGTERM)
        self.ended_within = max(self.ended_within, time.monotonic() - began)

    def _end(self, order: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(order)
            self.process.wait(15)


@contextlib.contextmanager
def relay_processes(folder: Path, *names: str) -> Iterator[list[RelayProcess]]:
    """Run a relay of each name."""
    relays = [RelayProcess(folder, each) for each in names]
    try:
        with ThreadPoolExecutor() as starting:
            list(starting.map(RelayProcess.start, relays))
        yield relays
    finally:
        for each in relays:
            each.kill()


@contextlib.asynccontextmanager
async def running_fleet(
    *addresses: ControlAddress, secret: bytes = b"", patience: Patience | None = None
) -> AsyncIterator[Fleet]:
    """Connect to the relays at `addresses` until the block ends."""
    fleet = Fleet(addresses, secret, patience)
    tasks = [asyncio.create_task(each.run()) for each in fleet.links]
    try:
        await fleet.tried(within=5)
        yield fleet
    finally:
        await fleet.close()
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
        await self.close()
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
        """Leave the media connection with a goodbye, as browsers do."""
        if self.peer is not None:
            await self.peer.close()


async def converse(*people: Person) -> None:
    """Let everyone speak until each hears another."""
    peers = [each.peer for each in people if each.peer is not None]
    for each in peers:
        each.rtp.clear()
    async with asyncio.timeout(10):
        while not all(each.rtp for each in peers):
            for one in people:
                one.speak()
            await asyncio.sleep(_PACKETS_EVERY)
