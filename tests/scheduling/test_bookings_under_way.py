"""Bookings that were under way while hours changed."""

from __future__ import annotations

import datetime as dt

from scheduling import booking, slots, worklist
from scheduling.model import Appointment, Needs, Way
from scheduling.slots import SlotQuery
from scheduling.store import Store
from scheduling.worklist import Reason
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office
from tests.scheduling.test_patterns import MONDAY, Scope, edit, monday_of

MINUTE = dt.timedelta(minutes=1)


async def test_who_was_about_to_book_while_hours_changed_stands_on_the_worklist(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    late = await booked_while_hours_change(store, office, clock)
    other = await _book(store, office, clock, at(10, day=19))

    async with store.reading() as tx:
        unseen = await worklist.stranded(tx, clock())
    async with store.writing() as tx:
        found = await worklist.look_again(tx, clock(), since=clock() - MINUTE)
        again = await worklist.look_again(tx, clock(), since=clock() - MINUTE)
    async with store.reading() as tx:
        listed = await worklist.stranded(tx, clock())

    assert unseen == []
    assert [(one.appointment.id, one.reason) for one in found] == [(late.id, Reason.HOURS)]
    assert again == []
    assert [one.appointment for one in listed] == [late]
    assert other != late


async def test_what_was_booked_long_ago_is_not_looked_at_again(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await booked_while_hours_change(store, office, clock)
    clock.forward(minutes=10)

    async with store.writing() as tx:
        found = await worklist.look_again(tx, clock(), since=clock() - MINUTE)

    assert found == []


async def booked_while_hours_change(store: Store, office: Office, clock: Clock) -> Appointment:
    """Book a time that was free when it was looked for, and is outside the hours by now."""
    query = SlotQuery(office.topic, Way.VIDEO, MONDAY, MONDAY)
    async with store.reading() as tx:
        found = await slots.options(tx, query, at(9, day=19), clock())
    await edit(store, clock, await monday_of(store, office), Scope.DAY, starts_minute=600)
    return await _book(store, office, clock, at(9, day=19), found=found)


async def _book(
    store: Store, office: Office, clock: Clock, start: dt.datetime, **terms: object
) -> Appointment:
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=start, site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test", **terms,
        )  # fmt: skip
    return made.appointment
