"""Every benchmark of the plan runs through at its smallest and prints what was asked for."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import uvloop

from benchmarks import booking, plan_office, served, slots
from benchmarks.plan_office import MORNINGS, Size
from scheduling.store import open_store

SMALL = Size(caseworkers=3, things=5, days=7, hours=MORNINGS)


async def test_the_same_numbers_make_the_same_plan_on_either_engine(
    sqlite_url: str, postgresql_url: str
) -> None:
    stores = [open_store(url) for url in (sqlite_url, postgresql_url)]

    filled = [await plan_office.fill(store, SMALL, slots.FIRST) for store in stores]

    assert filled[0] == filled[1] > 0
    for store in stores:
        await store.close()


async def test_about_the_wanted_share_of_the_hours_is_taken(sqlite_url: str) -> None:
    size = dataclasses.replace(SMALL, caseworkers=20, things=0, booked=0.7)
    store = open_store(sqlite_url)

    claims = await plan_office.fill(store, size, slots.FIRST)

    hours = 20 * 5 * 240
    assert 0.5 < claims * (size.minutes + plan_office.BUFFER_MINUTES) / hours < 0.9
    await store.close()


def test_the_search_prints_its_figures(tmp_path: Path, postgresql_server: str) -> None:
    figures = asyncio.run(
        slots.measure(
            tmp_path, postgresql_server, small=SMALL, large=SMALL, sites=[1, 2], samples=4
        )
    )

    assert {"cold_p95_ms", "warm_p95_ms", "growth_2_over_1"} <= figures.keys()
    assert figures["round_trips"] <= 5
    assert figures["claims"] > 0


def test_each_booking_is_stored_with_its_letter(tmp_path: Path) -> None:
    url = f"sqlite+prompt:///{tmp_path}/office.sqlite3"
    uvloop.run(served.prepared(url, booking.OFFICE))
    contest = booking.Contest(seconds=0.5)

    with served.served(tmp_path / "server", url) as server:
        uvloop.run(contest.ours("sqlite", url, [server]))
        uvloop.run(contest.ours("public_path", url, [server]))

    for name in ("sqlite", "public_path"):
        (pace,) = contest.paces[name]
        assert pace.booked > 0
        assert pace.refused == 0
