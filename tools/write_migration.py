"""Writes the Alembic migration that leads from the last one to the tables as they are now.

Usage: ``python tools/write_migration.py 0002 "what changes"``. What Alembic cannot see (triggers,
exclusion constraints, data) is added by hand; tests compare the outcome on both engines.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from server.database import alembic_config, migrate


async def write(number: str, message: str) -> None:
    """Compare a store migrated so far with the metadata, and write the difference."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+prompt:///{Path(folder) / 'store.sqlite3'}"
        await migrate(url)
        engine = create_async_engine(url)

        def compare(connection: Connection) -> None:
            command.revision(
                alembic_config(connection), message=message, rev_id=number, autogenerate=True
            )

        async with engine.connect() as connection:
            await connection.run_sync(compare)
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2]))
