"""Whatever is booked, moved and cancelled, in any way and order: nobody is booked twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from scheduling import booking, invariants, schema
from scheduling.model import Needs, PlanError, Way
from scheduling.store import Store, open_store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

START = st.integers(0, 36).map(lambda five: at(9) + dt.timedelta(minutes=5 * five))
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.sampled_from([Way.IN_PERSON, Way.VIDEO, Way.PHONE]), START),
        st.tuples(st.just("move"), st.integers(1, 8), START),
        st.tuples(st.just("cancel"), st.integers(1, 8), START),
    ),
    min_size=1,
    max_size=14,
)
Operation = tuple[str, Way | int, dt.datetime]


async def _apply(store: Store, office: Office, operation: Operation, now: dt.datetime) -> None:
    what, subject, start = operation
    try:
        async with store.writing() as tx:
            if what == "book":
                await booking.book(
                    tx, topic=office.topic, way=Way(subject), start=start, site_id=None,
                    person=PERSON, needs=Needs(), locale="de", now=now, actor="test",
                )  # fmt: skip
            elif what == "move":
                await booking.rearrange(tx, int(subject), start=start, actor="test", now=now)
            else:
                await booking.cancel(tx, int(subject), actor="test", now=now)
    except PlanError:
        pass


async def _emptied(store: Store) -> None:
    async with store.writing() as tx:
        for table in (schema.claim, schema.hold, schema.appointment):
            await tx.execute(table.delete())
        if store.dialect == "postgresql":
            await tx.execute(text("ALTER SEQUENCE appointment_id_seq RESTART"))


async def _spans(store: Store) -> list[tuple[dt.datetime, dt.datetime]]:
    row = schema.appointment
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []
        booked = select(row.c.starts_at, row.c.ends_at).where(row.c.status == "booked")
        return [(start, end) for start, end in await tx.execute(booked.order_by(row.c.starts_at))]


@pytest.mark.parametrize("together", [False, True], ids=["in turn", "at once"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_caseworker_is_never_booked_twice(
    engine: str, together: bool, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> None:
    runner = asyncio.Runner()
    url = f"sqlite+prompt:///{tmp_path}/plan.db"
    if engine == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        url = runner.run(_fresh_database(server))
    store = open_store(url)
    office = runner.run(_prepared(store))

    async def play(operations: list[Operation]) -> None:
        await _emptied(store)
        if together:
            await asyncio.gather(*(_apply(store, office, one, clock()) for one in operations))
        else:
            for one in operations:
                await _apply(store, office, one, clock())
        for (_, end), (start, _) in itertools.pairwise(await _spans(store)):
            assert end <= start

    @settings(
        max_examples=40, deadline=None, derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip
    @given(OPERATIONS)
    def examples(operations: list[Operation]) -> None:
        runner.run(play(operations))

    examples()
    runner.run(store.close())
    runner.close()


async def _prepared(store: Store) -> Office:
    async with store.writing() as tx:
        await schema.create_all(tx)
    return await make_office(store)


async def _fresh_database(server: str) -> str:
    name = f"never_{next(_numbers)}"
    admin = open_store(server + "postgres")
    connection = await admin.engine.connect()
    connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
    await connection.execute(text(f"CREATE DATABASE {name}"))
    await connection.close()
    await admin.close()
    return server + name


_numbers = itertools.count(1)
