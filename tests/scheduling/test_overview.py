"""The plan as schedulers look at it: lanes, utilisation, what is found, and its revision."""

from __future__ import annotations

import datetime as dt

from scheduling import booking, catalog, closures, overview, schema
from scheduling.grid import Horizon
from scheduling.model import Appointment, Needs, Span, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office, row

DAY = Horizon(at(9).date(), at(9).date())


async def booked(store: Store, office: Office, clock: Clock, way: Way = Way.VIDEO) -> Appointment:
    async with store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=office.topic, way=way, start=at(9), site_id=None, person=PERSON,
            needs=Needs(), locale="en", now=clock(), actor="test",
        )  # fmt: skip
    return confirmed.appointment


async def test_an_appointment_stands_on_every_lane_that_it_has_claimed(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    appointment = await booked(store, office, clock, Way.IN_PERSON)

    async with store.reading() as tx:
        seen = await overview.overview(tx, DAY, clock())

    assert appointment.room is not None
    assert [one.resource_ids for one in seen.booked] == [
        (appointment.caseworker.id, appointment.room.id)
    ]


async def test_utilisation_is_the_booked_share_of_the_working_time(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await booked(store, office, clock)

    async with store.reading() as tx:
        seen = await overview.overview(tx, DAY, clock())

    caseworker, *rooms = seen.lanes
    assert (caseworker.worked, caseworker.booked, caseworker.share) == (180, 35, 19)
    assert [room.share for room in rooms] == [0, 0]


async def test_a_closure_is_shown_and_leaves_no_working_time(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await closures.close(tx, Span(at(9), at(12)), site_id=office.site_id)

    async with store.reading() as tx:
        seen = await overview.overview(tx, DAY, clock())

    assert len(seen.closures) == 1
    assert [lane.share for lane in seen.lanes] == [None, None, None]


async def test_a_hold_is_shown_until_it_runs_out(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await booking.hold(tx, topic=office.topic, way=Way.VIDEO, start=at(9), now=clock())

    async with store.reading() as tx:
        before = await overview.overview(tx, DAY, clock())
        clock.forward(minutes=11)
        after = await overview.overview(tx, DAY, clock())

    assert [one.resource_id for one in before.held] == office.caseworkers
    assert after.held == ()


async def test_filters_leave_only_the_asked_kinds_and_ways(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await booked(store, office, clock)

    async with store.reading() as tx:
        rooms = await overview.overview(tx, DAY, clock(), kinds=overview.ROOMS)
        phone = await overview.overview(tx, DAY, clock(), way=Way.PHONE)

    assert [lane.resource.id for lane in rooms.lanes] == office.rooms
    assert phone.booked == ()


async def test_people_are_found_by_reference_and_by_any_part_of_their_name(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    appointment = await booked(store, office, clock)

    async with store.reading() as tx:
        found = [
            [one.id for one in await overview.search(tx, words)]
            for words in (appointment.reference.lower(), "spiel KIM", "%", "Nobody", "")
        ]

    assert found == [[appointment.id], [appointment.id], [], [], []]


async def test_the_revision_rises_with_bookings_holds_and_closures(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    revisions = []

    async def look() -> None:
        async with store.reading() as tx:
            revisions.append(await overview.revision(tx))

    await look()
    await booked(store, office, clock)
    await look()
    async with store.writing() as tx:
        await booking.hold(tx, topic=office.topic, way=Way.PHONE, start=at(10), now=clock())
    await look()
    async with store.writing() as tx:
        await catalog.changed(tx, office.site_id)
    await look()
    await look()

    assert len(set(revisions)) == 4
    assert revisions[-1] == revisions[-2]


async def test_home_office_shows_as_hours_without_visits(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await row(
            tx, schema.working_pattern, resource_id=office.caseworkers[0], weekday=1,
            starts_minute=780, ends_minute=960, ways=["video", "phone"],
            valid_from=dt.date(2026, 1, 1), every_weeks=1,
        )  # fmt: skip

    async with store.reading() as tx:
        caseworker, room, *_ = (await overview.overview(tx, DAY, clock())).lanes

    there = frozenset({Way.IN_PERSON, Way.VIDEO, Way.PHONE})
    assert [(one.span, one.ways) for one in caseworker.stretches if one.ways] == [
        (Span(at(9), at(12)), there),
        (Span(at(13), at(16)), frozenset({Way.VIDEO, Way.PHONE})),
    ]
    assert caseworker.stretches[0].span.start == DAY.start
    assert caseworker.stretches[-1].span.end == DAY.end
    # The room can be had while somebody works in the house, be it at home.
    assert [one.span for one in room.stretches if one.ways] == [
        Span(at(9), at(12)),
        Span(at(13), at(16)),
    ]


async def test_nobody_is_there_on_a_public_holiday(store: Store, clock: Clock) -> None:
    await make_office(store)
    all_saints = dt.date(2026, 11, 1)

    async with store.reading() as tx:
        seen = await overview.overview(tx, Horizon(all_saints, all_saints), clock())

    assert [one.ways for lane in seen.lanes for one in lane.stretches] == [frozenset()] * 3
