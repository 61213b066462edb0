"""Migrations make the tables that the code knows, on both engines, and versions are checked."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    MetaData,
    String,
    Table,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.ext.asyncio import create_async_engine

from scheduling import catalog, schema
from scheduling.model import Way
from scheduling.schema import create_all
from scheduling.store import Store, open_store
from server import database
from server.failure import CannotStart

SQLITE_SCHEMA = """
    SELECT type, name, sql FROM sqlite_master
    WHERE name NOT LIKE '%alembic%' AND name NOT LIKE 'sqlite_%'
"""
POSTGRESQL_SCHEMA = """
    SELECT 'column', table_name || '.' || column_name,
           concat_ws(' ', data_type, character_maximum_length, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'settings', relname, array_to_string(reloptions, ' ')
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
"""

MIDNIGHT, HOUR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.timedelta(hours=1)


def _schema(connection: Connection) -> dict[tuple[str, str], set[str]]:
    """Return each object's definition; of a table its clauses, whose order is no matter."""
    sqlite = connection.dialect.name == "sqlite"
    rows = connection.execute(text(SQLITE_SCHEMA if sqlite else POSTGRESQL_SCHEMA)).all()
    return {
        (kind, name): {" ".join(clause.split()) for clause in _clauses(kind, definition)}
        for kind, name, definition in rows
        if "alembic" not in name
    }


def _clauses(kind: str, definition: str | None) -> list[str]:
    # SQLite quotes the name of a table that was renamed into its place.
    definition = (definition or "").replace('"', "")
    if kind != "table":
        return [" ".join(definition.split())]
    # Columns added later stand in one line with the last clause, so lines alone do not do.
    body = definition[definition.index("(") + 1 : definition.rindex(")")]
    return re.split(r",(?![^(]*\))", body)


async def _schema_at(url: str) -> dict[tuple[str, str], set[str]]:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        schema = await connection.run_sync(_schema)
    await engine.dispose()
    return schema


async def _create_all_at(url: str) -> None:
    store = open_store(url)
    async with store.writing() as tx:
        await create_all(tx)
    await store.close()


async def test_migrations_lead_to_the_tables_that_the_code_knows(
    store_url: str, tmp_path: Path
) -> None:
    await database.migrate(store_url)
    migrated = await _schema_at(store_url)
    fresh_url = f"sqlite+prompt:///{tmp_path / 'fresh.db'}"
    if store_url.startswith("postgresql"):
        fresh_url = store_url
        await _empty(store_url)

    await _create_all_at(fresh_url)

    assert migrated == await _schema_at(fresh_url)
    assert any("no_overlap" in name for _, name in migrated)


async def _empty(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
            await connection.execute(text(statement))
    await engine.dispose()


async def test_needs_of_a_room_that_were_stored_as_a_flag_are_kept(store_url: str) -> None:
    engine = create_async_engine(store_url)
    async with engine.begin() as connection:
        await connection.run_sync(_with_flags)
    await engine.dispose()

    await database.migrate(store_url)

    store = await database.opened(store_url)
    async with store.reading() as tx:
        found = await tx.execute(select(schema.appointment.c.id, schema.appointment.c.features))
        assert {row.id: row.features for row in found} == {1: ["step_free"], 2: []}
        assert await tx.scalar(select(schema.topic_way.c.features)) == []
    await store.close()


def _with_flags(connection: Connection) -> None:
    """Make the tables as they were, with two appointments, one of them in a step-free room."""
    command.upgrade(database.alembic_config(connection), "0007")
    tables = MetaData()
    tables.reflect(connection)
    for name, values in (
        ("site", {}),
        ("topic", {}),
        ("topic_way", {"minutes": 30, "buffer_minutes": 5}),
        ("resource", {"setup_minutes": 0, "return_minutes": 0}),
        ("appointment", {"id": 1, "uid": "1", "reference": "1", "step_free": True}),
        ("appointment", {"id": 2, "uid": "2", "reference": "2", "step_free": False}),
    ):
        connection.execute(
            insert(tables.tables[name]).values(_any_row(tables.tables[name], values))
        )


async def test_what_is_booked_keeps_its_tablet_and_whoever_advises_has_a_camera(
    store_url: str,
) -> None:
    engine = create_async_engine(store_url)
    async with engine.begin() as connection:
        await connection.run_sync(_with_devices)
    await engine.dispose()

    await database.migrate(store_url)

    store = await database.opened(store_url)
    async with store.reading() as tx:
        for table in (schema.appointment, schema.hold):
            row = (await tx.execute(select(table.c.tablet_id, table.c.camera_id))).one()
            assert tuple(row) == (2, None)
        assert await tx.scalar(select(func.count()).select_from(schema.claim)) == 1
        known = await catalog.resources_by_id(tx, [1])
        assert not known[1].borrows_camera(Way.VIDEO)
    await store.close()


def _with_devices(connection: Connection) -> None:
    """Make the tables as they were, with an appointment and a hold that have a tablet."""
    command.upgrade(database.alembic_config(connection), "0009")
    tables = MetaData()
    tables.reflect(connection)
    for name, values in (
        ("site", {}),
        ("topic", {}),
        ("resource", {"id": 1, "kind": "caseworker"}),
        ("resource", {"id": 2, "kind": "tablet"}),
        ("appointment", {"device_id": 2}),
        ("hold", {"device_id": 2}),
        ("claim", {"appointment_id": 1, "resource_id": 2}),
    ):
        row = _any_row(tables.tables[name], values)
        connection.execute(insert(tables.tables[name]).values(row))


def _any_row(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    row = {}
    for number, column in enumerate(table.columns):
        if column.nullable or column.server_default is not None:
            continue
        kinds = {String: "x", Boolean: False, JSON: [], DateTime: MIDNIGHT + number * HOUR}
        known = (one for kind, one in kinds.items() if isinstance(column.type, kind))
        row[column.name] = next(known, number + 1 if column.name.endswith("_at") else 1)
    return row | values


async def test_migrating_twice_or_at_once_does_no_harm(postgresql_url: str) -> None:
    await asyncio.gather(database.migrate(postgresql_url), database.migrate(postgresql_url))
    await database.migrate(postgresql_url)

    store = await database.opened(postgresql_url)

    assert store.dialect == "postgresql"
    await store.close()


async def test_a_store_of_another_version_is_not_opened(store_url: str) -> None:
    with pytest.raises(CannotStart, match="sprechzeit migrate"):
        await database.opened(store_url)


async def test_a_migrated_store_is_opened(migrated: Store) -> None:
    async with migrated.reading() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM claim")) == 0


@pytest.mark.parametrize(
    "url", ["sqlite+prompt:////proc/none/plan.db", "postgresql+asyncpg://127.0.0.1:1/plan"]
)
async def test_a_store_out_of_reach_is_told_in_one_line(url: str) -> None:
    for attempt in (database.migrate, database.opened):
        with pytest.raises(CannotStart, match=r"^SPRECHZEIT_DATABASE_URL: [^\n]+$"):
            await attempt(url)
