"""The store's lifetime: bringing its tables up to date, and opening it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from scheduling.store import Store, open_store
from server.failure import CannotStart

MIGRATION_LOCK = 0x53707265
"""Key of the advisory lock that lets one process at a time migrate a PostgreSQL database."""


def alembic_config(connection: Connection | None = None) -> AlembicConfig:
    """Return what Alembic needs to know; it works over `connection`."""
    config = AlembicConfig(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str:
    """Return the revision that this program's tables have."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert revision is not None
    return revision


async def migrate(url: str) -> None:
    """Bring the tables at `url` to this program's version; raise `CannotStart` if unreachable."""
    _try_file(url)
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except (DBAPIError, OSError) as error:
        raise CannotStart(_unreachable(error)) from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    command.upgrade(alembic_config(connection), "head")


async def opened(url: str) -> Store:
    """Return the store at `url`; raise `CannotStart` if unreachable or of another version."""
    _try_file(url)
    store = open_store(url)
    try:
        async with store.reading() as tx:
            revision = await tx.run_sync(
                lambda connection: MigrationContext.configure(connection).get_current_revision()
            )
    except (SQLAlchemyError, OSError) as error:
        await store.close()
        raise CannotStart(_unreachable(error)) from None
    if revision != newest_revision():
        await store.close()
        raise CannotStart(
            f"the database has version {revision or 'none'}, this program needs "
            f"{newest_revision()}: run `sprechzeit migrate`"
        )
    return store


def _try_file(url: str) -> None:
    # The asynchronous driver leaves a thread behind when a file cannot be opened, which would
    # add a traceback of its own to the one line that tells why.
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    try:
        with contextlib.closing(sqlite3.connect(parsed.database)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise CannotStart(_unreachable(error)) from None


def _unreachable(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    first_line = next(iter(str(cause).splitlines()), type(cause).__name__)
    return f"SPRECHZEIT_DATABASE_URL: the database cannot be used ({first_line})"
