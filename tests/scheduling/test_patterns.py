"""Hours are changed for a day, from a day on, or altogether; what no longer fits is listed."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from scheduling import booking, closures, editing, invariants, patterns, slots, worklist
from scheduling.editing import Conflict
from scheduling.hours import Pattern
from scheduling.model import Appointment, HoldExpired, Needs, Span, Way
from scheduling.pattern_problems import Flaw
from scheduling.patterns import NotThatDay, Refused, Row, Scope
from scheduling.slots import SlotQuery
from scheduling.store import Store
from scheduling.worklist import Reason
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

MONDAY = dt.date(2026, 10, 19)
WEEK = dt.timedelta(weeks=1)


async def monday_of(store: Store, office: Office) -> Row:
    async with store.reading() as tx:
        rows = await patterns.of_resources(tx, office.caseworkers)
    return next(row for row in rows[office.caseworkers[0]] if row.pattern.weekday == 0)


async def mondays(store: Store, office: Office) -> dict[dt.date, list[tuple[int, int]]]:
    """Return what is worked on some Mondays, in hours."""
    async with store.reading() as tx:
        rows = (await patterns.of_resources(tx, office.caseworkers)).get(office.caseworkers[0], [])
    days = [MONDAY + number * WEEK for number in range(-1, 3)]
    return {
        day: [
            (row.pattern.starts_minute // 60, row.pattern.ends_minute // 60)
            for row in rows
            if row.pattern.holds_on(day)
        ]
        for day in days
    }


async def edit(
    store: Store, clock: Clock, row: Row, scope: Scope, day: dt.date = MONDAY, **changes: object
) -> list[worklist.Stranded]:
    seen = editing.fingerprint(patterns.values_of(row.pattern))
    async with store.writing() as tx:
        if not changes:
            return await patterns.drop(tx, row, scope, day, seen=seen, now=clock())
        wanted = replace(row.pattern, **changes)
        return await patterns.change(tx, row, wanted, scope, day, seen=seen, now=clock())


async def booked(store: Store, office: Office, clock: Clock, start: dt.datetime) -> Appointment:
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=start, site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip
    return made.appointment


async def test_one_day_is_changed_and_the_others_stay(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    row = await monday_of(store, office)

    await edit(store, clock, row, Scope.DAY, starts_minute=600, ends_minute=780)

    assert await mondays(store, office) == {
        MONDAY - WEEK: [(9, 12)],
        MONDAY: [(10, 13)],
        MONDAY + WEEK: [(9, 12)],
        MONDAY + 2 * WEEK: [(9, 12)],
    }


async def test_one_day_is_dropped_and_the_others_stay(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    row = await monday_of(store, office)

    await edit(store, clock, row, Scope.DAY)

    assert [*(await mondays(store, office)).values()] == [[(9, 12)], [], [(9, 12)], [(9, 12)]]


async def test_from_a_day_on_includes_what_was_split_off_before(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await edit(store, clock, await monday_of(store, office), Scope.DAY, MONDAY + WEEK)
    row = await monday_of(store, office)

    await edit(store, clock, row, Scope.FROM, starts_minute=600)

    assert [*(await mondays(store, office)).values()] == [[(9, 12)], [(10, 12)], [], [(10, 12)]]


async def test_all_changes_every_part_but_what_was_said_of_one_day(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await edit(store, clock, await monday_of(store, office), Scope.DAY, ends_minute=660)
    row = await monday_of(store, office)

    await edit(store, clock, row, Scope.ALL, starts_minute=480, valid_until=row.pattern.valid_until)

    assert [*(await mondays(store, office)).values()] == [
        [(8, 12)],
        [(9, 11)],
        [(8, 12)],
        [(8, 12)],
    ]


async def test_all_is_dropped_with_its_exceptions_and_nothing_else(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await edit(store, clock, await monday_of(store, office), Scope.DAY, ends_minute=660)

    await edit(store, clock, await monday_of(store, office), Scope.ALL)

    assert [*(await mondays(store, office)).values()] == [[]] * 4
    async with store.reading() as tx:
        rows = await patterns.of_resources(tx, office.caseworkers)
    assert [row.pattern.weekday for row in rows[office.caseworkers[0]]] == [1, 2, 3, 4]


async def test_every_second_week_stays_in_step_when_a_day_is_taken_out(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    row = await monday_of(store, office)
    await edit(store, clock, row, Scope.ALL, valid_from=MONDAY, every_weeks=2)

    await edit(store, clock, await monday_of(store, office), Scope.DAY, MONDAY + 2 * WEEK)

    async with store.reading() as tx:
        rows = (await patterns.of_resources(tx, office.caseworkers))[office.caseworkers[0]]
    weeks = [
        number
        for number in range(8)
        if any(row.pattern.holds_on(MONDAY + number * WEEK) for row in rows)
    ]
    assert weeks == [0, 4, 6]


async def test_a_day_on_which_nothing_is_worked_is_refused_and_the_next_named(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    with pytest.raises(NotThatDay) as refused:
        await edit(store, clock, await monday_of(store, office), Scope.DAY, at(9).date())

    assert refused.value.following == MONDAY


async def test_hours_that_would_overlap_are_refused_and_nothing_changes(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    before = await mondays(store, office)

    async with store.writing() as tx:
        with pytest.raises(Refused) as refused:
            await patterns.add(
                tx, office.caseworkers[0], [Pattern(0, 700, 800, MONDAY, every_weeks=3)], clock()
            )

    assert [problem.flaw for problem in refused.value.problems] == [Flaw.OVERLAP]
    assert await mondays(store, office) == before


async def test_hours_that_somebody_else_has_changed_are_not_overwritten(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    row = await monday_of(store, office)
    await edit(store, clock, row, Scope.ALL, ends_minute=660)

    with pytest.raises(Conflict) as refused:
        await edit(store, clock, row, Scope.ALL, starts_minute=600)

    assert refused.value.theirs == {"ends_minute"}
    assert (await mondays(store, office))[MONDAY] == [(9, 11)]


async def test_appointments_outside_the_new_hours_are_listed_and_not_lost(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    inside = await booked(store, office, clock, at(10, day=19))
    outside = await booked(store, office, clock, at(9, day=19))
    row = await monday_of(store, office)

    found = await edit(store, clock, row, Scope.DAY, starts_minute=600)

    assert [(one.appointment.id, one.reason) for one in found] == [(outside.id, Reason.HOURS)]
    async with store.reading() as tx:
        assert [one.appointment for one in await worklist.stranded(tx, clock())] == [outside]
        assert await invariants.broken(tx) == []
    assert inside != outside


async def test_hours_that_come_back_empty_the_list(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await booked(store, office, clock, at(9, day=19))
    row = await monday_of(store, office)
    await edit(store, clock, row, Scope.ALL, starts_minute=600)

    await edit(store, clock, await monday_of(store, office), Scope.ALL, starts_minute=540)

    async with store.reading() as tx:
        assert await worklist.stranded(tx, clock()) == []


async def test_what_an_absence_makes_impossible_is_not_listed_twice(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await booked(store, office, clock, at(9, day=19))
    async with store.writing() as tx:
        await closures.close(
            tx, Span(at(8, day=19), at(18, day=19)), resource_id=office.caseworkers[0]
        )

    found = await edit(store, clock, await monday_of(store, office), Scope.DAY)

    assert found == []


async def test_a_reserved_time_outside_the_new_hours_cannot_be_confirmed(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    query = SlotQuery(office.topic, Way.VIDEO, MONDAY, MONDAY)
    async with store.writing() as tx:
        token, _ = await booking.hold(
            tx, topic=office.topic, way=Way.VIDEO, start=at(9, day=19), site_id=None,
            needs=Needs(), now=clock(), minutes=10,
        )  # fmt: skip

    await edit(store, clock, await monday_of(store, office), Scope.DAY)

    async with store.writing() as tx:
        with pytest.raises(HoldExpired):
            await booking.confirm(
                tx, token, person=PERSON, needs=Needs(), locale="de", now=clock(),
            )  # fmt: skip
        assert await slots.find(tx, query, clock()) == []
