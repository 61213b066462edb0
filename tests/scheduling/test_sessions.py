"""Group sessions: one entry of the plan, as many seats as it has, and not one more."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from scheduling import (
    appointments,
    booking,
    catalog,
    closures,
    enrolment,
    figures,
    invariants,
    overview,
    resources,
    retention,
    schema,
    seats,
    session_terms,
    sessions,
)
from scheduling.figures import By
from scheduling.grid import Horizon
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    Needs,
    NotFound,
    Person,
    SlotTaken,
    Span,
    Status,
    Way,
)
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from scheduling.sessions import Overtaken, TooFewSeats
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

TUESDAY = dt.date(2026, 10, 13)


async def gather(
    store: Store, office: Office, clock: Clock, *, capacity: int = 3, hour: int = 9,
    way: Way = Way.IN_PERSON,
) -> GroupSession:  # fmt: skip
    async with store.writing() as tx:
        found = await catalog.resources_by_id(tx, [office.caseworkers[0], office.rooms[0]])
        room = found[office.rooms[0]] if way is Way.IN_PERSON else None
        terms = Terms(
            way, Span(at(hour), at(hour + 1)), found[office.caseworkers[0]], room, capacity
        )
        return await sessions.create(tx, office.topic, terms, now=clock())


async def enrolled(
    store: Store, session: GroupSession, clock: Clock, *, key: str, person: Person = PERSON
) -> Appointment:
    async with store.writing() as tx:
        made = await enrolment.enrol(
            tx, session.id, key=key, person=person, locale="de", now=clock(), actor="claimant"
        )
    return made.appointment


async def read(store: Store, session: GroupSession) -> GroupSession:
    async with store.reading() as tx:
        return await seats.by_id(tx, session.id)


async def sound(store: Store) -> None:
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_a_seat_is_an_appointment_that_claims_nothing_of_its_own(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    session = await gather(store, office, clock)

    one = await enrolled(store, session, clock, key="a")
    other = await enrolled(store, session, clock, key="b")

    async with store.reading() as tx:
        claims = await tx.scalar(select(func.count()).select_from(schema.claim))
        history = await appointments.history(tx, one.id)
    assert claims == 2  # the caseworker and the room, once
    assert one.reference != other.reference
    assert (one.span, one.room, one.session_id) == (session.span, session.room, session.id)
    assert [entry.change for entry in history] == [Change.BOOKED]
    assert (await read(store, session)).free == 1
    await sound(store)


async def test_of_fifty_at_once_as_many_get_a_seat_as_there_are(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock, capacity=7)

    asked = [enrolled(store, session, clock, key=f"key {number}") for number in range(50)]
    results = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(one, Appointment) for one in results) == 7
    assert sum(isinstance(one, SlotTaken) for one in results) == 43
    assert (await read(store, session)).free == 0
    await sound(store)


async def test_the_database_itself_refuses_a_seat_too_many(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock, capacity=1)

    with pytest.raises(IntegrityError):
        async with store.writing() as tx:
            await tx.execute(update(schema.group_session).values(seats=2))

    assert (await read(store, session)).seats == 0


async def test_a_form_sent_twice_at_once_takes_one_seat(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)

    both = await asyncio.gather(*(enrolled(store, session, clock, key="same") for _ in range(2)))

    assert both[0].id == both[1].id
    assert (await read(store, session)).seats == 1


async def test_whoever_leads_a_session_is_not_free_for_anybody_else(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await gather(store, office, clock)

    with pytest.raises(SlotTaken):
        async with store.writing() as tx:
            await booking.book(
                tx, topic=office.topic, way=Way.PHONE, start=at(9, 30), site_id=None,
                person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test",
            )  # fmt: skip


async def test_a_cancelled_seat_is_free_for_the_next(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock, capacity=1)
    first = await enrolled(store, session, clock, key="a")

    async with store.writing() as tx:
        await booking.cancel(tx, first.id, actor="claimant", now=clock())

    assert (await enrolled(store, session, clock, key="b")).status is Status.BOOKED
    await sound(store)


async def test_a_seat_moves_to_another_session_and_stays_itself(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    early = await gather(store, office, clock, hour=9)
    late = await gather(store, office, clock, hour=11)
    seat = await enrolled(store, early, clock, key="a")

    async with store.writing() as tx:
        moved = await enrolment.move(tx, seat.id, late.id, actor="claimant", now=clock())

    assert (moved.uid, moved.reference) == (seat.uid, seat.reference)
    assert (moved.span, moved.sequence) == (late.span, 1)
    assert [(await read(store, one)).seats for one in (early, late)] == [0, 1]
    await sound(store)


async def test_a_seat_stays_where_it_is_when_the_other_session_is_full(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    early = await gather(store, office, clock, hour=9)
    late = await gather(store, office, clock, hour=11, capacity=1)
    seat = await enrolled(store, early, clock, key="a")
    await enrolled(store, late, clock, key="b")

    with pytest.raises(SlotTaken):
        async with store.writing() as tx:
            await enrolment.move(tx, seat.id, late.id, actor="claimant", now=clock())

    assert (await read(store, early)).seats == 1
    await sound(store)


async def test_seats_that_change_places_at_once_wait_for_each_other_in_no_circle(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    both = [await gather(store, office, clock, hour=hour, capacity=20) for hour in (9, 11)]
    mine = [
        (await enrolled(store, both[number % 2], clock, key=str(number))).id for number in range(16)
    ]

    async def swap(number: int) -> None:
        async with store.writing() as tx:
            if number % 5 == 4:
                await booking.cancel(tx, mine[number], actor="claimant", now=clock())
            else:
                there = both[(number + 1) % 2].id
                await enrolment.move(tx, mine[number], there, actor="claimant", now=clock())

    await asyncio.gather(*(swap(number) for number in range(16)))

    counted = [(await read(store, one)).seats for one in both]
    assert sum(counted) == 13
    await sound(store)


async def test_a_session_moves_with_all_its_seats(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    mine = [await enrolled(store, session, clock, key=key) for key in "ab"]
    terms = replace(Terms.of(session), span=Span(at(10), at(11, 30)))

    async with store.writing() as tx:
        told = await sessions.change(
            tx, session.id, terms, sequence=0, actor="scheduler:1", now=clock()
        )

    assert [seat.before.id for seat in told] == [one.id for one in mine]
    assert {seat.after.span for seat in told} == {terms.span}
    assert {seat.change for seat in told} == {Change.MOVED}
    await sound(store)


async def test_a_session_held_by_video_instead_needs_no_room(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    await enrolled(store, session, clock, key="a")
    terms = replace(Terms.of(session), way=Way.VIDEO, room=None)

    async with store.writing() as tx:
        (seat,) = await sessions.change(
            tx, session.id, terms, sequence=0, actor="scheduler:1", now=clock()
        )

    assert (seat.after.way, seat.after.room, seat.change) == (Way.VIDEO, None, Change.SHIFTED)
    await sound(store)


async def test_more_seats_alone_are_nobody_elses_affair(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    await enrolled(store, session, clock, key="a")

    async with store.writing() as tx:
        told = await sessions.change(
            tx, session.id, replace(Terms.of(session), capacity=9), sequence=0,
            actor="scheduler:1", now=clock(),
        )  # fmt: skip

    assert told == []
    assert (await read(store, session)).free == 8


async def test_a_session_keeps_as_many_seats_as_are_taken(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    for key in "ab":
        await enrolled(store, session, clock, key=key)

    with pytest.raises(TooFewSeats):
        async with store.writing() as tx:
            await sessions.change(
                tx, session.id, replace(Terms.of(session), capacity=1), sequence=0,
                actor="scheduler:1", now=clock(),
            )  # fmt: skip

    assert (await read(store, session)).capacity == 3


async def test_of_two_schedulers_the_later_learns_that_a_session_has_changed(
    store: Store, clock: Clock
) -> None:
    session = await gather(store, await make_office(store), clock)

    async def widen(capacity: int) -> None:
        terms = replace(Terms.of(session), capacity=capacity)
        async with store.writing() as tx:
            await sessions.change(
                tx, session.id, terms, sequence=0, actor="scheduler:1", now=clock()
            )

    results = await asyncio.gather(widen(5), widen(6), return_exceptions=True)

    assert [type(one) for one in results if one is not None] == [Overtaken]


async def test_a_cancelled_session_cancels_every_seat_once(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    for key in "ab":
        await enrolled(store, session, clock, key=key)

    async with store.writing() as tx:
        told = await sessions.cancel(tx, session.id, actor="scheduler:1", now=clock())
        again = await sessions.cancel(tx, session.id, actor="scheduler:1", now=clock())

    assert [one.status for one in told] == [Status.CANCELLED] * 2
    assert again == []
    with pytest.raises(SlotTaken):
        await enrolled(store, session, clock, key="c")
    await sound(store)


async def test_a_session_that_is_over_ends_all_its_seats_and_takes_no_more(
    store: Store, clock: Clock
) -> None:
    session = await gather(store, await make_office(store), clock)
    seat = await enrolled(store, session, clock, key="a")

    async with store.writing() as tx:
        await sessions.end(tx, session.id, actor="caseworker", now=clock())

    async with store.writing() as tx:
        with pytest.raises(Closed):
            await sessions.change(
                tx, session.id, Terms.of(session), sequence=1, actor="scheduler:1", now=clock()
            )
        assert (await appointments.by_id(tx, seat.id)).status is Status.ENDED
    await sound(store)


async def test_the_public_needs_notice_and_the_office_none(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    clock.now = at(8, 30)  # half an hour before; the public needs an hour

    with pytest.raises(SlotTaken):
        await enrolled(store, session, clock, key="a")

    async with store.writing() as tx:
        made = await enrolment.enrol(
            tx, session.id, key="b", person=PERSON, locale="de", now=clock(), actor="reception:1",
            for_staff=True,
        )  # fmt: skip
    assert made.created


async def test_a_seat_cannot_leave_its_session_by_the_way_of_single_appointments(
    store: Store, clock: Clock
) -> None:
    session = await gather(store, await make_office(store), clock)
    seat = await enrolled(store, session, clock, key="a")

    with pytest.raises(SlotTaken):
        async with store.writing() as tx:
            await booking.rearrange(tx, seat.id, start=at(11), actor="test", now=clock())

    assert (await read(store, session)).seats == 1


async def test_a_session_of_another_topic_is_no_place_to_move_to(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    early = await gather(store, office, clock, hour=9)
    late = await gather(store, office, clock, hour=11)
    seat = await enrolled(store, early, clock, key="a")
    async with store.writing() as tx:
        topic = schema.topic
        values = {
            column.name: value
            for column, value in zip(topic.c, (await tx.execute(select(topic))).one(), strict=True)
        }
        other = {**values, "id": 99, "key": "other"}
        await tx.execute(topic.insert().values(other))
        row = schema.group_session
        await tx.execute(update(row).where(row.c.id == late.id).values(topic_id=99))

    with pytest.raises(NotFound):
        async with store.writing() as tx:
            await enrolment.move(tx, seat.id, late.id, actor="claimant", now=clock())


async def test_who_is_taken_or_away_is_named(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    session = await gather(store, office, clock)
    terms = Terms.of(session)

    async with store.writing() as tx:
        taken = await session_terms.in_the_way(tx, terms, clock())
        own = await session_terms.in_the_way(tx, terms, clock(), session.id)
        await closures.close(tx, session.span, resource_id=office.rooms[0])
        shut = await session_terms.in_the_way(tx, terms, clock(), session.id)
        affected = await sessions.affected(tx, clock())

    assert names(taken) == {"Person 0", "Room 0"}
    assert own == []
    assert names(shut) == {"Room 0"}
    assert [one.id for one in affected] == [session.id]


async def test_a_session_whose_room_has_left_the_plan_is_affected(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    session = await gather(store, office, clock)

    async with store.writing() as tx:
        await resources.retire(tx, office.rooms[0], clock())
        missing = await session_terms.in_the_way(tx, Terms.of(session), clock(), session.id)
        affected = await sessions.affected(tx, clock())

    assert names(missing) == {"Room 0"}
    assert [one.id for one in affected] == [session.id]


def names(found: Iterable[object]) -> set[str]:
    return {getattr(one, "name", "") for one in found}


async def test_the_timeline_shows_a_session_once(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    session = await gather(store, office, clock)
    for key in "ab":
        await enrolled(store, session, clock, key=key)

    async with store.reading() as tx:
        seen = await overview.overview(tx, Horizon(TUESDAY, TUESDAY), clock())

    (gathering,) = seen.gatherings
    assert (gathering.session.seats, gathering.session.capacity) == (2, 3)
    assert set(gathering.resource_ids) == {office.caseworkers[0], office.rooms[0]}
    assert (seen.booked, seen.held) == ((), ())


async def test_figures_count_a_session_once_as_time_and_every_seat_as_a_booking(
    store: Store, clock: Clock
) -> None:
    session = await gather(store, await make_office(store), clock, capacity=6)
    for number in range(6):
        await enrolled(store, session, clock, key=str(number))

    async with store.reading() as tx:
        found = await figures.read(tx, By.WEEK, TUESDAY, TUESDAY, clock())

    assert found.total.appointments == 6
    assert found.total.utilisation == pytest.approx(65 / (5 * 180))


async def test_sessions_go_with_their_seats_when_their_time_is_over(
    store: Store, clock: Clock
) -> None:
    session = await gather(store, await make_office(store), clock)
    await enrolled(store, session, clock, key="a")
    clock.forward(days=120)

    async with store.writing() as tx:
        await retention.purge(tx, clock())

    async with store.reading() as tx:
        for table in (schema.group_session, schema.appointment, schema.claim):
            assert await tx.scalar(select(func.count()).select_from(table)) == 0


async def test_a_wrong_count_of_seats_is_found(store: Store, clock: Clock) -> None:
    session = await gather(store, await make_office(store), clock)
    await enrolled(store, session, clock, key="a")

    async with store.writing() as tx:
        await tx.execute(update(schema.group_session).values(seats=2))
        await tx.execute(schema.claim.delete())
        broken = await invariants.broken(tx)

    assert sorted(broken) == [
        "group session 1 counts 2 seats, but 1 are taken",
        "group session 1 has no claim on its caseworker",
        "group session 1 has no claim on its room",
    ]
