"""Cases that take two or three unlikely steps, and that a long proof of the plan came upon."""

from __future__ import annotations

import datetime as dt

import pytest

from scheduling import booking, invariants, loans
from scheduling.model import Appointment, HoldExpired, Needs, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling import plan_world
from tests.scheduling.office import PERSON, at, make_office
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
