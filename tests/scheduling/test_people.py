"""People and things join, change and leave the plan; whatever is booked with them is listed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select, update

from scheduling import (
    booking,
    catalog,
    claims,
    editing,
    invariants,
    loans,
    people,
    rescue,
    resources,
    schema,
    slots,
    worklist,
)  # fmt: skip
from scheduling.editing import Conflict, fingerprint
from scheduling.model import Appointment, Kind, Needs, Way
from scheduling.people import Lack
from scheduling.rescue import Remedy
from scheduling.resources import NameTaken, OnLoan, Retired
from scheduling.slots import SlotQuery
from scheduling.store import Store
from scheduling.worklist import Reason
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office, row

ENTRY = {
    "name": "Anna Neu", "site_id": 1, "team_id": None, "skills": ["money"], "languages": ["de"],
    "ways": [],
}  # fmt: skip


async def booked(
    store: Store, office: Office, clock: Clock, way: Way = Way.VIDEO, hour: int = 9
) -> Appointment:
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=way, start=at(hour), site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip
    return made.appointment


async def seen(store: Store, resource_id: int) -> str:
    async with store.reading() as tx:
        return fingerprint(await editing.stored(tx, schema.resource, resource_id))


async def test_whoever_is_added_can_be_booked_once_they_have_hours(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=0)
    query = SlotQuery(office.topic, Way.VIDEO, at(9).date(), at(9).date())
    async with store.writing() as tx:
        added = await people.add(tx, Kind.CASEWORKER, {**ENTRY, "site_id": office.site_id})
        await row(
            tx, schema.working_pattern, resource_id=added, weekday=1, starts_minute=540,
            ends_minute=720, ways=[], valid_from=at(9).date(), every_weeks=1,
        )  # fmt: skip

    async with store.reading() as tx:
        found = await slots.find(tx, query, clock())
        (listed,) = await people.listed(tx)

    assert found[0].start == at(9)
    assert (listed.resource.name, listed.site.name, len(listed.hours)) == (
        "Anna Neu",
        "Haupthaus",
        1,
    )


async def test_a_name_is_given_once_per_house_and_kind(store: Store) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        with pytest.raises(NameTaken) as refused:
            await people.add(
                tx, Kind.CASEWORKER, {**ENTRY, "site_id": office.site_id, "name": "PERSON 0"}
            )
        await people.add(
            tx, Kind.INTERPRETER, {**ENTRY, "site_id": office.site_id, "name": "Person 0"}
        )

    assert (refused.value.resource_id, refused.value.active) == (office.caseworkers[0], True)


async def test_of_two_who_add_the_same_name_at_once_one_is_refused(store: Store) -> None:
    office = await make_office(store)

    async def add() -> int:
        async with store.writing() as tx:
            return await people.add(tx, Kind.CASEWORKER, {**ENTRY, "site_id": office.site_id})

    outcomes = await asyncio.gather(*(add() for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(one, int) for one in outcomes) == 1
    assert sum(isinstance(one, NameTaken) for one in outcomes) == 4


async def test_a_change_over_somebody_elses_is_refused(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    person, before = office.caseworkers[0], await seen(store, office.caseworkers[0])
    async with store.writing() as tx:
        await people.change(tx, person, {"name": "Person Null"}, seen=before, now=clock())

    async with store.writing() as tx:
        with pytest.raises(Conflict) as refused:
            await people.change(tx, person, {"languages": ["tr"]}, seen=before, now=clock())

    assert refused.value.theirs == {"name"}


async def test_of_two_changes_at_once_one_is_stored_and_the_other_refused(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    person, before = office.caseworkers[0], await seen(store, office.caseworkers[0])

    async def change(name: str) -> None:
        async with store.writing() as tx:
            await people.change(tx, person, {"name": name}, seen=before, now=clock())

    outcomes = await asyncio.gather(*map(change, "ABC"), return_exceptions=True)

    assert sum(one is None for one in outcomes) == 1
    assert sum(isinstance(one, Conflict) for one in outcomes) == 2


async def test_a_skill_or_way_that_is_taken_away_lists_what_was_booked_for_it(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    video, phone = (
        await booked(store, office, clock),
        await booked(store, office, clock, Way.PHONE, 10),
    )
    person = office.caseworkers[0]

    async with store.writing() as tx:
        ways = await people.change(
            tx, person, {"ways": ["phone"]}, seen=await _seen(tx, person), now=clock()
        )
        skill = await people.change(
            tx, person, {"skills": ["work"], "ways": []}, seen=await _seen(tx, person), now=clock()
        )

    assert [(one.appointment.id, one.reason) for one in ways] == [(video.id, Reason.HOURS)]
    assert [(one.appointment.id, one.reason) for one in skill] == [
        (video.id, Reason.SKILL),
        (phone.id, Reason.SKILL),
    ]


async def test_who_moves_house_cannot_meet_visitors_in_the_old_one(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    visit = await booked(store, office, clock, Way.IN_PERSON)
    await booked(store, office, clock, Way.VIDEO, 10)
    person = office.caseworkers[0]

    async with store.writing() as tx:
        other = await row(
            tx, schema.site, key="other", name="Other", address="", phone="", state="NW"
        )
        versions = select(func.sum(schema.site.c.version))
        before = await tx.scalar(versions)
        found = await people.change(
            tx, person, {"site_id": other}, seen=await _seen(tx, person), now=clock()
        )
        after = await tx.scalar(versions)

    assert [(one.appointment.id, one.reason) for one in found] == [(visit.id, Reason.PLACE)]
    assert after - before == 2


async def test_whoever_leaves_loses_nothing_that_is_booked(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=2)
    hit = await booked(store, office, clock)

    async with store.writing() as tx:
        found = await people.retire(tx, hit.caseworker.id, clock())
        (proposal,) = await rescue.propose(tx, [one.appointment for one in found], clock())
        await rescue.carry_out(tx, proposal, actor="scheduler:1", now=clock())

    assert [(one.appointment.id, one.reason) for one in found] == [(hit.id, Reason.RETIRED)]
    assert proposal.remedy is Remedy.COLLEAGUE
    async with store.reading() as tx:
        assert await worklist.stranded(tx, clock()) == []
        assert await invariants.broken(tx) == []
        assert [one.id for one in await catalog.resources(tx, kinds=(Kind.CASEWORKER,))] != [
            hit.caseworker.id
        ]
        assert [one.resource.id for one in await people.listed(tx, retired=True)] == [
            hit.caseworker.id
        ]


async def test_who_comes_back_has_their_hours_and_appointments_again(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await booked(store, office, clock)
    person = office.caseworkers[0]

    async with store.writing() as tx:
        await people.retire(tx, person, clock())
        with pytest.raises(Retired):
            await people.change(tx, person, {}, seen=await _seen(tx, person), now=clock())
        await resources.bring_back(tx, person)

    async with store.reading() as tx:
        assert await worklist.stranded(tx, clock()) == []
        assert len((await people.by_id(tx, person)).hours) == 5


async def test_a_retired_room_strands_the_visits_in_it(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    visit = await booked(store, office, clock, Way.IN_PERSON)
    assert visit.room is not None

    async with store.writing() as tx:
        found = await resources.retire(tx, visit.room.id, clock())

    assert [(one.appointment.id, one.resource.id) for one in found] == [(visit.id, visit.room.id)]


async def test_a_colleague_who_was_to_join_and_leaves_is_missed(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=2)
    talk = await booked(store, office, clock)
    joins = next(one for one in office.caseworkers if one != talk.caseworker.id)
    async with store.writing() as tx:
        both = {talk.caseworker.id: talk.span, joins: talk.span}
        await claims.take(tx, claims.ForAppointment(talk.id), both, clock())
        await tx.execute(
            update(schema.resource).where(schema.resource.c.id == joins).values(skills=["work"])
        )
        before = await worklist.review(tx, clock(), resource_ids=[joins])

        found = await people.retire(tx, joins, clock())

    assert before == []
    assert [(one.appointment.id, one.resource.id) for one in found] == [(talk.id, joins)]


async def test_a_device_in_somebodys_hands_is_not_retired(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        tablet = await resources.add(
            tx, Kind.TABLET, {"name": "Tablet 1", "site_id": office.site_id}
        )
        await loans.hand_out(tx, tablet, office.caseworkers[0], at(18), clock())

        with pytest.raises(OnLoan) as refused:
            await resources.retire(tx, tablet, clock())

    assert refused.value.loan.borrower.name == "Person 0"


@pytest.mark.parametrize(
    ("kind", "changes", "lack"),
    [
        (Kind.CASEWORKER, {"name": "  "}, Lack.NAME),
        (Kind.CASEWORKER, {"name": "A" * 101}, Lack.LONG_NAME),
        (Kind.CASEWORKER, {"site_id": None}, Lack.SITE),
        (Kind.CASEWORKER, {"team_id": 7}, Lack.TEAM),
        (Kind.CASEWORKER, {"skills": []}, Lack.SKILL),
        (Kind.INTERPRETER, {"languages": []}, Lack.LANGUAGE),
        (Kind.CASEWORKER, {"ways": None}, Lack.WAY),
    ],
)
def test_what_an_entry_lacks_is_said(kind: Kind, changes: dict[str, object], lack: Lack) -> None:
    assert people.lacking(kind, {**ENTRY, **changes}, []) == [lack]


async def _seen(tx: object, resource_id: int) -> str:
    return fingerprint(await editing.stored(tx, schema.resource, resource_id))
