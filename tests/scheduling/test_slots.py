"""When is this possible: patterns, claims, rooms, holidays, notice and horizon."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import event, update

from scheduling import booking, catalog, schema, slots
from scheduling.model import Feature, Needs, Slot, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

TUESDAY = dt.date(2026, 10, 13)
STEP_FREE = Needs(frozenset({Feature.STEP_FREE}))


async def _find(
    store: Store, office: Office, clock: Clock, way: Way, **terms: object
) -> list[Slot]:
    terms = {"first": TUESDAY, "last": TUESDAY} | terms
    async with store.reading() as tx:
        return await slots.find(tx, SlotQuery(office.topic, way, **terms), clock())


async def _book(
    store: Store,
    office: Office,
    clock: Clock,
    way: Way,
    start: dt.datetime,
    needs: Needs | None = None,
) -> booking.Confirmed:
    async with store.writing() as tx:
        return await booking.book(
            tx, topic=office.topic, way=way, start=start, site_id=None, person=PERSON,
            needs=needs or Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip


async def test_slots_fill_the_working_hours_up_to_the_last_that_fits_with_its_buffer(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    found = await _find(store, office, clock, Way.VIDEO)

    assert found[0] == Slot(at(9), at(9, 30))
    assert found[-1] == Slot(at(11, 15), at(11, 45))
    assert len(found) == 10


async def test_what_is_taken_in_one_way_is_gone_in_the_others(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.PHONE, at(10))

    for way in (Way.IN_PERSON, Way.VIDEO, Way.PHONE):
        starts = {slot.start for slot in await _find(store, office, clock, way)}
        assert not starts & {at(9, 45), at(10), at(10, 15)}
        assert at(10, 30) in starts


async def test_a_consultation_in_person_needs_a_room_of_the_same_site(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3, rooms=2)
    for _ in range(2):
        await _book(store, office, clock, Way.IN_PERSON, at(10))

    in_person = {slot.start for slot in await _find(store, office, clock, Way.IN_PERSON)}
    by_video = {slot.start for slot in await _find(store, office, clock, Way.VIDEO)}

    assert at(10) not in in_person
    assert at(10) in by_video


async def test_step_free_rooms_are_kept_for_those_who_need_them(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=3, rooms=2)
    plain = await _book(store, office, clock, Way.IN_PERSON, at(10))
    needed = await _book(store, office, clock, Way.IN_PERSON, at(11), STEP_FREE)

    assert plain.appointment.room.id == office.rooms[0]
    assert needed.appointment.room.id == office.rooms[1]
    again = await _find(store, office, clock, Way.IN_PERSON, needs=STEP_FREE)
    assert at(11) not in {slot.start for slot in again}


async def test_a_room_must_have_all_that_the_claimant_and_the_topic_need(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2, rooms=2)
    resource, terms = schema.resource, schema.topic_way
    async with store.writing() as tx:
        for room, features in zip(office.rooms, (["hearing_loop"], [*Feature]), strict=True):
            await tx.execute(
                update(resource).where(resource.c.id == room).values(features=features)
            )
        await tx.execute(
            update(terms).where(terms.c.way == Way.IN_PERSON).values(features=["hearing_loop"])
        )
        await catalog.changed(tx, office.site_id)
        topic = await catalog.topic(tx, office.topic.key)
    asking = replace(office, topic=topic)

    plain = await _book(store, asking, clock, Way.IN_PERSON, at(10))
    both = await _book(store, asking, clock, Way.IN_PERSON, at(10), STEP_FREE)

    assert plain.appointment.room.id == office.rooms[0]
    assert both.appointment.room.id == office.rooms[1]
    assert both.appointment.features == {*Feature}
    async with store.writing() as tx:
        await tx.execute(update(resource).values(features=["step_free"]))
        await catalog.changed(tx, office.site_id)
    assert await _find(store, asking, clock, Way.IN_PERSON) == []
    assert await _find(store, asking, clock, Way.VIDEO) != []


async def test_holidays_of_the_federal_state_are_closed(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    clock.now = dt.datetime(2026, 5, 29, 6, tzinfo=dt.UTC)
    corpus_christi = dt.date(2026, 6, 4)

    found = await _find(store, office, clock, Way.VIDEO, first=corpus_christi, last=corpus_christi)

    assert found == []


async def test_notice_and_horizon_limit_the_public_but_not_staff(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    clock.now = at(9, 20)
    far = TUESDAY + dt.timedelta(days=35)

    public = await _find(store, office, clock, Way.VIDEO)
    staff = await _find(store, office, clock, Way.VIDEO, for_staff=True)
    late = await _find(store, office, clock, Way.VIDEO, first=far, last=far)

    assert public[0].start == at(10, 30)
    assert staff[0].start == at(9, 30)
    assert late == []


async def test_the_next_day_can_be_booked_until_midnight(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await tx.execute(update(schema.topic_way).values(earliest_day=1))
        office.topic = await catalog.topic(tx, "money")
    clock.now = dt.datetime(2026, 10, 12, 21, 59, tzinfo=dt.UTC)

    before_midnight = await _find(store, office, clock, Way.VIDEO)
    clock.forward(minutes=1)
    after_midnight = await _find(store, office, clock, Way.VIDEO)

    assert before_midnight[0].start == at(9)
    assert after_midnight == []


async def test_hours_of_every_second_week_and_ended_patterns_are_honoured(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await tx.execute(
            update(schema.working_pattern).values(
                every_weeks=2, valid_from=dt.date(2026, 10, 6), valid_until=dt.date(2026, 10, 23)
            )
        )

    this_week = await _find(store, office, clock, Way.VIDEO)
    next_week = await _find(
        store, office, clock, Way.VIDEO, first=dt.date(2026, 10, 20), last=dt.date(2026, 10, 20)
    )

    assert this_week == []
    assert len(next_week) == 10


async def test_an_expired_hold_counts_as_free(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await booking.hold(tx, topic=office.topic, way=Way.VIDEO, start=at(10), now=clock())

    held = await _find(store, office, clock, Way.VIDEO)
    clock.forward(minutes=10)
    later = await _find(store, office, clock, Way.VIDEO)

    assert at(10) not in {slot.start for slot in held}
    assert at(10) in {slot.start for slot in later}


async def test_nearest_slots_surround_the_wanted_time(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, at(10))

    async with store.reading() as tx:
        query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY + dt.timedelta(days=7))
        found = await slots.nearest(tx, query, at(10), clock(), count=4)

    assert [slot.start for slot in found] == [at(9), at(9, 15), at(10, 45), at(11)]


@pytest.mark.parametrize("caseworkers", [1, 12])
@pytest.mark.parametrize(("at_one_site", "expected"), [(True, [1, 1]), (False, [2, 2])])
async def test_the_store_is_asked_equally_often_however_many_caseworkers_there_are(
    store: Store, clock: Clock, caseworkers: int, at_one_site: bool, expected: list[int]
) -> None:
    office = await make_office(store, caseworkers=caseworkers)
    asked: list[str] = []
    site_id = office.site_id if at_one_site else None
    query = SlotQuery(office.topic, Way.IN_PERSON, TUESDAY, TUESDAY, site_id)
    event.listen(
        store.engine.sync_engine, "before_cursor_execute", lambda *args: asked.append(args[2])
    )

    rounds = []
    for _ in range(2):
        async with store.reading() as tx:
            asked.clear()
            await slots.find(tx, query, clock())
            rounds.append(len(asked))

    assert rounds == expected


async def test_the_least_loaded_caseworker_gets_the_next_booking(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)

    first = await _book(store, office, clock, Way.VIDEO, at(9))
    second = await _book(store, office, clock, Way.VIDEO, at(11))

    assert first.appointment.caseworker.id != second.appointment.caseworker.id


async def test_every_start_that_is_offered_can_be_taken_also_just_before_midnight(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await tx.execute(update(schema.working_pattern).values(starts_minute=0, ends_minute=1440))
    query = SlotQuery(office.topic, Way.PHONE, TUESDAY, TUESDAY + dt.timedelta(days=1))

    async with store.reading() as tx:
        offered = [slot.start for slot in await slots.find(tx, query, clock())]
        refused = [one for one in offered if not await slots.options(tx, query, one, clock())]

    assert at(23, 45) in offered
    assert refused == []


async def test_starts_off_the_grid_or_outside_hours_have_no_options(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)

    async with store.reading() as tx:
        for start in (at(9, 1), at(8), at(11, 30), at(9).replace(second=30)):
            assert await slots.options(tx, query, start, clock()) == []
