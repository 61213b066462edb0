"""Fixtures every test may use: a store on either engine, and a clock that stands still."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from scheduling.schema import create_all
from scheduling.store import Store, open_store
from server import database
from tests.copies import Copies
from tests.postgresql import command, quick_folder, running_server

# A busy machine, or the first text ever drawn in a checkout, is slow; that says nothing of the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

_numbers = itertools.count(1)
LONG = ("test_plan_machine.py", "test_races.py", "test_cli.py", "test_never_double_booked.py")
"""These begin first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by how long they take, as far as it matters."""
    items.sort(key=lambda item: item.path.name not in LONG)


class Clock:
    """Tells the time it was last set to."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self._gone = dt.timedelta()

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **units: float) -> None:
        """Go on by that much, e.g. ``clock.forward(minutes=11)``."""
        self.now += dt.timedelta(**units)
        self._gone += dt.timedelta(**units)

    def jump(self, **units: float) -> None:
        """Be set by that much, while no time passes."""
        self.now += dt.timedelta(**units)

    def steady(self) -> float:
        """Give the seconds gone by, which no setting changes."""
        return self._gone.total_seconds()


@pytest.fixture
def clock() -> Clock:
    """Monday, 12 October 2026, 08:00 in Berlin."""
    return Clock(dt.datetime(2026, 10, 12, 6, 0, tzinfo=dt.UTC))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One PostgreSQL server for the whole run (one per worker)."""
    with running_server() as url:
        yield url


COPYING = {"with_tables", "migrated_copies"}


@pytest.fixture
async def postgresql_url(
    postgresql_server: str, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """Yield the URL of a fresh, empty database; of none yet where a copy will take its place."""
    name = f"test_{next(_numbers)}"
    if not COPYING.intersection(request.fixturenames):
        await command(postgresql_server, f"CREATE DATABASE {name}")
    yield postgresql_server + name
    await command(postgresql_server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def quick() -> Iterator[Path]:
    """Give a folder for files that nobody needs after the tests."""
    with tempfile.TemporaryDirectory(prefix="sprechzeit-", dir=quick_folder()) as folder:
        yield Path(folder)


@pytest.fixture
def sqlite_url(quick: Path) -> str:
    """Return the URL of a fresh, empty database file."""
    return f"sqlite+prompt:///{quick}/test_{next(_numbers)}.db"


@pytest.fixture(scope="session")
def with_tables(quick: Path) -> Copies:
    """Fill stores with the tables that the code knows."""
    return Copies("with_tables", quick, _create_tables)


@pytest.fixture(scope="session")
def migrated_copies(quick: Path) -> Copies:
    """Fill stores with what the migrations make."""
    return Copies("migrated", quick, database.migrate)


async def _create_tables(url: str) -> None:
    store = open_store(url)
    async with store.writing() as tx:
        await create_all(tx)
    await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return a fresh database of either engine, in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def store(store_url: str, with_tables: Copies) -> AsyncIterator[Store]:
    """Yield an empty store with its tables, on either engine in turn."""
    await with_tables.fill(store_url)
    store = open_store(store_url)
    yield store
    await store.close()
