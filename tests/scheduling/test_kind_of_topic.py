"""A topic begins to be advised on in groups while somebody books it by themselves."""

from __future__ import annotations

import asyncio

import pytest

from scheduling import booking, changes, invariants, slots, topics
from scheduling.grid import local_date
from scheduling.model import Appointment, Needs, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store
from scheduling.topics import OthersAhead
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office
from tests.scheduling.test_rare_cases import somebody_waits


async def test_who_is_just_booking_keeps_the_topic_as_it_is(store: Store, clock: Clock) -> None:
    office = await make_office(store)

    async with store.writing() as tx:
        await _book(tx, office, clock)
        change = asyncio.ensure_future(_into_groups(store, office, clock))
        if store.engine.dialect.name == "postgresql":
            await somebody_waits(store)

    with pytest.raises(OthersAhead):
        await change


async def test_a_booking_that_the_change_overtook_stands_and_can_be_moved(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    date = local_date(at(9))
    async with store.reading() as tx:
        found = await slots.options(
            tx, SlotQuery(office.topic, Way.VIDEO, date, date), at(9), clock()
        )
    await _into_groups(store, office, clock)

    async with store.writing() as tx:
        late = await _book(tx, office, clock, found=found)
        moved = await changes.rearrange(
            tx, late.id, start=at(10), way=Way.PHONE, actor="claimant", now=clock()
        )
        broken = await invariants.broken(tx)

    assert (moved.reference, moved.span.start, moved.way) == (late.reference, at(10), Way.PHONE)
    assert broken == []


async def _book(tx: object, office: Office, clock: Clock, **terms: object) -> Appointment:
    made = await booking.book(
        tx, topic=office.topic, way=Way.VIDEO, start=at(9), site_id=None, person=PERSON,
        needs=Needs(), locale="de", now=clock(), actor="test", **terms,
    )  # fmt: skip
    return made.appointment


async def _into_groups(store: Store, office: Office, clock: Clock) -> None:
    async with store.writing() as tx:
        record = await topics.topic(tx, office.topic.id)
        await topics.change(tx, office.topic.id, record | {"in_groups": True}, clock())
