"""Writers on SQLite share commits, and none of them pays for another's failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event, text

from scheduling.sqlite import IN_THREAD
from scheduling.store import Store, open_store

ADD = text("INSERT INTO noted VALUES (:n)")


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    store = open_store(sqlite_url)
    async with store.writing() as tx:
        await tx.execute(text("CREATE TABLE noted (n INTEGER NOT NULL)"))
    yield store
    await store.close()


async def _note(store: Store, n: int) -> None:
    async with store.writing() as tx:
        await tx.execute(ADD, {"n": n})
        await asyncio.sleep(0)
        if n < 0:
            raise LookupError


async def _noted(store: Store) -> list[int]:
    async with store.reading() as tx:
        return [*await tx.scalars(text("SELECT n FROM noted ORDER BY n"))]


async def test_those_who_wait_share_a_commit(store: Store) -> None:
    commits = 0

    def count(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(store.engine.sync_engine, "commit", count)

    await asyncio.gather(*(_note(store, n) for n in range(20)))

    assert await _noted(store) == [*range(20)]
    assert commits < 10


async def test_whoever_fails_takes_back_its_own_changes_alone(store: Store) -> None:
    done = await asyncio.gather(
        *(_note(store, n) for n in (1, -1, 2, -2, 3)), return_exceptions=True
    )

    assert [type(one) for one in done if one] == [LookupError, LookupError]
    assert await _noted(store) == [1, 2, 3]


async def test_those_before_are_committed_though_the_last_gave_up_waiting(store: Store) -> None:
    entered = asyncio.Event()

    async def slow() -> None:
        async with store.writing() as tx:
            entered.set()
            await tx.execute(ADD, {"n": 1})
            await asyncio.sleep(0)
            impatient.cancel()

    first = asyncio.ensure_future(slow())
    await entered.wait()
    impatient = asyncio.ensure_future(_note(store, 2))

    await asyncio.wait_for(first, timeout=20)

    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert await _noted(store) == [1]


async def test_whoever_lost_sees_what_the_winner_did(store: Store) -> None:
    async def lose() -> list[int]:
        try:
            await _note(store, -1)
        except LookupError:
            return await _noted(store)
        return []

    _, seen, _ = await asyncio.gather(_note(store, 1), lose(), _note(store, 2))

    assert 1 in seen


async def test_a_long_query_leaves_others_their_turn(store: Store) -> None:
    long = text(
        "SELECT count(*) FROM (WITH RECURSIVE c(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300000) SELECT n FROM c)"
    )
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.ensure_future(others())
    async with store.reading() as tx:
        counted = await tx.scalar(long)
    running.cancel()

    assert counted == 300_000
    assert turns > 2


async def test_a_change_of_many_rows_leaves_others_their_turn(store: Store) -> None:
    many = text(
        "INSERT INTO noted WITH RECURSIVE c(n) AS"
        " (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) SELECT n FROM c"
    ).execution_options(**IN_THREAD)

    async with store.writing() as tx:
        await tx.execute(many)

    assert len(await _noted(store)) == 1000
