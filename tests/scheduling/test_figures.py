"""Figures: what is counted, and that nothing is said about few."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from scheduling import appointments, booking, catalog, connections, disclosure, figures, schema
from scheduling.disclosure import FEWEST, shown, whole_weeks
from scheduling.figures import By
from scheduling.hours import Release
from scheduling.model import Needs, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

MONDAY, SUNDAY = dt.date(2026, 10, 12), dt.date(2026, 10, 18)


async def _book(
    store: Store, office: Office, clock: Clock, way: Way, count: int,
    caseworker_id: int | None = None,
) -> list[int]:  # fmt: skip
    made = []
    async with store.writing() as tx:
        for number in range(count):
            confirmed = await booking.book(
                tx, topic=office.topic, way=way, start=at(9 + number % 3, day=13 + number // 3),
                site_id=None, person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test",
                caseworker_id=caseworker_id,
            )  # fmt: skip
            made.append(confirmed.appointment.id)
    return made


async def _figures(store: Store, clock: Clock, by: By = By.SITE) -> figures.Figures:
    async with store.reading() as tx:
        return await figures.read(tx, by, MONDAY, SUNDAY, clock())


async def test_lead_time_utilisation_and_ways_are_counted(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, 6)

    (line,) = (await _figures(store, clock)).lines

    assert line.appointments == 6
    assert line.ways[Way.VIDEO] == 6
    assert line.ways[Way.PHONE] is None
    assert 1 < line.lead_days < 3
    # Six times 35 of the 900 minutes that one person works in that week.
    assert line.utilisation == pytest.approx(6 * 35 / 900)


async def test_missed_and_cancelled_are_shares_and_notice_is_the_middle(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    kept = await _book(store, office, clock, Way.VIDEO, 6)
    dropped = await _book(store, office, clock, Way.VIDEO, 6)
    async with store.writing() as tx:
        for one in dropped:
            await booking.cancel(tx, one, actor="test", now=clock())
        for one in kept[:4]:
            await booking.end(tx, one, actor="test", now=clock())
    clock.forward(days=7)

    line = (await _figures(store, clock)).total

    assert line.cancelled == pytest.approx(0.5)
    assert line.missed == pytest.approx(2 / 6)
    assert 24 < line.notice_hours < 72


async def test_who_tried_to_join_is_not_counted_as_missed(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    booked = await _book(store, office, clock, Way.VIDEO, 12)
    clock.forward(days=7)
    stay = {
        "arrived_at": clock(), "seen_at": clock(), "admitted_at": None, "connected_at": None,
        "interruptions": 0, "interrupted_seconds": 0, "ending": "left",
    }  # fmt: skip
    async with store.writing() as tx:
        for one in booked[:4]:
            (link,) = await appointments.links(tx, one)
            await connections.note_guest(tx, link.id, f"visit {one}", **stay)
        await connections.note_staff(tx, "host", appointment_id=booked[4], **stay)
        for one in booked[-2:]:
            await booking.end(tx, one, actor="test", now=clock())

    line = (await _figures(store, clock)).total

    assert line.missed == pytest.approx(6 / 8)


@pytest.mark.parametrize("by", By)
async def test_nothing_is_said_about_fewer_than_five(store: Store, clock: Clock, by: By) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, FEWEST - 1)

    found = await _figures(store, clock, by)

    for line in (*found.lines, found.total):
        assert {
            line.appointments, line.utilisation, line.lead_days, line.missed, line.cancelled,
            line.notice_hours, *line.ways.values(),
        } == {None}  # fmt: skip


@pytest.mark.parametrize("by", By)
async def test_every_group_is_named(store: Store, clock: Clock, by: By) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, 6)

    (line,) = (await _figures(store, clock, by)).lines

    assert line.week == (MONDAY if by is By.WEEK else None)
    assert line.name.get("de", "") == {By.SITE: "Haupthaus", By.TOPIC: "Geld"}.get(by, "")
    assert (line.utilisation is None) is (by is By.TOPIC)


@given(st.dictionaries(st.integers(), st.integers(0, 30), max_size=6))
def test_what_is_hidden_cannot_be_worked_out_from_the_sum(counts: dict[int, int]) -> None:
    visible = shown(counts)

    hidden = sum(count for key, count in counts.items() if visible[key] is None)
    assert all(count is None or count >= FEWEST for count in visible.values())
    assert hidden == 0 or hidden >= FEWEST or all(one is None for one in visible.values())


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (MONDAY, SUNDAY, 7),
        (dt.date(2026, 10, 14), dt.date(2026, 10, 14), 7),
        (dt.date(2026, 10, 14), dt.date(2026, 10, 1), 7),
        (MONDAY, dt.date(2036, 1, 1), disclosure.LONGEST_DAYS),
    ],
)
def test_periods_are_whole_weeks_and_bounded(first: dt.date, last: dt.date, days: int) -> None:
    monday, sunday = whole_weeks(first, last)

    assert (monday.weekday(), sunday.weekday()) == (0, 6)
    assert (sunday - monday).days + 1 == days


async def test_released_hours_are_told_by_whom_they_are_kept_for_and_how_much_is_booked(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    async with store.writing() as tx:
        await tx.execute(
            update(schema.working_pattern)
            .where(schema.working_pattern.c.resource_id == office.caseworkers[1])
            .values(release=Release.RECEPTION)
        )
        await catalog.changed(tx, office.site_id)
    for caseworker_id, count in zip(office.caseworkers, (6, 5), strict=True):
        await _book(store, office, clock, Way.VIDEO, count, caseworker_id)

    (line,) = (await _figures(store, clock)).lines

    # Each of the two works three hours on five days.
    online, reception, urgent = (line.released[release] for release in Release)
    assert (online.hours, reception.hours, urgent.hours) == (15, 15, 0)
    assert online.share == pytest.approx(6 * 35 / 900)
    assert reception.share == pytest.approx(5 * 35 / 900)


async def test_of_a_topic_its_own_part_of_shared_hours_is_told(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _book(store, office, clock, Way.VIDEO, 6)

    (line,) = (await _figures(store, clock, By.TOPIC)).lines

    assert line.released[Release.ONLINE].hours == 15
    # Without the buffers, which are nobody's topic.
    assert line.released[Release.ONLINE].share == pytest.approx(6 * 30 / 900)
