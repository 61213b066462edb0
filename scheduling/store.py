"""Transactions on the one store, SQLite or PostgreSQL.

A use case opens `Store.writing()` once; the functions below it never commit.
SQLite has a single writer: within a process writers take turns (`scheduling.turns`), across
processes they queue on ``BEGIN IMMEDIATE``, so that no transaction fails half-way because it
has to be upgraded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from scheduling import catalog, sqlite
from scheduling.supply import Memory
from scheduling.turns import Turns

BUSY_SECONDS = 30
"""How long SQLite waits for another process's write before it gives up."""

QUEUE_SECONDS = 120
"""How long a request queues for a connection: a rush is served late rather than refused."""


class Store:
    """One database and its transactions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.dialect: str = engine.dialect.name
        self._turns = Turns(engine) if self.dialect == "sqlite" else None
        self._asking = engine
        if self._turns is None:
            # PostgreSQL answers each question as of its own moment anyway (READ COMMITTED); to
            # begin and roll back around questions would cost two more of them.
            self._asking = engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection to ask questions on; on SQLite they all see the same moment."""
        if self._turns is None:
            async with self._asking.connect() as connection:
                yield connection
            return
        async with self.engine.connect() as connection:
            await connection.execute(_BEGIN)
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Open a write transaction: it commits at the end, or rolls back if anything is raised."""
        if self._turns is not None:
            async with self._turns.one() as connection:
                yield connection
            return
        async with self.engine.connect() as connection:
            await connection.execution_options(writes=True)
            yield connection
            await connection.commit()

    @asynccontextmanager
    async def writing_once(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for one statement that writes, or that it takes on PostgreSQL.

        There it is committed as soon as it is done: to begin and to commit on their own would keep
        others waiting for as long as two more answers take.
        """
        if self._turns is not None:
            async with self._turns.one() as connection:
                yield connection
            return
        async with self._asking.connect() as connection:
            yield await connection.execution_options(writes=True)

    @property
    def memory(self) -> Memory:
        """What this process remembers of the plan."""
        kept: Memory = self._asking.get_execution_options()["memory"]
        return kept

    def forget(self) -> None:
        """Forget what was read of the plan; nothing that is stored changes."""
        memories = _memories()
        self.engine.update_execution_options(**memories)
        self._asking.update_execution_options(**memories)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


_BEGIN = text("BEGIN")


def open_store(url: str) -> Store:
    """Open the store at an SQLAlchemy `url`: ``sqlite+prompt:///…``, ``postgresql+asyncpg://…``.

    Nothing is connected yet; `sqlalchemy.exc.ArgumentError` tells of a malformed URL.
    """
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_async_engine(
            url, pool_size=20, max_overflow=0, pool_timeout=QUEUE_SECONDS, pool_use_lifo=True,
            execution_options=_memories(),
        )  # fmt: skip
        event.listen(engine.sync_engine, "checkout", _see_that_it_lives)
        event.listen(engine.sync_engine, "before_cursor_execute", _refuse_to_write)
        return Store(engine)
    engine = create_async_engine(
        make_url(url).set(drivername=sqlite.DRIVER), pool_size=8, max_overflow=0,
        pool_timeout=QUEUE_SECONDS, connect_args={"timeout": BUSY_SECONDS},
        execution_options=_memories(),
    )  # fmt: skip
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    return Store(engine)


def _see_that_it_lives(connection: Any, _record: object, _proxy: object) -> None:
    # asyncpg hears at once when the database hangs up; to ask before each use
    # (SQLAlchemy's pool_pre_ping) would cost as much as a statement.
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


def _refuse_to_write(
    connection: Connection, _cursor: object, _statement: str, _parameters: object, context: Any,
    _many: object,
) -> None:  # fmt: skip
    asks = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if asks and (context.isinsert or context.isupdate or context.isdelete):
        raise RuntimeError("what is written belongs into Store.writing()")


def _memories() -> dict[str, object]:
    return {"memory": Memory(), "catalogue": catalog.Kept()}


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver must not open transactions of its own: BEGIN is ours to say.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
