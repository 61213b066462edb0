"""The demo office: what it has besides single appointments."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from scheduling import demo, demo_groups, demo_office, invariants, schema, seats
from scheduling.grid import local_date
from scheduling.seats import GroupSession
from scheduling.store import Store

SUNDAY = dt.datetime(2026, 11, 22, 9, tzinfo=dt.UTC)


async def gathered(store: Store, now: dt.datetime) -> list[GroupSession]:
    async with store.writing() as tx:
        await demo_groups.gather(tx, now)
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []
        return await seats.upcoming(tx, now)


async def test_two_sessions_with_free_seats_lie_ahead_however_often_the_demo_is_filled(
    store: Store,
) -> None:
    async with store.writing() as tx:
        await demo.set_up(tx, "no password")

    first = await gathered(store, SUNDAY)
    again = await gathered(store, SUNDAY + dt.timedelta(hours=5))
    a_week_later = await gathered(store, SUNDAY + dt.timedelta(days=7))

    assert len(first) == 2
    assert all(0 < one.seats < one.capacity == demo_office.GROUP_SEATS for one in first)
    assert [one.id for one in again] == [one.id for one in first]
    assert len(a_week_later) == 2
    assert a_week_later[0].id == first[1].id


async def test_of_the_days_that_are_over_it_is_known_what_became_of_them(store: Store) -> None:
    def hashed(_password: str) -> str:
        return "no password"

    await demo.seed(store, SUNDAY, hashed)

    row = schema.appointment
    single = select(row.c.outcome).where(row.c.session_id.is_(None), row.c.ends_at < SUNDAY)
    async with store.reading() as tx:
        outcomes = [*await tx.scalars(single)]
    assert {"held", "missed"} == {*outcomes}
    assert outcomes.count("missed") < len(outcomes) / 4


async def test_a_session_makes_way_for_a_public_holiday(store: Store) -> None:
    async with store.writing() as tx:
        await demo.set_up(tx, "no password")

    week_of_all_saints, _ = await gathered(store, dt.datetime(2028, 10, 29, 9, tzinfo=dt.UTC))

    assert local_date(week_of_all_saints.span.start) == dt.date(2028, 11, 2)
