"""How many bookings a second the whole of it takes: pages, transaction, letter in the outbox.

Sixteen clients on loopback book as fast as they are answered: by one order (`web.api`), by two
forms (hold, then confirm), and by the public path, every page and form from the first to the
confirmation. The same clients then book at django-appointment, by its two forms, on the same
kind of database. The office has had some thousand consultations before: PostgreSQL plans for tables
of the size that they have, and keeps what it has planned for empty ones. Everything is served at
once and measured in turn, round after round, so that each figure is a median and the ratios hold on
a busy machine too; the CPU time per booking, of the servers and of PostgreSQL, is given besides. No
mail server listens: letters wait in the outbox.

Clients that wait for their answers offer no more load than there are of them. Two processes are
therefore booked at by sixteen clients each (`two_over_one`), and once more by sixteen in all
(`two_over_one_same_clients`). Everything shares one machine: where its cores are full, the second
process adds nothing, whatever it could carry.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import uvloop

from benchmarks import plan_office, served
from benchmarks.loopback import Client
from benchmarks.pace import Book, Pace, paced
from benchmarks.peers import django_appointment
from benchmarks.peers.django_appointment import Peer
from benchmarks.plan_office import Size
from benchmarks.served import Server
from benchmarks.slots import databases
from scheduling.grid import ZONE, local_date
from scheduling.model import Way
from scheduling.store import open_store
from tests.postgresql import running_server

CLIENTS = 16
WARMING = 1.0  # seconds
CREATED, SEE_OTHER, OK = 201, 303, 200
OFFICE = Size(booked=0.0, past=5000)
TOKEN = re.compile(rb'name="_csrf" value="([^"]+)"')
START = re.compile(rb'name="start" value="([^"]+)"')
PAGE = f"/book/{plan_office.TOPIC}"
DETAILS = {"name": "Kim Beispiel", "email": "kim@example.org", "phone": "030 901820"}
WAYS = (Way.VIDEO, Way.PHONE, Way.IN_PERSON)


def free_times(size: Size, now: dt.datetime) -> list[tuple[Way, str]]:
    """Return more than enough times to book, each as often as it can be had, in mixed order."""
    length, found = size.minutes + plan_office.BUFFER_MINUTES, []
    for offset in range(1, size.days):
        date = local_date(now) + dt.timedelta(days=offset)
        midnight = dt.datetime.combine(date, dt.time(), ZONE)
        for weekday, opens, closes in size.hours:
            if weekday != date.weekday():
                continue
            for minute in range(opens, closes - length + 1, length):
                start = midnight.replace(hour=minute // 60, minute=minute % 60).isoformat()
                # A quarter come in person; there are fewer rooms than caseworkers.
                ways = (Way.VIDEO, Way.PHONE, Way.VIDEO, Way.PHONE, Way.IN_PERSON)
                found += [(ways[n % len(ways)], start) for n in range(size.caseworkers * 9 // 10)]
    random.Random(1).shuffle(found)
    return found


async def orders(
    servers: Sequence[Server], times: Iterator[tuple[Way, str]], clients: int
) -> tuple[list[Client], Book]:
    """Return so many programs on behalf of claimants, and how each of them books."""
    visitors = [Client(servers[number % len(servers)].origin) for number in range(clients)]

    async def book(client: Client, _number: int) -> bool:
        way, start = next(times)
        site = "site-1" if way is Way.IN_PERSON else ""
        order = {"topic": plan_office.TOPIC, "way": way, "site": site, "start": start}
        done = await client.post_json("/api/appointments", order | DETAILS)
        return done.status == CREATED

    return visitors, book


async def two_forms(
    servers: Sequence[Server], times: Iterator[tuple[Way, str]]
) -> tuple[list[Client], Book]:
    """Return clients that have seen the page of times, and how each of them books."""
    visitors = [Client(servers[number % len(servers)].origin) for number in range(CLIENTS)]
    tokens = [_token((await client.get(f"{PAGE}/phone")).body) for client in visitors]

    async def book(client: Client, number: int) -> bool:
        way, start = next(times)
        site = "site-1" if way is Way.IN_PERSON else ""
        form = {
            "_csrf": tokens[number], "topic": plan_office.TOPIC, "way": way, "site": site,
            "start": start,
        }  # fmt: skip
        held = await client.post("/hold", form)
        if held.status != SEE_OTHER:
            return False
        done = await client.post(held.location, form | DETAILS)
        return done.status == SEE_OTHER

    return visitors, book


async def public_path(servers: Sequence[Server]) -> tuple[list[Client], Book]:
    """Return clients that come as strangers each time, and how they find their way."""
    draw = random.Random(2)
    visitors = [Client(servers[number % len(servers)].origin) for number in range(CLIENTS)]

    async def book(client: Client, number: int) -> bool:
        client.cookies.clear()
        way = WAYS[(number + draw.randrange(len(WAYS))) % len(WAYS)]
        for page in ("/", PAGE):
            await _page(client, page)
        times = await _page(client, f"{PAGE}/{way}")
        form = {
            "_csrf": _token(times), "topic": plan_office.TOPIC, "way": way,
            "site": "site-1" if way is Way.IN_PERSON else "",
            "start": draw.choice(START.findall(times)).decode(),
        }  # fmt: skip
        held = await client.post("/hold", form)
        if held.status != SEE_OTHER:
            return False
        details = form | DETAILS | {"_csrf": _token(await _page(client, held.location))}
        done = await client.post(held.location, details)
        if done.status != SEE_OTHER:
            return False
        await _page(client, done.location)
        return True

    return visitors, book


async def _page(client: Client, path: str) -> bytes:
    answer = await client.get(path)
    if answer.status != OK:
        raise RuntimeError(f"a page answered {answer.status}")
    return answer.body


def _token(page: bytes) -> str:
    found = TOKEN.search(page)
    assert found is not None, "the page has no form"
    return found[1].decode()


class Contest:
    """Everything that is measured, in turn, by the name of its figure."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.paces: dict[str, list[Pace]] = {}

    async def ours(self, name: str, url: str, servers: Sequence[Server]) -> None:
        """Measure our own bookings, and see that each one is stored with its letter."""
        await served.emptied(url)
        if name == "public_path":
            visitors, book = await public_path(servers)
        else:
            times = iter(free_times(OFFICE, dt.datetime.now(dt.UTC)))
            if name.startswith("forms"):
                visitors, book = await two_forms(servers, times)
            else:
                each = 1 if name.endswith("same_clients") else len(servers)
                visitors, book = await orders(servers, times, CLIENTS * each)
        store = open_store(url)
        database = await served.database_processes(store)
        pace = await self._note(
            name, visitors, book, [server.pid for server in servers], database
        )  # fmt: skip
        kept = await served.stored(store)
        await store.close()
        if kept != (pace.booked, pace.booked):
            raise RuntimeError(f"{pace.booked} booked, but stored with letters: {kept}")

    async def warm(self, servers: Sequence[Server]) -> None:
        """Let every server open its connections and read the office; nothing is measured."""
        times = iter(free_times(OFFICE, dt.datetime.now(dt.UTC)))
        visitors, book = await orders(servers, times, CLIENTS * len(servers))
        await paced(visitors, book, WARMING, [])

    async def theirs(
        self, name: str, peer: Peer, times: Iterator[tuple[int, dt.date, dt.time]]
    ) -> None:
        """Measure the compared system's bookings."""
        visitors = [peer.visitor(number) for number in range(CLIENTS)]

        async def book(client: Client, _number: int) -> bool:
            return await peer.book(client, next(times))

        await self._note(name, visitors, book, [peer.pid])

    async def _note(
        self, name: str, visitors: Sequence[Client], book: Book, pids: Sequence[int],
        database: Sequence[int] = (),
    ) -> Pace:  # fmt: skip
        pace = await paced(visitors, book, self._seconds, pids, database)
        self.paces.setdefault(name, []).append(pace)
        sys.stderr.write(
            f"{name:17} {pace.per_s:6.1f}/s, refused {pace.refused}, "
            f"CPU each: server {pace.cpu_ms:.2f} ms, database {pace.database_cpu_ms:.2f} ms, "
            f"clients {pace.clients_cpu_ms:.2f} ms\n"
        )
        return pace

    def figures(self) -> dict[str, float]:
        """Return medians over the rounds, and ratios within each round."""
        flat: dict[str, float] = {}
        for name, paces in self.paces.items():
            flat[f"{name}_per_s"] = round(statistics.median(one.per_s for one in paces), 1)
            flat[f"{name}_cpu_ms"] = round(statistics.median(one.cpu_ms for one in paces), 2)
            if any(one.database_cpu_ms for one in paces):
                database = statistics.median(one.database_cpu_ms for one in paces)
                flat[f"{name}_database_cpu_ms"] = round(database, 2)
        flat["two_over_one"] = self._ratio("two_processes", "postgresql")
        flat["two_over_one_same_clients"] = self._ratio("two_same_clients", "postgresql")
        flat["ratio_sqlite"] = self._ratio("sqlite", "peer_sqlite")
        flat["ratio_postgresql"] = self._ratio("postgresql", "peer_postgresql")
        flat["forms_ratio_sqlite"] = self._ratio("forms_sqlite", "peer_sqlite")
        flat["forms_ratio_postgresql"] = self._ratio("forms_postgresql", "peer_postgresql")
        return flat

    def _ratio(self, one: str, other: str) -> float:
        pairs = zip(self.paces[one], self.paces[other], strict=True)
        return round(statistics.median(ours.per_s / theirs.per_s for ours, theirs in pairs), 2)


