"""Our own server as processes of its own, with an office that has room for bookings."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from sqlalchemy import ColumnElement, delete, func, select, text

from benchmarks import plan_office
from benchmarks.pace import parent
from benchmarks.plan_office import Size
from scheduling import schema
from scheduling.grid import ZONE, local_date
from scheduling.store import Store, open_store
from server.database import alembic_config

ROOT = Path(__file__).parents[1]
STARTING = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves; `origin` has no trailing slash."""

    origin: str
    pid: int


async def prepared(url: str, size: Size) -> None:
    """Make an office with nothing booked from today on in an empty database."""
    store = open_store(url)
    await plan_office.fill(store, size, local_date(dt.datetime.now(dt.UTC)))
    async with store.writing() as tx:
        await tx.run_sync(lambda connection: command.stamp(alembic_config(connection), "head"))
    await store.close()
    await emptied(url)


async def emptied(url: str) -> None:
    """Take every booking from today on out of the plan again."""
    store = open_store(url)
    async with store.writing() as tx:
        for table in (schema.hold, schema.outbox):
            await tx.execute(delete(table))
        await tx.execute(delete(schema.appointment).where(_from_today()))
        await tx.execute(text("UPDATE resource SET claims_version = claims_version + 1"))
    if store.dialect == "postgresql":
        await plan_office.vacuum(store)
    await store.close()


async def stored(store: Store) -> tuple[int, int]:
    """Return how many appointments there are from today on, and how many letters."""
    count = func.count()
    async with store.reading() as tx:
        booked = await tx.scalar(select(count).select_from(schema.appointment).where(_from_today()))
        letters = await tx.scalar(select(count).select_from(schema.outbox))
    return booked or 0, letters or 0


def _from_today() -> ColumnElement[bool]:
    today = dt.datetime.combine(local_date(dt.datetime.now(dt.UTC)), dt.time(), ZONE)
    return schema.appointment.c.starts_at >= today


async def database_processes(store: Store) -> list[int]:
    """Return the process whose children do the database's work; SQLite's is done by the server."""
    if store.dialect == "sqlite":
        return []
    async with store.reading() as tx:
        return [parent((await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one())]


@contextlib.contextmanager
def served(folder: Path, url: str) -> Iterator[Server]:
    """Serve the office at `url`. Letters stay in the outbox: no mail server listens."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        settings = {
            "DATA": str(folder), "HOST": "127.0.0.1", "PORT": "0", "DATABASE_URL": url,
            "RELAY_PORT": "0", "RELAY_HOST_V4": "127.0.0.1", "RELAY_HOST_V6": "none",
            "ORGANIZER_EMAIL": "termine@office.example", "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(nobody.getsockname()[1]), "RATE_LIMIT_FACTOR": "1000000",
            "LOG_FORMAT": "json",
        }  # fmt: skip
    foreign = {name: value for name, value in os.environ.items() if "SPRECHZEIT" not in name}
    journal = folder / "journal.log"
    with journal.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "serve"], cwd=ROOT, stdout=log, stderr=log,
            env=foreign | {f"SPRECHZEIT_{name}": value for name, value in settings.items()},
        )  # fmt: skip
    try:
        yield Server(_origin(process, journal), process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def _origin(process: subprocess.Popen[bytes], journal: Path) -> str:
    give_up = time.monotonic() + STARTING
    while time.monotonic() < give_up and process.poll() is None:
        for line in journal.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError, OSError, TypeError):
                port = str(json.loads(line)["origin"]).rpartition(":")[2]
                origin = f"http://127.0.0.1:{port}"
                with urllib.request.urlopen(f"{origin}/healthz", timeout=5):
                    return origin
        time.sleep(0.05)  # nothing else tells when a process is ready
    raise RuntimeError(f"the server did not start:\n{journal.read_text()}")
