"""Devices in somebody's hands: one borrower at a time, overdue ones replaced."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from scheduling import booking, catalog, loans, schema
from scheduling.model import Needs, NotFound, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, Office, at, make_office, row


async def _tablets(store: Store, office: Office, count: int) -> list[int]:
    async with store.writing() as tx:
        await row(
            tx, schema.topic_way, topic_id=office.topic.id, way="branch_video", minutes=30, **TERMS
        )
        office.topic = await catalog.topic(tx, "money")
        return [
            await row(
                tx, schema.resource, site_id=office.site_id, kind="tablet", name=f"Tablet {n}",
                features=[], skills=[], languages=[], active=True,
            )
            for n in range(count)
        ]  # fmt: skip


async def _hand_out(store: Store, device: int, borrower: int, clock: Clock) -> None:
    async with store.writing() as tx:
        due = clock() + dt.timedelta(hours=1)
        await loans.hand_out(tx, device, borrower, due, clock())


async def test_a_device_is_with_one_person_at_a_time(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=2)
    (tablet,) = await _tablets(store, office, 1)
    await _hand_out(store, tablet, office.caseworkers[0], clock)

    with pytest.raises(loans.AlreadyOut):
        await _hand_out(store, tablet, office.caseworkers[1], clock)
    async with store.writing() as tx:
        (loan,) = await loans.out(tx)
        await loans.take_back(tx, tablet, clock())
    await _hand_out(store, tablet, office.caseworkers[1], clock)

    assert loan.borrower.id == office.caseworkers[0]


async def test_only_devices_are_lent_and_only_what_is_out_comes_back(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    with pytest.raises(NotFound):
        await _hand_out(store, office.rooms[0], office.caseworkers[0], clock)
    with pytest.raises(NotFound):
        async with store.writing() as tx:
            await loans.take_back(tx, office.rooms[0], clock())


@pytest.mark.parametrize(("spare", "helped"), [(1, True), (0, False)])
async def test_an_overdue_device_is_replaced_from_the_pool_or_listed(
    store: Store, clock: Clock, spare: int, helped: bool
) -> None:
    office = await make_office(store)
    tablet, *_ = await _tablets(store, office, 1 + spare)
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=Way.BRANCH_VIDEO, start=at(10), site_id=office.site_id,
            person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip
        await tx.execute(update(schema.resource).values(features=[]))
    await _hand_out(store, tablet, office.caseworkers[0], clock)
    clock.forward(hours=2)

    async with store.writing() as tx:
        done, stuck = await loans.cover_overdue(tx, clock(), actor="test")

    assert made.appointment.tablet.id == tablet
    assert bool(done) is helped
    assert bool(stuck) is not helped
    if helped:
        assert done[0].tablet.id != tablet
        assert done[0].span == made.appointment.span