async def _prepared(server: str, folder: Path) -> dict[str, str]:
    async with databases(server, ["office", "peer"]) as urls:
        stores = {
            "sqlite": f"sqlite+prompt:///{folder}/office.sqlite3",
            "postgresql": urls["office"],
            "peer": urls["peer"],
        }
    for engine in ("sqlite", "postgresql"):
        await served.prepared(stores[engine], OFFICE)
    return stores


async def _rounds(
    contest: Contest, stores: dict[str, str], ours: Sequence[Server], peers: Sequence[Peer],
    rounds: int,
) -> None:  # fmt: skip
    on_sqlite, first, second = ours
    tomorrow = local_date(dt.datetime.now(dt.UTC)) + dt.timedelta(days=1)
    times = [peer.times(tomorrow, 365) for peer in peers]
    await contest.warm([on_sqlite])
    await contest.warm([first, second])
    for _ in range(rounds):
        await contest.ours("sqlite", stores["sqlite"], [on_sqlite])
        await contest.theirs("peer_sqlite", peers[0], times[0])
        await contest.ours("forms_sqlite", stores["sqlite"], [on_sqlite])
        await contest.ours("public_path", stores["sqlite"], [on_sqlite])
        await contest.ours("two_processes", stores["postgresql"], [first, second])
        await contest.ours("postgresql", stores["postgresql"], [first])
        await contest.ours("two_same_clients", stores["postgresql"], [first, second])
        await contest.theirs("peer_postgresql", peers[1], times[1])
        await contest.ours("forms_postgresql", stores["postgresql"], [first])


def measure(folder: Path, *, seconds: float, rounds: int) -> dict[str, float]:
    """Serve everything from `folder` and measure it; return the figures."""
    python = django_appointment.install(folder / "peer")
    contest = Contest(seconds)
    with ExitStack() as stack:
        server = stack.enter_context(running_server(durable=True))
        stores = uvloop.run(_prepared(server, folder))
        ours = [
            stack.enter_context(served.served(folder / name, stores[engine]))
            for name, engine in (("a", "sqlite"), ("b", "postgresql"), ("c", "postgresql"))
        ]
        peers = [
            stack.enter_context(django_appointment.served(python, database, CLIENTS))
            for database in (str(folder / "peer.sqlite3"), stores["peer"])
        ]
        uvloop.run(_rounds(contest, stores, ours, peers, rounds))
    return contest.figures()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.booking")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--seconds", type=float, default=8.0, help="per leg")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), seconds=options.seconds, rounds=options.rounds)
    figures["load_average"] = round(os.getloadavg()[0], 1)
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:30} {value}\n")


if __name__ == "__main__":
    main()
