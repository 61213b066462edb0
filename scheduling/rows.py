"""New rows of several tables in one go.

PostgreSQL gets all of them in one statement, as JSON: what a small row costs is mostly that its
statement is sent, planned and answered. SQLite has nobody to send to; there, the rows of each table
are one call.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, LargeBinary, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema import Instant

Rows = Mapping[Table, Sequence[Mapping[str, Any]]]
"""Rows by table; those of one table name the same columns in the same order."""

DRAWN = 128
"""How many ids are drawn at once."""

_Names = tuple[str, ...]
_Spelling = Callable[[Any], Any] | None
"""How the values of a column are written for an engine; None leaves them as they are."""


async def new_ids(tx: AsyncConnection, table: Table, count: int) -> Sequence[int]:
    """Return `count` ids that rows of `table` can have; on SQLite, in this transaction."""
    if tx.dialect.name == "postgresql":
        return (await tx.exec_driver_sql(_NEXT, (table.name, count))).scalars().all()
    last = (await tx.execute(select(func.coalesce(func.max(table.c.id), 0)))).scalar_one()
    return range(last + 1, last + 1 + count)


class Numbers:
    """Ids of one table that a process has drawn on PostgreSQL for rows to come.

    To draw them is a statement of its own, and one that waits for the disk now and then: a sequence
    logs what it has given out. Those that are left when the process ends are never used.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._drawn: list[int] = []

    async def take(self, tx: AsyncConnection, count: int) -> Sequence[int]:
        """Return `count` ids that nobody else has, in order; none where there is no sequence."""
        if tx.dialect.name != "postgresql":
            return ()
        while len(self._drawn) < count:
            self._drawn += await new_ids(tx, self._table, DRAWN)
        taken, self._drawn = self._drawn[:count], self._drawn[count:]
        return taken


async def add(tx: AsyncConnection, rows: Rows) -> None:
    """Insert `rows` on SQLite, table by table.

    Raises `sqlalchemy.exc.IntegrityError` when a constraint refuses any of them.
    """
    for table, some in rows.items():
        if some:
            statement = _insertion(table, tuple(some[0]))
            await tx.exec_driver_sql(statement, [*_spelled(table, some, "sqlite")])


def additions(rows: Rows, first: int) -> tuple[Sequence[str], Sequence[str]]:
    """Return what inserts `rows` on PostgreSQL, as parts of a WITH, and what it is given.

    `first` is the number of the first parameter. PostgreSQL checks foreign keys when a statement
    ends, so rows may point at others of it in any order.
    """
    filled = [table for table, some in rows.items() if some]
    parts = [
        _part(table, tuple(rows[table][0]), number) for number, table in enumerate(filled, first)
    ]
    return parts, [as_json(table, rows[table]) for table in filled]


def as_json(table: Table, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return `rows` as PostgreSQL's ``json_populate_recordset`` reads them."""
    names = tuple(rows[0])
    spelled = _spelled(table, rows, "postgresql")
    return json.dumps([dict(zip(names, one, strict=True)) for one in spelled])


def _spelled(
    table: Table, rows: Sequence[Mapping[str, Any]], engine: str
) -> Iterator[tuple[Any, ...]]:
    spellings = _spellings(table, tuple(rows[0]), engine)
    for row in rows:
        yield tuple(
            value if spell is None or value is None else spell(value)
            for value, spell in zip(row.values(), spellings, strict=True)
        )


@lru_cache(maxsize=256)
def _spellings(table: Table, names: _Names, engine: str) -> tuple[_Spelling, ...]:
    on_sqlite = engine == "sqlite"

    def spelling(kind: object) -> _Spelling:
        if isinstance(kind, Instant):
            return _seconds if on_sqlite else _spelled_out
        if isinstance(kind, JSON):
            return json.dumps if on_sqlite else None
        if isinstance(kind, LargeBinary):
            return None if on_sqlite else _hexadecimal
        return None

    return tuple(spelling(table.c[name].type) for name in names)


def _seconds(instant: dt.datetime) -> int:
    return int(_aware(instant).timestamp())


def _spelled_out(instant: dt.datetime) -> str:
    return _aware(instant).isoformat(timespec="seconds")


def _aware(instant: dt.datetime) -> dt.datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant


def _hexadecimal(value: bytes) -> str:
    return f"\\x{value.hex()}"  # PostgreSQL, 8.4.1: bytea hex format


@lru_cache(maxsize=256)
def _insertion(table: Table, names: _Names) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({places})"  # noqa: S608


@lru_cache(maxsize=256)
def _part(table: Table, names: _Names, number: int) -> str:
    columns = ", ".join(names)
    return (
        f"new_{table.name} AS (INSERT INTO {table.name} ({columns}) SELECT {columns}"  # noqa: S608
        f" FROM json_populate_recordset(NULL::{table.name}, ${number}))"
    )


# The sequence is looked up once, not for each number.
_NEXT = """
WITH own AS MATERIALIZED (SELECT CAST(pg_get_serial_sequence($1, 'id') AS regclass) AS numbers)
SELECT nextval(numbers) FROM own, generate_series(1, $2)
"""
