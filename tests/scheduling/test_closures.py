"""Absences and closures put booked appointments on a worklist; rescue finds ways out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from scheduling import appointments, booking, catalog, closures, invariants, rescue, schema, slots
from scheduling.model import Appointment, Needs, NotFound, Person, Span, Way
from scheduling.rescue import Remedy
from scheduling.slots import SlotQuery
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

ALL_DAY = Span(at(8), at(18))
WITHOUT_PHONE = Person("Toni", "toni@example.org")


async def _book(
    store: Store, office: Office, clock: Clock, way: Way, start: dt.datetime,
    *, person: Person = PERSON, caseworker: int = 0,
) -> Appointment:  # fmt: skip
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=way, start=start, site_id=None, person=person,
            needs=Needs(), locale="de", now=clock(), actor="test",
            caseworker_id=office.caseworkers[caseworker],
        )  # fmt: skip
    return made.appointment


async def _away(store: Store, office: Office, number: int = 0, span: Span = ALL_DAY) -> int:
    async with store.writing() as tx:
        return await closures.close(
            tx, span, resource_id=office.caseworkers[number], kind="absence"
        )


async def _affected(store: Store, clock: Clock, closure: int | None = None) -> list[int]:
    async with store.reading() as tx:
        return [one.id for one in await closures.affected(tx, clock(), closure)]


async def _proposals(store: Store, clock: Clock) -> Sequence[rescue.Proposal]:
    async with store.writing() as tx:
        return await rescue.propose(tx, await closures.affected(tx, clock()), clock())


async def test_an_absence_over_appointments_lists_them_and_cancels_nothing(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    hit = await _book(store, office, clock, Way.VIDEO, at(9))
    await _book(store, office, clock, Way.VIDEO, at(9), caseworker=1)
    await _book(store, office, clock, Way.VIDEO, at(9, day=14))

    closure = await _away(store, office)

    assert await _affected(store, clock) == [hit.id]
    assert await _affected(store, clock, closure) == [hit.id]
    async with store.reading() as tx:
        assert await appointments.by_id(tx, hit.id) == hit


async def test_a_closed_room_hits_visits_in_it_alone(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    visit = await _book(store, office, clock, Way.IN_PERSON, at(9))
    await _book(store, office, clock, Way.VIDEO, at(10))

    async with store.writing() as tx:
        await closures.close(tx, ALL_DAY, resource_id=visit.room.id)

    assert await _affected(store, clock) == [visit.id]


async def test_an_outage_hits_only_the_ways_it_names(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    video = await _book(store, office, clock, Way.VIDEO, at(9))
    await _book(store, office, clock, Way.PHONE, at(10))

    async with store.writing() as tx:
        await closures.close(tx, ALL_DAY, site_id=office.site_id, ways=[Way.VIDEO], kind="outage")

    assert await _affected(store, clock) == [video.id]


async def test_lifting_a_closure_empties_its_list_and_frees_the_time(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, at(9))
    closure = await _away(store, office)
    query = SlotQuery(office.topic, Way.VIDEO, at(9).date(), at(9).date())

    async with store.writing() as tx:
        shut = await slots.find(tx, query, clock())
        await closures.lift(tx, closure)
        again = await slots.find(tx, query, clock())
        with pytest.raises(NotFound):
            await closures.lift(tx, closure)

    assert shut == []
    assert again
    assert await _affected(store, clock) == []


async def test_a_colleague_at_the_same_time_is_proposed_first(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=2)
    await _book(store, office, clock, Way.VIDEO, at(9))
    await _away(store, office)

    (proposal,) = await _proposals(store, clock)

    assert (proposal.remedy, proposal.start) == (Remedy.COLLEAGUE, at(9))
    assert proposal.caseworker_id == office.caseworkers[1]


async def test_the_same_person_by_phone_is_proposed_when_the_room_is_closed(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.IN_PERSON, at(9))
    await _book(store, office, clock, Way.IN_PERSON, at(10), person=WITHOUT_PHONE)
    async with store.writing() as tx:
        await closures.close(
            tx, ALL_DAY, site_id=office.site_id, ways=[Way.IN_PERSON], kind="closure"
        )

    proposals = await _proposals(store, clock)

    assert [one.remedy for one in proposals] == [Remedy.OTHER_WAY] * 2
    assert [one.way for one in proposals] == [Way.PHONE, Way.VIDEO]


async def test_proposals_fit_together_and_are_carried_out_one_by_one(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3)
    booked = [
        await _book(store, office, clock, Way.VIDEO, start, caseworker=number)
        for start in (at(9), at(9, 45), at(10, 30))
        for number in (0, 1)
    ]
    for number in (0, 1):
        await _away(store, office, number)

    proposals = await _proposals(store, clock)
    async with store.reading() as tx:
        untouched = await appointments.by_ids(tx, [one.id for one in booked])
    for proposal in proposals:
        async with store.writing() as tx:
            await rescue.carry_out(tx, proposal, actor="scheduler:1", now=clock())

    assert [one.remedy for one in proposals].count(Remedy.COLLEAGUE) == 3
    assert {one.remedy for one in proposals} == {Remedy.COLLEAGUE, Remedy.MOVE}
    assert {one.sequence for one in untouched} == {0}
    assert await _affected(store, clock) == []
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_what_an_earlier_turn_gives_up_a_later_one_may_be_promised(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    first = await _book(store, office, clock, Way.VIDEO, at(9))
    second = await _book(store, office, clock, Way.VIDEO, at(9, 35))
    await _away(store, office, span=Span(at(9), at(9, 45)))
    async with store.writing() as tx:
        late = Span(at(9), at(9, 35))
        await closures.close(tx, late, resource_id=office.caseworkers[1], kind="absence")

    proposals = await _proposals(store, clock)

    assert [one.remedy for one in proposals] == [Remedy.MOVE, Remedy.COLLEAGUE]
    assert proposals[0].start == at(9, 45)
    assert [one.appointment.id for one in sorted(proposals, key=lambda one: one.turn)] == [
        second.id, first.id,
    ]  # fmt: skip
    async with store.writing() as tx:
        for one in sorted(proposals, key=lambda one: one.turn):
            await rescue.carry_out(tx, one, actor="scheduler:1", now=clock())
        assert await invariants.broken(tx) == []


async def test_where_nothing_can_be_proposed_it_is_said(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, at(9))
    await _away(store, office, span=Span(at(8), at(8) + dt.timedelta(days=60)))

    (proposal,) = await _proposals(store, clock)

    assert proposal.remedy is None


async def test_a_remembered_site_learns_of_a_closure_at_once(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    query = SlotQuery(office.topic, Way.VIDEO, at(9).date(), at(9).date())
    async with store.reading() as tx:
        before = await slots.find(tx, query, clock())
        versions = [site.id for site in await catalog.sites(tx)]

    await _away(store, office)

    async with store.reading() as tx:
        assert await slots.find(tx, query, clock()) == []
        assert len(await closures.current(tx, clock())) == 1
    assert before
    assert versions == [office.site_id]
    assert schema.closure.name == "closure"
