"""How long it takes to answer when something is possible, and how that grows with the office.

Cold is a store that remembers nothing of the plan, as after a change of the office's hours; its
connections are in use, as a server's are. A fresh one has never asked its database anything.
Warm is the usual case: a process that has answered before, and one booking since. Both are the
worse of SQLite and PostgreSQL. Growth compares the same cold search for one site of a small and
of a large office on PostgreSQL, asked in turn, as a ratio of medians.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import plan_office
from benchmarks.plan_office import MORNINGS, Size
from benchmarks.statements import Statements
from scheduling import booking, slots
from scheduling.model import Feature, Needs, Person, Topic, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store, open_store
from tests.postgresql import running_server

FIRST = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 5, tzinfo=dt.UTC)
SEARCHED_DAYS = 28
GRID_MINUTES = 5
WAYS = tuple(Way)
AT_ONE_SITE = (Way.IN_PERSON, Way.VIDEO, Way.PHONE)
"""For video from a branch the caseworker may sit at any site, so that is no search of one."""

PERSON = Person("Kim Beispiel", "kim@example.org", "+4930123456")


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of searches, and the statements that the most talkative of them sent.

    Those of the processor are this process's own, without the database's; they say the same on
    a machine that has other work.
    """

    cold: list[float]
    warm: list[float]
    cold_cpu: list[float]
    warm_cpu: list[float]
    round_trips: int


def question(topic: Topic, site_id: int, number: int, ways: Sequence[Way] = WAYS) -> SlotQuery:
    """Return the search number `number`: the ways in turn, some with needs."""
    needs = Needs(frozenset({Feature.STEP_FREE} if number % 3 == 0 else ()))
    last = FIRST + dt.timedelta(days=SEARCHED_DAYS - 1)
    return SlotQuery(
        topic, ways[number % len(ways)], FIRST, last, site_id, needs, step_minutes=GRID_MINUTES
    )


Took = tuple[float, float]
"""Milliseconds of one search: on the clock, and of this process's processor time."""


def _clocks() -> Took:
    return time.perf_counter() * 1000, time.process_time() * 1000


async def cold(store: Store, query: SlotQuery, statements: Statements) -> Took:
    """Search with a store that remembers nothing of the plan."""
    store.forget()
    async with store.reading() as tx:
        await tx.execute(text("SELECT 1"))
        gc.collect()  # what was left behind before is not the search's
        with statements.of(store):
            began = _clocks()
            found = await slots.find(tx, query, NOW)
            ended = _clocks()
    assert found, "the office has no free time left to find"
    return ended[0] - began[0], ended[1] - began[1]


async def fresh(url: str, query: SlotQuery) -> float:
    """Search with a store that has never searched; return milliseconds."""
    store = open_store(url)
    try:
        async with store.reading() as tx:
            await tx.execute(text("SELECT 1"))
            gc.collect()
            began, _ = _clocks()
            await slots.find(tx, query, NOW)
            ended, _ = _clocks()
    finally:
        await store.close()
    return ended - began


