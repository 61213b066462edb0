"""The store: transactions, and the constraint that refuses overlap on both engines."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from scheduling import schema
from scheduling.store import Store, open_store
from tests.scheduling.office import at, make_office, row

HALF_HOUR = dt.timedelta(minutes=30)


async def _claim(store: Store, resource_id: int, start: dt.datetime) -> int:
    async with store.writing() as tx:
        hold = await row(
            tx, schema.hold, token_hash=start.isoformat() + str(resource_id), topic_id=1,
            way="video", site_id=1, caseworker_id=resource_id, starts_at=start,
            ends_at=start + HALF_HOUR, expires_at=start,
        )  # fmt: skip
        return await row(
            tx, schema.claim, resource_id=resource_id, starts_at=start,
            ends_at=start + HALF_HOUR, hold_id=hold, expires_at=start,
        )  # fmt: skip


async def _claims(store: Store) -> int:
    async with store.reading() as tx:
        return int(await tx.scalar(select(func.count()).select_from(schema.claim)) or 0)


@pytest.mark.parametrize("minute", [0, 5, 29])
async def test_an_overlapping_claim_is_refused_by_the_database(store: Store, minute: int) -> None:
    office = await make_office(store)
    await _claim(store, office.caseworkers[0], at(9))

    with pytest.raises(IntegrityError):
        await _claim(store, office.caseworkers[0], at(9, minute))

    assert await _claims(store) == 1


async def test_claims_that_touch_or_are_on_other_resources_are_accepted(store: Store) -> None:
    office = await make_office(store, caseworkers=2)

    await _claim(store, office.caseworkers[0], at(9, 30))
    await _claim(store, office.caseworkers[0], at(9))
    await _claim(store, office.caseworkers[0], at(10))
    await _claim(store, office.caseworkers[1], at(9, 15))

    assert await _claims(store) == 4


async def test_moving_a_claim_onto_another_is_refused(store: Store) -> None:
    office = await make_office(store)
    await _claim(store, office.caseworkers[0], at(9))
    later = await _claim(store, office.caseworkers[0], at(10))

    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await tx.execute(
                update(schema.claim)
                .where(schema.claim.c.id == later)
                .values(starts_at=at(9, 25), ends_at=at(9, 55))
            )


async def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    office = await make_office(store)

    with pytest.raises(RuntimeError):
        async with store.writing() as tx:
            await tx.execute(insert(schema.resource).values(
                site_id=office.site_id, kind="room", name="Attic", features=[], skills=[],
                languages=[], active=True,
            ))  # fmt: skip
            raise RuntimeError

    async with store.reading() as tx:
        names = [*await tx.scalars(select(schema.resource.c.name))]
    assert "Attic" not in names


async def test_two_connections_of_sqlite_write_one_after_the_other(sqlite_url: str) -> None:
    one, other = open_store(sqlite_url), open_store(sqlite_url)
    async with one.writing() as tx:
        await tx.execute(text("CREATE TABLE counted (n INTEGER)"))
        await tx.execute(text("INSERT INTO counted VALUES (0)"))

    async def count(store: Store) -> None:
        async with store.writing() as tx:
            n = await tx.scalar(text("SELECT n FROM counted"))
            await asyncio.sleep(0)
            await tx.execute(text(f"UPDATE counted SET n = {n} + 1"))

    await asyncio.gather(*(count(store) for store in (one, other) * 20))

    async with one.reading() as tx:
        assert await tx.scalar(text("SELECT n FROM counted")) == 40
    await one.close()
    await other.close()


async def test_instants_come_back_aware_and_naive_ones_are_refused(store: Store) -> None:
    office = await make_office(store)
    await _claim(store, office.caseworkers[0], at(9))

    async with store.reading() as tx:
        read = await tx.scalar(select(schema.claim.c.starts_at))
    with pytest.raises(Exception, match="time zone"):
        await _claim(store, office.caseworkers[0], at(11).replace(tzinfo=None))

    assert read == at(9)
    assert read.tzinfo is dt.UTC


async def test_sqlite_is_durable_and_checks_foreign_keys(sqlite_url: str) -> None:
    store = open_store(sqlite_url)

    async with store.reading() as tx:
        found = [
            await tx.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert found == ["wal", 2, 1]
    await store.close()
