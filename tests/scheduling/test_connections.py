"""The connection log: what is kept of a call, how long, and how it is told."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select

from scheduling import appointments, booking, connections, retention, schema
from scheduling.connections import Side, Stay
from scheduling.model import Appointment, Needs, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at, make_office
from tests.scheduling.test_sessions import enrolled, gather

MINUTE = dt.timedelta(minutes=1)


async def booked(store: Store, clock: Clock) -> tuple[Appointment, int]:
    """Book a video consultation; return it and the number of the claimant's link."""
    office = await make_office(store)
    async with store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=at(9), site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip
        (link,) = await appointments.links(tx, confirmed.appointment.id)
    return confirmed.appointment, link.id


def columns(arrived: dt.datetime, minutes: float, **more: Any) -> dict[str, Any]:
    """Return what is written of a stay of that length."""
    return {
        "arrived_at": arrived,
        "seen_at": arrived + minutes * MINUTE,
        "admitted_at": arrived,
        "connected_at": arrived,
        "interruptions": 0,
        "interrupted_seconds": 0,
        "ending": "",
    } | more


async def test_a_visit_is_one_line_however_often_it_is_written(store: Store, clock: Clock) -> None:
    appointment, link = await booked(store, clock)
    async with store.writing() as tx:
        await connections.note_guest(tx, link, "one", **columns(at(9), 0, connected_at=None))
        await connections.note_guest(tx, link, "one", **columns(at(9), 10))
        await connections.note_staff(
            tx, "two", appointment_id=appointment.id, **columns(at(9), 20, interruptions=2,
            interrupted_seconds=6, ending="left"),
        )  # fmt: skip

    async with store.reading() as tx:
        stays = await connections.of(tx, appointment.id)
        tried = await connections.first_attempt(tx, appointment.id, at(9))

    assert [(stay.side, stay.seen - stay.arrived) for stay in stays] == [
        (Side.CLAIMANT, 10 * MINUTE),
        (Side.CASEWORKER, 20 * MINUTE),
    ]
    assert stays[1].interrupted == dt.timedelta(seconds=6)
    assert tried == at(9)


async def test_what_was_tried_before_a_move_is_no_attempt_at_the_new_time(
    store: Store, clock: Clock
) -> None:
    appointment, link = await booked(store, clock)
    async with store.writing() as tx:
        await connections.note_guest(tx, link, "one", **columns(at(9), 10))

    async with store.reading() as tx:
        found = [
            await connections.first_attempt(tx, appointment.id, start)
            for start in (at(9), at(10), at(11), at(9, day=14))
        ]

    assert found == [at(9), at(9), None, None]


async def test_a_caseworker_is_logged_for_every_seat_of_a_session(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    session = await gather(store, office, clock, way=Way.VIDEO)
    seats = [await enrolled(store, session, clock, key=key) for key in ("a", "b")]

    for minutes in (1, 2):
        async with store.writing() as tx:
            await connections.note_staff(
                tx, "host", session_id=session.id, **columns(at(9), minutes)
            )

    async with store.reading() as tx:
        found = [await connections.of(tx, seat.id) for seat in seats]
    assert [[(stay.side, stay.seen) for stay in stays] for stays in found] == [
        [(Side.CASEWORKER, at(9, 2))]
    ] * 2


async def test_the_log_goes_with_its_appointment(store: Store, clock: Clock) -> None:
    appointment, link = await booked(store, clock)
    async with store.writing() as tx:
        await connections.note_guest(tx, link, "one", **columns(at(9), 10))

    async with store.writing() as tx:
        await retention.purge(tx, appointment.delete_after)
        left = await tx.scalar(select(func.count()).select_from(schema.connection))

    assert left == 0


async def test_a_visit_with_a_link_that_is_gone_leaves_no_line(store: Store, clock: Clock) -> None:
    await booked(store, clock)

    async with store.writing() as tx:
        await connections.note_guest(tx, 4711, "one", **columns(at(9), 10))
        left = await tx.scalar(select(func.count()).select_from(schema.connection))

    assert left == 0


async def test_who_comes_and_goes_without_end_fills_no_table(store: Store, clock: Clock) -> None:
    appointment, link = await booked(store, clock)

    async with store.writing() as tx:
        for number in range(connections.MOST + 5):
            await connections.note_guest(tx, link, f"{number}", **columns(at(9), 1))
        stays = await connections.of(tx, appointment.id)

    assert len(stays) == connections.MOST


def stay(arrived: float, seen: float, side: Side = Side.CLAIMANT, **more: Any) -> Stay:
    """Give a stay between two times in minutes after nine."""
    usual = {"admitted": at(9), "connected": at(9), "ending": "left"}
    return Stay(side, at(9) + arrived * MINUTE, at(9) + seen * MINUTE, **(usual | more))


def test_who_comes_back_at_once_was_interrupted() -> None:
    lines = connections.joined([stay(0, 10, ending="lost"), stay(10.5, 30, interruptions=1)])

    assert [(line.arrived, line.seen, line.interruptions) for line in lines] == [
        (at(9), at(9, 30), 2)
    ]
    assert lines[0].interrupted == 0.5 * MINUTE


def test_who_comes_back_later_stayed_twice() -> None:
    assert len(connections.joined([stay(0, 10), stay(13, 30)])) == 2


def test_who_was_turned_away_and_comes_again_is_told_twice() -> None:
    assert len(connections.joined([stay(0, 1, ending="dismissed"), stay(1.1, 2)])) == 2


def test_each_side_has_lines_of_its_own() -> None:
    lines = connections.joined([stay(0, 10), stay(0, 20, Side.CASEWORKER), stay(11, 20)])

    assert [(line.side, line.interruptions) for line in lines] == [
        (Side.CLAIMANT, 1),
        (Side.CASEWORKER, 0),
    ]


def test_waiting_in_the_lobby_twice_is_no_interruption() -> None:
    waits = {"admitted": None, "connected": None}

    (line,) = connections.joined([stay(0, 5, **waits), stay(6, 9, **waits)])

    assert (line.interruptions, line.seen) == (0, at(9, 9))


@pytest.mark.parametrize("gap", [0, -3])
def test_two_companions_at_once_interrupt_nothing(gap: float) -> None:
    first = stay(0, 10, Side.COMPANION)

    (line,) = connections.joined([first, stay(10 + gap, 20, Side.COMPANION)])

    assert line.interruptions == 0