async def warm(store: Store, query: SlotQuery, statements: Statements) -> Took:
    """Book something, then search in the same process."""
    phone = replace(query, way=Way.PHONE, needs=Needs())
    async with store.reading() as tx:
        free = await slots.find(tx, phone, NOW)
    async with store.writing() as tx:
        await booking.book(
            tx, topic=query.topic, way=Way.PHONE, start=free[len(free) // 2].start,
            site_id=query.site_id, person=PERSON, needs=Needs(), locale="de", now=NOW,
            actor="benchmark",
        )  # fmt: skip
    async with store.reading() as tx:
        await tx.execute(text("SELECT 1"))
        with statements.of(store):
            began = _clocks()
            await slots.find(tx, query, NOW)
            ended = _clocks()
    return ended[0] - began[0], ended[1] - began[1]


async def searched(url: str, site_id: int, samples: int) -> Times:
    """Search one site of a filled office again and again."""
    store, statements = open_store(url), Statements()
    topic = await _topic(url)
    for number in range(len(WAYS)):  # a process that has answered each of these before
        await cold(store, question(topic, site_id, number), statements)
        await warm(store, question(topic, site_id, number), statements)
    times = Times([], [], [], [], 0)
    for number in range(samples):
        query = question(topic, site_id, number)
        for took, clock, cpu in (
            (await cold(store, query, statements), times.cold, times.cold_cpu),
            (await warm(store, query, statements), times.warm, times.warm_cpu),
        ):
            clock.append(took[0])
            cpu.append(took[1])
    await store.close()
    return replace(times, round_trips=statements.most)


async def _topic(url: str) -> Topic:
    store = open_store(url)
    topic = await plan_office.topic(store)
    await store.close()
    return topic


async def one_site(urls: dict[str, str], size: Size, samples: int) -> dict[str, float | int]:
    """Measure an office of one site on each engine."""
    figures: dict[str, float | int] = {}
    all_times = []
    for engine, url in urls.items():
        store = open_store(url)
        claims = await plan_office.fill(store, size, FIRST)
        await store.close()
        times = await searched(url, 1, samples)
        all_times.append(times)
        topic = await _topic(url)
        new = [await fresh(url, question(topic, 1, number)) for number in range(samples)]
        figures[f"{engine}_fresh_p95_ms"] = round(_p95(new), 2)
        _say(f"{engine}, {claims} claims: cold p95 {_p95(times.cold):.1f} ms, ")
        _say(f"warm p95 {_p95(times.warm):.1f} ms\n")
        for name, values in (("cold", times.cold), ("warm", times.warm)):
            figures[f"{engine}_{name}_p50_ms"] = round(statistics.median(values), 2)
            figures[f"{engine}_{name}_p95_ms"] = round(_p95(values), 2)
        figures[f"{engine}_cold_cpu_p50_ms"] = round(statistics.median(times.cold_cpu), 2)
        figures[f"{engine}_warm_cpu_p50_ms"] = round(statistics.median(times.warm_cpu), 2)
    return {
        "cold_p95_ms": round(max(_p95(times.cold) for times in all_times), 2),
        "warm_p95_ms": round(max(_p95(times.warm) for times in all_times), 2),
        "round_trips": max(times.round_trips for times in all_times),
        **figures,
    }


async def growth(
    urls: dict[int, str], size: Size, samples: int
) -> tuple[dict[str, float | int], int]:
    """Fill offices of several numbers of sites and search one site of each in turn.

    Returns the figures and the most statements that one search sent.
    """
    loaded = await asyncio.gather(
        *(_filled(url, replace(size, sites=sites)) for sites, url in urls.items())
    )
    statements = Statements()
    times: dict[int, list[float]] = {sites: [] for sites in urls}
    stores = {sites: open_store(url) for sites, url in urls.items()}
    for number in range(-len(AT_ONE_SITE), samples):
        for sites, store in stores.items():
            topic = await plan_office.topic(store)
            query = question(topic, sites // 2 + 1, number, AT_ONE_SITE)
            took, _ = await cold(store, query, statements)
            if number >= 0:
                times[sites].append(took)
    medians = {sites: statistics.median(values) for sites, values in times.items()}
    smallest, largest = min(urls), max(urls)
    figures: dict[str, float | int] = {"claims": max(loaded)}
    for sites, median in medians.items():
        figures[f"sites_{sites}_cold_p50_ms"] = round(median, 2)
        if sites != smallest:
            ratio = round(median / medians[smallest], 3)
            figures[f"growth_{sites}_over_{smallest}"] = ratio
    anywhere = [await _anywhere(stores[largest], number) for number in range(min(samples, 12))]
    for store in stores.values():
        await store.close()
    figures[f"sites_{largest}_anywhere_cold_p50_ms"] = round(statistics.median(anywhere), 2)
    _say(f"{largest} sites: {medians[largest]:.1f} ms, {smallest}: {medians[smallest]:.1f} ms\n")
    return figures, statements.most


async def _anywhere(store: Store, number: int) -> float:
    """Search all sites of an office at once; return milliseconds."""
    topic = await plan_office.topic(store)
    query = replace(question(topic, 0, number, (Way.VIDEO, Way.PHONE)), site_id=None)
    took, _ = await cold(store, query, Statements())
    return took


async def _filled(url: str, size: Size) -> int:
    began = time.monotonic()
    store = open_store(url)
    loaded = await plan_office.fill(store, size, FIRST)
    await store.close()
    _say(f"{size.sites} sites with {loaded} claims made in {time.monotonic() - began:.0f} s\n")
    return loaded


@asynccontextmanager
async def databases(server: str, names: Sequence[str]) -> AsyncIterator[dict[str, str]]:
    """Make empty databases on a server; yield their URLs by name."""
    admin = create_async_engine(server + "postgres", isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        for name in names:
            await connection.execute(text(f"CREATE DATABASE {name}"))
    await admin.dispose()
    yield {name: server + name for name in names}


async def measure(
    folder: Path, server: str, *, small: Size, large: Size, sites: Sequence[int], samples: int
) -> dict[str, float | int]:
    """Run everything; `folder` takes the SQLite file, `server` is a PostgreSQL server's URL."""
    names = {number: f"sites_{number}" for number in sites}
    async with databases(server, ["office", *names.values()]) as urls:
        stores = {
            "sqlite": f"sqlite+prompt:///{folder}/office.sqlite3",
            "postgresql": urls["office"],
        }
        figures = await one_site(stores, small, samples)
        by_sites = {number: urls[name] for number, name in names.items()}
        grown, statements = await growth(by_sites, large, samples)
    figures["round_trips"] = max(int(figures["round_trips"]), statements)
    return figures | grown


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _say(words: str) -> None:
    sys.stderr.write(words)
    sys.stderr.flush()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.slots")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--samples", type=int, default=60, help="searches of each kind")
    parser.add_argument("--sites", type=int, nargs="+", default=[1, 10, 100, 405])
    parser.add_argument("--caseworkers", type=int, default=100, help="per site, for the growth")
    parser.add_argument("--days", type=int, default=60, help="days filled, for the growth")
    options = parser.parse_args()
    large = Size(
        caseworkers=options.caseworkers, things=10, days=options.days, minutes=45, hours=MORNINGS
    )
    gc.freeze()  # as the server does once it has started
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, running_server() as server:
        figures = asyncio.run(
            measure(
                Path(folder), server, small=Size(), large=large, sites=sorted(options.sites),
                samples=options.samples,
            )
        )  # fmt: skip
    figures["load_average"] = round(os.getloadavg()[0], 1)
    _say(f"took {time.monotonic() - began:.0f} s\n")
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:30} {value}\n")


if __name__ == "__main__":
    main()
