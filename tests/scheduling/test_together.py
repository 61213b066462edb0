"""Several people take part: common times only, all claimed at once, kept when it moves."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from scheduling import booking, changes, claims, closures, invariants, schema, slots, together
from scheduling.grid import local_date
from scheduling.model import Appointment, Needs, SlotTaken, Span, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, add_caseworker, at, make_office


async def _office(store: Store) -> tuple[Office, int]:
    """Make an office with one who advises and one who knows something else."""
    office = await make_office(store)
    async with store.writing() as tx:
        colleague = await add_caseworker(tx, office.site_id, "Kollegin")
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == colleague)
            .values(skills=["debt"], languages=[])
        )
    return office, colleague


async def _book(store: Store, office: Office, clock: Clock, *people: int) -> Appointment:
    async with store.writing() as tx:
        confirmed = await together.book(
            tx, topic=office.topic, way=Way.IN_PERSON, start=at(9), site_id=office.site_id,
            with_people=people, person=PERSON, needs=Needs(), locale="de", now=clock(),
            actor="test",
        )  # fmt: skip
        assert await invariants.broken(tx) == []
    return confirmed.appointment


async def _claimed(store: Store, resource_id: int) -> list[Span]:
    row = schema.claim.c
    async with store.reading() as tx:
        rows = await tx.execute(
            select(row.starts_at, row.ends_at).where(row.resource_id == resource_id)
        )
        return [Span(start, end) for start, end in rows]


async def test_a_common_time_is_booked_for_all_with_the_buffer(store: Store, clock: Clock) -> None:
    office, colleague = await _office(store)

    appointment = await _book(store, office, clock, colleague)

    async with store.reading() as tx:
        [named] = await together.colleagues(tx, appointment.id)
    assert named.name == "Kollegin"
    assert appointment.caseworker.id == office.caseworkers[0]
    assert await _claimed(store, colleague) == [Span(at(9), at(9, 35))]


async def test_times_at_which_the_colleague_is_away_are_not_offered(
    store: Store, clock: Clock
) -> None:
    office, colleague = await _office(store)
    async with store.writing() as tx:
        await closures.close(tx, Span(at(9), at(11)), resource_id=colleague)
    date = local_date(at(9))
    query = SlotQuery(
        office.topic, Way.PHONE, date, date, with_people=(colleague,), step_minutes=30
    )

    async with store.reading() as tx:
        found = await slots.find(tx, query, clock())

    assert [slot.start for slot in found] == [at(11), at(11, 30)]
    with pytest.raises(SlotTaken):
        await _book(store, office, clock, colleague)


async def test_a_visit_needs_the_colleague_in_the_same_house(store: Store, clock: Clock) -> None:
    office, colleague = await _office(store)
    async with store.writing() as tx:
        away = await tx.execute(
            schema.site.insert()
            .values(key="far", name="Fern", address="", phone="", state="NW")
            .returning(schema.site.c.id)
        )
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == colleague)
            .values(site_id=away.scalar_one())
        )
    date = local_date(at(9))

    async with store.reading() as tx:
        found = {
            way: await slots.find(
                tx,
                SlotQuery(office.topic, way, date, date, with_people=(colleague,)),
                clock(),
            )
            for way in (Way.IN_PERSON, Way.VIDEO)
        }

    assert not found[Way.IN_PERSON]
    assert found[Way.VIDEO]


async def test_the_colleague_comes_along_when_the_appointment_moves(
    store: Store, clock: Clock
) -> None:
    office, colleague = await _office(store)
    appointment = await _book(store, office, clock, colleague)
    async with store.writing() as tx:
        await closures.close(tx, Span(at(9, day=14), at(12, day=14)), resource_id=colleague)

    async with store.writing() as tx:
        with pytest.raises(SlotTaken):
            await changes.rearrange(
                tx, appointment.id, start=at(10, day=14), actor="test", now=clock()
            )
        await changes.rearrange(
            tx, appointment.id, start=at(10), way=Way.VIDEO, actor="test", now=clock()
        )

    assert await _claimed(store, colleague) == [Span(at(10), at(10, 35))]


async def test_a_colleague_who_is_not_needed_any_more_is_free_again(
    store: Store, clock: Clock
) -> None:
    office, colleague = await _office(store)
    appointment = await _book(store, office, clock, colleague)

    async with store.writing() as tx:
        await together.excuse(tx, appointment, colleague, "test", clock())

    assert await _claimed(store, colleague) == []
    assert len(await _claimed(store, office.caseworkers[0])) == 1


async def test_cancelling_frees_everybody(store: Store, clock: Clock) -> None:
    office, colleague = await _office(store)
    appointment = await _book(store, office, clock, colleague)

    async with store.writing() as tx:
        await booking.cancel(tx, appointment.id, actor="test", now=clock())

    assert await _claimed(store, colleague) == []


async def test_a_colleague_taken_a_moment_ago_makes_it_no_longer_possible(
    store: Store, clock: Clock
) -> None:
    office, colleague = await _office(store)
    other = await _book(store, office, clock)
    async with store.writing() as tx:
        moved = await changes.rearrange(tx, other.id, start=at(11), actor="test", now=clock())
        owner = claims.ForAppointment(other.id)
        taken = {colleague: Span(at(9), at(9, 30)), moved.caseworker.id: moved.span}
        assert moved.room is not None
        await claims.take(tx, owner, {**taken, moved.room.id: moved.span}, clock())

    with pytest.raises(SlotTaken):
        await _book(store, office, clock, colleague)

    assert len(await _claimed(store, office.caseworkers[0])) == 1
