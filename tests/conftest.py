"""Fixtures every test may use: a store on either engine, and a clock that stands still."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from scheduling.schema import create_all
from scheduling.store import Store, open_store
from tests.postgresql import running_server

_numbers = itertools.count(1)


class Clock:
    """Tells the time it was last set to."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **units: float) -> None:
        """Go on by that much, e.g. ``clock.forward(minutes=11)``."""
        self.now += dt.timedelta(**units)


@pytest.fixture
def clock() -> Clock:
    """Monday, 12 October 2026, 08:00 in Berlin."""
    return Clock(dt.datetime(2026, 10, 12, 6, 0, tzinfo=dt.UTC))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """One PostgreSQL server for the whole run (one per worker)."""
    with running_server() as url:
        yield url


@pytest.fixture
async def postgresql_url(postgresql_server: str) -> AsyncIterator[str]:
    """Yield the URL of a fresh, empty database."""
    name = f"test_{next(_numbers)}"
    admin = create_async_engine(postgresql_server + "postgres", isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgresql_server + name
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: object) -> str:
    """Return the URL of a fresh, empty database file."""
    return f"sqlite+prompt:///{tmp_path}/sprechzeit.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return a fresh database of either engine, in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """Yield an empty store with its tables, on either engine in turn."""
    store = open_store(store_url)
    async with store.writing() as tx:
        await create_all(tx)
    yield store
    await store.close()
