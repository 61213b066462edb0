"""SQLite without a thread in between: short statements are answered at once.

A statement of ours takes SQLite some ten microseconds; to hand it to a thread and wait for the
answer takes ten times as long. So statements run where they are asked. What may take longer is
left to a thread, so that calls and other requests go on: beginning to write (another process
may be writing), committing (the disk), and every query that goes on for long.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Literal

from sqlalchemy import URL, Pool
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor, ExecutionContext
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.util import await_

DRIVER = "sqlite+prompt"
"""The driver's name in SQLAlchemy's URLs."""

BEGIN = "BEGIN IMMEDIATE"
IN_THREAD = {"in_thread": True}
"""Execution options of a change that touches many rows."""

_PROMPT_STEPS = 100_000
"""How many instructions of SQLite's virtual machine are a short query: one or two milliseconds."""


class _Cursor(sqlite3.Cursor):
    """A cursor that has read its rows already."""

    rows: list[Any] | None = None

    def fetchall(self) -> list[Any]:
        rows, self.rows = self.rows, None
        return super().fetchall() if rows is None else rows

    def fetchone(self) -> Any:
        if self.rows is None:
            return super().fetchone()
        return self.rows.pop(0) if self.rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        if self.rows is None:
            return super().fetchmany(size)
        taken, self.rows = self.rows[:size], self.rows[size:]
        return taken

    async def _async_soft_close(self) -> None:
        """Do nothing: SQLAlchemy asks asynchronous drivers to let go of what they streamed."""


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)


class PromptDialect(SQLiteDialect_pysqlite):
    """The standard library's driver, for an engine of SQLAlchemy's that is asynchronous."""

    driver = "prompt"
    is_async = True
    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: URL) -> type[Pool]:  # noqa: ARG003
        """Return a pool whose waiting does not hold up others."""
        return AsyncAdaptedQueuePool

    def connect(self, *arguments: Any, **options: Any) -> DBAPIConnection:
        """Open a connection that threads may use in turn."""
        options |= {"factory": _Connection, "check_same_thread": False}
        return super().connect(*arguments, **options)

    def do_execute(
        self, cursor: DBAPICursor, statement: str, parameters: Any,
        context: ExecutionContext | None = None,
    ) -> None:  # fmt: skip
        """Run a statement here, or in a thread when it takes or may take long."""
        options = context.execution_options if context is not None else {}
        if statement == BEGIN or options.get("in_thread"):
            _in_thread(cursor.execute, statement, parameters)
            return
        if isinstance(cursor, _Cursor) and statement.startswith("SELECT"):
            _read(cursor, statement, parameters)
        else:
            cursor.execute(statement, parameters)
            if isinstance(cursor, _Cursor) and cursor.description:  # RETURNING
                cursor.rows = sqlite3.Cursor.fetchall(cursor)
        await_(_AT_ONCE)

    def do_executemany(
        self, cursor: DBAPICursor, statement: str, parameters: Any,
        context: ExecutionContext | None = None,  # noqa: ARG002
    ) -> None:  # fmt: skip
        """Run a statement once for each of the parameters."""
        cursor.executemany(statement, parameters)
        await_(_AT_ONCE)

    def do_commit(self, dbapi_connection: Any) -> None:
        """Commit in a thread: the disk is slow."""
        if dbapi_connection.in_transaction:
            _in_thread(dbapi_connection.commit)


class _AtOnce:
    """Nothing to wait for. SQLAlchemy's asynchronous engine wants to see a driver that waits."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_AT_ONCE = _AtOnce()


def _read(cursor: _Cursor, statement: str, parameters: Any) -> None:
    connection = cursor.connection
    # SQLite calls this after so many steps of one statement and ends it (progress handler).
    connection.set_progress_handler(_stop, _PROMPT_STEPS)
    try:
        cursor.execute(statement, parameters)
        cursor.rows = sqlite3.Cursor.fetchall(cursor)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        connection.set_progress_handler(None, 0)
        _in_thread(_read_whole, cursor, statement, parameters)
    finally:
        connection.set_progress_handler(None, 0)


def _stop() -> Literal[1]:
    return 1


def _read_whole(cursor: _Cursor, statement: str, parameters: Any) -> None:
    cursor.execute(statement, parameters)
    cursor.rows = sqlite3.Cursor.fetchall(cursor)


def _in_thread(call: Callable[..., object], *arguments: Any) -> None:
    await_(to_the_end(asyncio.to_thread(call, *arguments)))


async def to_the_end(work: Coroutine[Any, Any, object]) -> None:
    """Do `work` to its end even if whoever waits for it is cancelled meanwhile.

    A thread cannot be called back: its connection is its own until it has finished.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


registry.register("sqlite.prompt", __name__, "PromptDialect")
