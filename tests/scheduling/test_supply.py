"""What limits the supply: closures, opening hours, pools, interpreters, release, memory."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from scheduling import booking, catalog, changes, schema, slots
from scheduling.model import Needs, NotFound, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store, open_store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, Office, at, make_office, row

TUESDAY = dt.date(2026, 10, 13)


async def _starts(
    store: Store, office: Office, clock: Clock, way: Way, **terms: object
) -> set[dt.datetime]:
    async with store.reading() as tx:
        query = SlotQuery(office.topic, way, TUESDAY, TUESDAY, **terms)
        return {slot.start for slot in await slots.find(tx, query, clock())}


async def _change(store: Store, office: Office, statement: object) -> None:
    """Change master data as the console does: with the site's version."""
    async with store.writing() as tx:
        await tx.execute(statement)
        await catalog.changed(tx, office.site_id)


async def _close(store: Store, office: Office, **closure: object) -> None:
    async with store.writing() as tx:
        await row(tx, schema.closure, **{"ways": [], "kind": "absence", "note": ""} | closure)
        await catalog.changed(tx, office.site_id)


async def test_an_absence_takes_the_caseworker_out_and_nobody_else(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    one, other = office.caseworkers
    await _starts(store, office, clock, Way.VIDEO)

    await _close(store, office, resource_id=one, starts_at=at(9), ends_at=at(12))

    assert await _starts(store, office, clock, Way.VIDEO, caseworker_id=one) == set()
    assert await _starts(store, office, clock, Way.VIDEO, caseworker_id=other)


async def test_a_branch_without_network_still_receives_people_and_phones(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    await _close(
        store, office, site_id=office.site_id, starts_at=at(8), ends_at=at(18), kind="network",
        ways=[Way.VIDEO, Way.BRANCH_VIDEO],
    )  # fmt: skip

    assert await _starts(store, office, clock, Way.VIDEO) == set()
    assert await _starts(store, office, clock, Way.PHONE)
    assert await _starts(store, office, clock, Way.IN_PERSON)


async def test_a_closed_room_is_not_given_out(store: Store, clock: Clock) -> None:
    office = await make_office(store, rooms=1)

    await _close(store, office, resource_id=office.rooms[0], starts_at=at(9), ends_at=at(10))

    assert min(await _starts(store, office, clock, Way.IN_PERSON)) == at(10)


async def test_opening_hours_bind_visits_but_not_video(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    hours = [[weekday, 600, 660] for weekday in range(5)]

    await _change(store, office, update(schema.site).values(opening=hours))

    visits = await _starts(store, office, clock, Way.IN_PERSON)
    assert (min(visits), max(visits)) == (at(10), at(10, 15))
    assert min(await _starts(store, office, clock, Way.VIDEO)) == at(9)


async def test_home_office_hours_offer_video_and_phone_only(store: Store, clock: Clock) -> None:
    office = await make_office(store)

    await _change(store, office, update(schema.working_pattern).values(ways=[Way.VIDEO, Way.PHONE]))

    assert await _starts(store, office, clock, Way.IN_PERSON) == set()
    assert await _starts(store, office, clock, Way.PHONE)


async def test_hours_kept_for_reception_are_staffs_alone(store: Store, clock: Clock) -> None:
    office = await make_office(store)

    await _change(store, office, update(schema.working_pattern).values(release="reception"))

    assert await _starts(store, office, clock, Way.VIDEO) == set()
    assert await _starts(store, office, clock, Way.VIDEO, for_staff=True)


async def test_the_urgent_reserve_opens_on_the_day_or_to_urgent_topics(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await _change(store, office, update(schema.working_pattern).values(release="urgent"))
    await _change(store, office, update(schema.site).values(urgent_opens_minute=8 * 60))

    the_day_before = await _starts(store, office, clock, Way.VIDEO)
    clock.now = at(7, 59)
    too_early = await _starts(store, office, clock, Way.VIDEO)
    clock.now = at(8)
    opened = await _starts(store, office, clock, Way.VIDEO)
    async with store.writing() as tx:
        await tx.execute(update(schema.topic).values(urgent=True))
        office.topic = await catalog.topic(tx, "money")
    clock.now = at(8, day=12)
    urgent = await _starts(store, office, clock, Way.VIDEO)

    assert the_day_before == too_early == set()
    assert opened
    assert urgent


async def _with_branch(store: Store, office: Office) -> int:
    """Add a branch with one room, one tablet on the way for a quarter, and video to it."""
    async with store.writing() as tx:
        branch = await row(
            tx, schema.site, key="branch", name="Zweigstelle", address="Weg 2", phone="+49302",
            state="NW",
        )  # fmt: skip
        for kind, minutes in (("room", 0), ("tablet", 15)):
            await row(
                tx, schema.resource, site_id=branch, kind=kind, name=kind, features=[], skills=[],
                languages=[], active=True, setup_minutes=minutes, return_minutes=minutes,
            )  # fmt: skip
        await row(
            tx, schema.topic_way, topic_id=office.topic.id, way="branch_video", minutes=30, **TERMS
        )
        office.topic = await catalog.topic(tx, "money")
    return branch


async def _book(store: Store, office: Office, clock: Clock, **terms: object) -> booking.Confirmed:
    terms = {"site_id": None, "needs": Needs()} | terms
    async with store.writing() as tx:
        return await booking.book(
            tx, topic=office.topic, person=PERSON, locale="de", now=clock(), actor="test", **terms
        )


async def test_video_from_a_branch_claims_caseworker_room_and_tablet_at_once(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    branch = await _with_branch(store, office)

    made = await _book(store, office, clock, way=Way.BRANCH_VIDEO, start=at(10), site_id=branch)
    left = await _starts(store, office, clock, Way.BRANCH_VIDEO, site_id=branch)

    booked = made.appointment
    assert booked.site.id == branch
    assert (booked.room.name, booked.tablet.name) == ("room", "tablet")
    assert booked.caseworker.site_id == office.site_id
    # The tablet is on its way for a quarter of an hour before and after each use.
    assert at(9, 15) not in left
    assert at(9) in left
    assert at(10, 45) not in left
    assert at(11) in left


async def test_the_way_changes_and_identity_and_history_stay(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    branch = await _with_branch(store, office)
    made = await _book(store, office, clock, way=Way.IN_PERSON, start=at(10))
    before = made.appointment

    seen = []
    for way, site_id in ((Way.VIDEO, None), (Way.BRANCH_VIDEO, branch), (Way.PHONE, None)):
        async with store.writing() as tx:
            seen.append(
                await changes.rearrange(
                    tx, before.id, way=way, site_id=site_id, actor="claimant", now=clock()
                )
            )

    assert {(one.id, one.uid, one.reference, one.span.start) for one in seen} == {
        (before.id, before.uid, before.reference, at(10))
    }
    assert [one.sequence for one in seen] == [1, 2, 3]
    assert [one.room is None for one in seen] == [True, False, True]
    free = await _starts(store, office, clock, Way.BRANCH_VIDEO, site_id=branch, for_staff=True)
    assert at(11) in free


async def test_a_way_the_topic_is_not_offered_in_is_not_found(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    made = await _book(store, office, clock, way=Way.IN_PERSON, start=at(10))

    with pytest.raises(NotFound):
        changes.elsewhere(made.appointment, TUESDAY, way=Way.BRANCH_VIDEO)


async def test_an_interpreter_is_claimed_where_the_office_has_one(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    async with store.writing() as tx:
        interpreter = await row(
            tx, schema.resource, site_id=office.site_id, kind="interpreter", name="Interpreter",
            features=[], skills=[], languages=["ar"], active=True,
        )  # fmt: skip
        await row(
            tx, schema.working_pattern, resource_id=interpreter, weekday=1, starts_minute=600,
            ends_minute=660, ways=[], valid_from=dt.date(2026, 1, 1), every_weeks=1,
        )  # fmt: skip
        await catalog.changed(tx, office.site_id)
    needs = Needs(interpreter="ar")

    offered = await _starts(store, office, clock, Way.VIDEO, needs=needs)
    made = await _book(store, office, clock, way=Way.VIDEO, start=at(10), needs=needs)
    left = await _starts(store, office, clock, Way.VIDEO, needs=needs)

    assert offered == {at(10), at(10, 15), at(10, 30)}
    assert made.appointment.interpreter.id == interpreter
    assert left == {at(10, 30)}


async def test_what_another_process_booked_is_seen_although_much_is_remembered(
    store_url: str, store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    other = open_store(store_url)
    remembered = await _starts(store, office, clock, Way.VIDEO)

    await _book(other, office, clock, way=Way.VIDEO, start=at(10))
    seen = await _starts(store, office, clock, Way.VIDEO)
    await other.close()

    assert at(10) in remembered
    assert at(10) not in seen


async def test_what_was_rolled_back_is_not_remembered(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)

    with pytest.raises(RuntimeError):
        async with store.writing() as tx:
            await booking.hold(tx, topic=office.topic, way=Way.VIDEO, start=at(10), now=clock())
            await slots.find(tx, query, clock())
            raise RuntimeError
    await _book(store, office, clock, way=Way.VIDEO, start=at(11))

    starts = await _starts(store, office, clock, Way.VIDEO)
    assert at(10) in starts
    assert at(11) not in starts
