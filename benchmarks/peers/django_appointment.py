"""django-appointment, served by gunicorn with one worker, and its booking of two requests.

It is installed from PyPI into an environment of its own. Clients are signed in beforehand; a
booking is the form with the chosen time and the form with the claimant's particulars.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.loopback import Client

REQUIREMENTS = (
    "django-appointment==3.12.0",
    "Django==5.2.19",
    "gunicorn==27.0.1",
    "psycopg[binary]==3.3.9",
)
ROOT = Path(__file__).parents[2]
SITE = "benchmarks.peers.django_site"
STAFF = 50
CSRF = "0123456789abcdefghijklmnopqrstuv"
FOUND = 302


@dataclass(frozen=True, slots=True)
class Peer:
    """A served site; `sessions` are the cookies of signed-in clients."""

    origin: str
    pid: int
    service: int
    staff: list[int]
    sessions: list[str]

    def times(self, first: dt.date, days: int) -> Iterator[tuple[int, dt.date, dt.time]]:
        """Yield staff, day and time of what can be booked, nothing twice."""
        for offset in range(days):
            for hour in range(8, 16):
                for minute in (0, 30):
                    for member in self.staff:
                        yield member, first + dt.timedelta(days=offset), dt.time(hour, minute)

    def visitor(self, number: int) -> Client:
        """Return the signed-in client of that number."""
        client = Client(self.origin)
        client.cookies |= {"sessionid": self.sessions[number], "csrftoken": CSRF}
        return client

    async def book(self, client: Client, when: tuple[int, dt.date, dt.time]) -> bool:
        """Book by two forms; tell whether that succeeded."""
        member, date, start = when
        end = (dt.datetime.combine(date, start) + dt.timedelta(minutes=30)).time()
        chosen = await client.post(
            "/request-submit/",
            {
                "csrfmiddlewaretoken": CSRF, "date": date.isoformat(), "service": str(self.service),
                "start_time": start.isoformat(), "end_time": end.isoformat(),
                "staff_member": str(member),
            },
        )  # fmt: skip
        if chosen.status != FOUND:
            return False
        done = await client.post(
            chosen.location,
            {
                "csrfmiddlewaretoken": CSRF, "name": "Kim Beispiel", "email": "kim@example.org",
                "phone_0": "DE", "phone_1": "30901820", "address": "Platz 1", "payment_type": "full",
                "additional_info": "",
            },
        )  # fmt: skip
        return done.status == FOUND and "/thank-you/" in done.location


def install(folder: Path) -> Path:
    """Install the system under `folder`; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *REQUIREMENTS],
        check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return python


@contextlib.contextmanager
def served(python: Path, database: str, clients: int) -> Iterator[Peer]:
    """Fill and serve the site; `database` is a file's path or a PostgreSQL URL."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": f"{SITE}.settings", "PYTHONPATH": str(ROOT), **_store(database),
    }  # fmt: skip
    seeded = subprocess.run(
        [python, "-m", f"{SITE}.seed", str(STAFF), str(clients)],
        env=environment, cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    known = json.loads(seeded.stdout.splitlines()[-1])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [python, "-m", "gunicorn", "--workers=1", f"--bind=fd://{listener.fileno()}",
             "--log-level=error", f"{SITE}.wsgi:application"],
            env=environment, cwd=ROOT, pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
            asyncio.run(_answers(origin))
            yield Peer(origin, process.pid, **known)
        finally:
            process.terminate()
            process.wait(timeout=15)


def _store(database: str) -> dict[str, str]:
    parts = urlsplit(database)
    if parts.scheme:
        return {"PEER_DATABASE": parts.path.strip("/"), "PEER_PORT": str(parts.port)}
    return {"PEER_DATABASE": database}


async def _answers(origin: str) -> None:
    """Wait for the first answer: the socket listens already, so this takes one request."""
    async with Client(origin) as client:
        await asyncio.wait_for(client.get("/"), timeout=60)
