"""Writing to SQLite in turns: who waits at the same time shares one commit.

SQLite has one writer, and a commit waits for the disk. So use cases take turns within one
transaction, each in a savepoint of its own, and the last of those who wait commits for all:
group commit (Gawlick and Kinkade, "Varieties of Concurrency Control in IMS/VS Fast Path",
1985). None of them goes on before its work is on the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from scheduling.sqlite import BEGIN, to_the_end

LONGEST = 32
"""How many use cases share a commit at most: other processes want to write, too."""

_BEGIN = text(BEGIN)


@dataclass(slots=True)
class _Group:
    """Use cases that share a transaction. `committed` fails for all of them alike."""

    connection: AsyncConnection
    driver: sqlite3.Connection
    committed: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    members: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be committed even though others wait."""
        return self.members >= LONGEST or not self.driver.in_transaction

    async def commit(self) -> None:
        """Commit what the members did, and let them go on."""
        try:
            self._require_transaction()
            if self.members:
                await self.connection.commit()
        except Exception as error:  # noqa: BLE001  (each member raises it)
            self.committed.set_exception(error)
            self.committed.exception()  # also if nobody waits for it any more
        else:
            self.committed.set_result(None)
        finally:
            await self.connection.close()

    def _require_transaction(self) -> None:
        # A full disk, for one, makes SQLite take back the whole transaction at once.
        if not self.driver.in_transaction:
            raise OperationalError(BEGIN, None, sqlite3.OperationalError("rolled back"))


class Turns:
    """Whose turn it is to write."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _Group | None = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection]:
        """Wait for a turn; leaving waits until the work is committed.

        If anything is raised inside, this turn's changes alone are taken back; it is raised when
        those before have committed, so that whoever lost to them sees what they did.
        """
        raised: BaseException | None = None
        async with self._queued():
            group = self._group = self._group or await self._begin()
            try:
                async with group.connection.begin_nested():
                    yield group.connection
                group.members += 1
            except BaseException as error:  # noqa: BLE001  (raised below)
                raised = error
            finally:
                if group.is_full or not self._waiting:
                    self._group = None
                    # Nobody else may write meanwhile, even if this one is cancelled.
                    await to_the_end(group.commit())
        if raised is not None:
            await asyncio.wait([group.committed])
            raise raised
        await asyncio.shield(group.committed)

    @asynccontextmanager
    async def _queued(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._turn.acquire()
        except BaseException:
            # Those before relied on this one to commit for them.
            self._waiting -= 1
            await to_the_end(self._commit_for_others())
            raise
        self._waiting -= 1
        try:
            yield
        finally:
            self._turn.release()

    async def _commit_for_others(self) -> None:
        async with self._turn:
            if self._group is not None and not self._waiting:
                group, self._group = self._group, None
                await group.commit()

    async def _begin(self) -> _Group:
        connection = await self._engine.connect()
        try:
            await connection.execution_options(writes=True)
            await connection.execute(_BEGIN)
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, sqlite3.Connection)
        except BaseException:
            await connection.close()
            raise
        return _Group(connection, driver)
