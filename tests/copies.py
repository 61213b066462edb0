"""Stores with their tables, copied from one that was made once: a copy takes milliseconds."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.postgresql import command


@dataclass
class Copies:
    """Fills empty stores like the one that `prepare` fills at its first call per engine.

    `name` is unique among those who share a PostgreSQL server; `folder` keeps the SQLite file.
    """

    name: str
    folder: Path
    prepare: Callable[[str], Awaitable[None]]
    prepared: set[str] = field(default_factory=set)

    async def fill(self, url: str) -> None:
        """Fill the empty store at `url`."""
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            assert parsed.database is not None
            shutil.copyfile(await self._file(), parsed.database)
            return
        server, _, database = url.rpartition("/")
        original = await self._database(f"{server}/")
        await command(
            f"{server}/",
            f"DROP DATABASE IF EXISTS {database}",
            f"CREATE DATABASE {database} TEMPLATE {original}",
        )

    async def _file(self) -> Path:
        file = self.folder / f"{self.name}.db"
        if str(file) not in self.prepared:
            await self.prepare(f"sqlite+prompt:///{file}")
            self.prepared.add(str(file))
        return file

    async def _database(self, server: str) -> str:
        if server not in self.prepared:
            await command(server, f"CREATE DATABASE {self.name}")
            await self.prepare(f"{server}{self.name}")
            self.prepared.add(server)
        return self.name
