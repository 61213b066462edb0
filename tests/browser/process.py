"""The server as a process of its own, on free ports, with a log the tests can read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server import database

STARTING = 90.0  # seconds; many starts at once on a busy machine
COMMAND = str(Path(sys.executable).with_name("sprechzeit"))

T = TypeVar("T")


@dataclass
class Server:
    """The server's process. `journal` is the file it logs to."""

    environment: dict[str, str]
    journal: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start, wait until pages answer and return their origin."""
        with self.journal.open("wb") as log:
            self.process = subprocess.Popen(
                [COMMAND, "serve"], env=self.environment, stdout=log, stderr=log
            )
        origin = _origin(self.process, self.journal)
        self.environment["SPRECHZEIT_PORT"] = origin.rpartition(":")[2]
        return origin

    def stop(self) -> None:
        """Order the process to end and wait for it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)
            self.process = None


@contextlib.contextmanager
def running(
    folder: Path, settings: dict[str, str], fill: Callable[[str], Awaitable[T]]
) -> Iterator[tuple[Server, str, T]]:
    """Migrate a store in `folder`, fill it, and serve it until the block ends.

    `settings` are those of the server without their prefix. Yields the server, the address of
    its pages and what `fill`, which gets the store's URL, returned.
    """
    settings = {
        "DATA": str(folder),
        "PORT": "0",
        "RELAY_PORT": "0",
        "OFFICE": "Jobcenter Musterstadt",
        "RATE_LIMIT_FACTOR": "100",
        "LOG_FORMAT": "json",
        **settings,
    }
    foreign = {name: value for name, value in os.environ.items() if "SPRECHZEIT" not in name}
    environment = foreign | {f"SPRECHZEIT_{name}": value for name, value in settings.items()}

    async def filled() -> T:
        await database.migrate(store_url_of(folder))
        return await fill(store_url_of(folder))

    result = asyncio.run(filled())
    server = Server(environment, folder / "journal.log")
    try:
        yield server, server.start(), result
    finally:
        server.stop()


def store_url_of(folder: Path) -> str:
    """Return the URL of the store in the data folder."""
    return f"sqlite+prompt:///{folder / 'sprechzeit.sqlite3'}"


def _origin(process: subprocess.Popen[bytes], journal: Path) -> str:
    """Wait until the server has logged its origin and answers there."""
    give_up = time.monotonic() + STARTING
    while time.monotonic() < give_up and process.poll() is None:
        for line in journal.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError, OSError, TypeError):
                origin = str(json.loads(line)["origin"])
                with urllib.request.urlopen(f"{origin}/healthz", timeout=5):
                    return origin
        time.sleep(0.05)  # nothing else tells when a process is ready
    raise RuntimeError(f"the server did not start:\n{journal.read_text()}")
