"""Cases that take two or three unlikely steps, and that a long proof of the plan came upon."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import select, text

from scheduling import booking, claims, invariants, loans, schema, waitlist
from scheduling.model import Appointment, HoldExpired, Needs, NotFound, SlotTaken, Span, Way
from scheduling.store import Store, open_store
from scheduling.tokens import new_token
from tests.conftest import Clock
from tests.scheduling import plan_world
from tests.scheduling.office import PERSON, at, make_office, row
from tests.scheduling.plan_model import World

MONDAY_NINE = dt.datetime(2026, 10, 26, 8, 0, tzinfo=dt.UTC)


async def _book(
    store: Store, world: World, way: Way, start: dt.datetime, site_id: int | None,
    needs: Needs | None = None,
) -> Appointment:  # fmt: skip
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=world.topics[0], way=way, start=start, site_id=site_id, person=PERSON,
            needs=needs or Needs(), locale="de", now=plan_world.START, actor="staff",
        )  # fmt: skip
    return made.appointment


async def test_a_late_hold_that_lost_its_caseworker_alone_is_not_confirmed(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        token, _ = await booking.hold(
            tx, topic=office.topic, way=Way.IN_PERSON, start=at(9), now=clock()
        )
    clock.forward(minutes=11)
    async with store.writing() as tx:
        await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=at(9), site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="staff",
        )  # fmt: skip

    with pytest.raises(HoldExpired):
        async with store.writing() as tx:
            await booking.confirm(tx, token, person=PERSON, needs=Needs(), locale="de", now=clock())

    async with store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_an_interpreter_of_another_site_stays_with_the_booking(store: Store) -> None:
    world = await plan_world.build(store)
    branch = world.sites[1]

    made = await _book(store, world, Way.VIDEO, MONDAY_NINE, branch, needs=Needs(interpreter="ar"))

    assert made.caseworker.site_id == branch
    assert made.interpreter is not None
    assert made.interpreter.site_id == world.sites[0]


async def test_two_taps_at_once_on_waiting_make_one_place_in_the_list(store: Store) -> None:
    world = await plan_world.build(store)
    booked = await _book(store, world, Way.PHONE, MONDAY_NINE, None)

    async def tap() -> None:
        async with store.writing() as tx:
            await waitlist.join(tx, booked.id, plan_world.START)

    await asyncio.gather(*(tap() for _ in range(8)))

    async with store.reading() as tx:
        assert len((await tx.execute(select(schema.waiting))).all()) == 1


async def test_who_waits_for_an_appointment_that_is_gone_hears_that(store: Store) -> None:
    with pytest.raises(NotFound):
        async with store.writing() as tx:
            await waitlist.join(tx, 7, plan_world.START)


async def test_of_two_that_wait_for_each_other_the_one_that_gives_way_is_refused(
    postgresql_url: str,
) -> None:
    store = open_store(postgresql_url)
    async with store.writing() as tx:
        await schema.create_all(tx)
    world = await plan_world.build(store)
    low, high = [one.id for one in world.things.values()][:2]
    expires = plan_world.START + dt.timedelta(minutes=10)
    span = Span(MONDAY_NINE, MONDAY_NINE + dt.timedelta(minutes=30))
    holds = [await _hold(store, world) for _ in range(3)]
    owners = [claims.ForHold(one, expires) for one in holds]

    async def take_both() -> None:
        async with store.writing() as tx:
            await claims.take(tx, owners[0], {low: span, high: span}, plan_world.START)

    async with store.writing() as tx:
        await claims.give_way(tx)
        later = Span(span.end, span.end + dt.timedelta(minutes=30))
        await claims.take(tx, owners[1], {high: later}, plan_world.START)
        other = asyncio.create_task(take_both())
        await somebody_waits(store)
        with pytest.raises(SlotTaken):
            await claims.take(tx, owners[2], {low: later}, plan_world.START)
    await other

    async with store.reading() as tx:
        assert len((await tx.execute(select(schema.claim))).all()) == 3
    await store.close()


async def _hold(store: Store, world: World) -> int:
    """Make a hold that has no claims yet."""
    async with store.writing() as tx:
        return await row(
            tx, schema.hold, token_hash=new_token(), topic_id=world.topics[0].id, way="phone",
            site_id=world.sites[0], caseworker_id=next(iter(world.things)),
            starts_at=MONDAY_NINE, ends_at=MONDAY_NINE + dt.timedelta(minutes=20),
            expires_at=plan_world.START + dt.timedelta(minutes=10),
        )  # fmt: skip


async def somebody_waits(store: Store) -> None:
    """Wait until a transaction of this PostgreSQL server waits for another."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with asyncio.timeout(10), store.reading() as tx:
        while not await tx.scalar(waiting):
            await tx.rollback()


async def test_an_overdue_device_never_stands_in_for_another_overdue_one(store: Store) -> None:
    world = await plan_world.build(store)
    branch = world.sites[1]
    start = MONDAY_NINE + dt.timedelta(hours=1)
    booked = await _book(store, world, Way.BRANCH_VIDEO, start, branch)
    (borrower, *_), due = world.of("caseworker"), plan_world.START + dt.timedelta(hours=1)
    async with store.writing() as tx:
        for tablet in world.of("tablet"):
            await loans.hand_out(tx, tablet.id, borrower.id, due, plan_world.START)

    async with store.writing() as tx:
        helped, stuck = await loans.cover_overdue(tx, due, actor="staff")

    assert helped == []
    assert stuck == [booked]
