"""Orders that arrive together are booked together, and none of them pays for another."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, booking, desk, invariants, rows, schema, slots
from scheduling.desk import Desk
from scheduling.model import Appointment, Needs, NotFound, Part, SlotTaken, Way
from scheduling.orders import Confirmed, Order
from scheduling.slots import SlotQuery
from scheduling.store import Store, open_store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

TUESDAY = dt.date(2026, 10, 13)


@pytest.fixture
async def neighbour(store: Store) -> AsyncIterator[Store]:
    """Open the same store as another process does, with a memory of its own."""
    neighbour = open_store(store.engine.url.render_as_string(hide_password=False))
    yield neighbour
    await neighbour.close()


def _order(office: Office, clock: Clock, start: dt.datetime, way: Way = Way.VIDEO) -> Order:
    return Order(
        office.topic, way, start, None, PERSON, Needs(), "de", clock(), "test", for_staff=False,
        letter=lambda booked: booked.appointment.reference.encode(),
    )  # fmt: skip


async def _book(desk: Desk, *orders: Order) -> list[Confirmed | BaseException]:
    """Book several at one moment."""

    async def one(order: Order) -> Confirmed:
        async def ask(_tx: AsyncConnection) -> Order:
            return order

        return await desk.book(ask)

    return await asyncio.gather(*map(one, orders), return_exceptions=True)


def _made(answers: Sequence[Confirmed | BaseException]) -> list[Appointment]:
    return [one.appointment for one in answers if isinstance(one, Confirmed)]


def _kinds(answers: Sequence[Confirmed | BaseException]) -> list[type]:
    return [type(one) for one in answers]


async def _count(store: Store, table: schema.Table) -> int:
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []
        return int(await tx.scalar(select(func.count()).select_from(table)) or 0)


@contextmanager
def _statements(store: Store) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, _parameters, _context, _many) -> None:
        seen.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)


async def test_many_orders_at_once_take_hardly_more_statements_than_one(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=4)
    desk = Desk(store)
    await _book(desk, _order(office, clock, at(9)))
    with _statements(store) as alone:
        await _book(desk, _order(office, clock, at(10)))

    with _statements(store) as together:
        answers = await _book(
            desk,
            *(_order(office, clock, at(hour, day=day)) for day in (14, 15, 16) for hour in (9, 11)),
            *(_order(office, clock, at(10, day=14)) for _ in range(4)),
        )

    assert len(_made(answers)) == 10
    assert len(together) <= len(alone) + 1
    assert await _count(store, schema.appointment) == 12
    assert await _count(store, schema.outbox) == 12


async def test_who_comes_together_for_one_time_gets_different_people_and_rooms(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3, rooms=2)

    answers = await _book(
        Desk(store), *(_order(office, clock, at(9), Way.IN_PERSON) for _ in range(4))
    )

    made = _made(answers)
    assert _kinds(answers) == [Confirmed, Confirmed, SlotTaken, SlotTaken]
    assert len({one.caseworker.id for one in made}) == 2
    assert {one.room.id for one in made if one.room} == {*office.rooms}
    assert await _count(store, schema.claim) == 4


async def test_what_is_stored_is_what_a_booking_alone_would_store(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    person = replace(PERSON, name='Zoë "Z" O\'Neil \\ 🙂', email="zoe@example.org")
    order = replace(_order(office, clock, at(9)), person=person, companion="Begleitung")

    (booked,) = await _book(Desk(store), order)

    assert isinstance(booked, Confirmed)
    async with store.reading() as tx:
        stored, _ = await appointments.by_token(tx, booked.link_token, clock())
        told = await appointments.history(tx, stored.id)
        links = await appointments.links(tx, stored.id)
        letter = await tx.scalar(select(schema.outbox.c.message))
    assert stored == booked.appointment
    assert [(one.change, one.detail) for one in told] == [
        ("booked", {"start": at(9).isoformat()}), ("link_added", {"part": "companion"}),
    ]  # fmt: skip
    assert {(one.part, one.name) for one in links} == {
        (Part.CLAIMANT, person.name), (Part.COMPANION, "Begleitung"),
    }  # fmt: skip
    assert letter == stored.reference.encode()


async def test_an_order_whose_letter_cannot_be_written_fails_alone(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    def fail(_booked: Confirmed) -> bytes:
        raise LookupError

    broken = replace(_order(office, clock, at(10)), letter=fail)
    answers = await _book(
        Desk(store), _order(office, clock, at(9)), broken, _order(office, clock, at(11))
    )

    assert _kinds(answers) == [Confirmed, LookupError, Confirmed]
    assert await _count(store, schema.appointment) == 2


async def test_who_cannot_say_what_they_want_holds_up_nobody(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    desk = Desk(store)

    async def confused(_tx: AsyncConnection) -> Order:
        raise NotFound

    other, (booked,) = await asyncio.gather(
        desk.book(confused), _book(desk, _order(office, clock, at(9))), return_exceptions=True
    )  # fmt: skip

    assert isinstance(other, NotFound)
    assert isinstance(booked, Confirmed)


async def test_an_order_that_comes_twice_is_booked_once(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=3)
    desk = Desk(store)
    order = replace(_order(office, clock, at(9)), link_token="the same")

    first = await _book(desk, order, order, _order(office, clock, at(9)))
    later = await _book(desk, order, _order(office, clock, at(10)))

    assert _kinds(first) == [Confirmed, SlotTaken, Confirmed]
    assert _kinds(later) == [SlotTaken, Confirmed]
    assert await _count(store, schema.appointment) == 3


async def test_desks_of_two_processes_never_give_the_same_time_twice(
    store: Store, neighbour: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    starts = [at(9, minute) for minute in (0, 10, 20, 30, 40, 50)] * 5

    answers = await asyncio.gather(
        *(
            _book(Desk(one), *(_order(office, clock, start) for start in starts))
            for one in (store, neighbour)
        )
    )

    told = [one for some in answers for one in some]
    assert {*_kinds(told)} == {Confirmed, SlotTaken}
    assert await _count(store, schema.appointment) == len(_made(told))
    async with store.reading() as tx:
        query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)
        left = await slots.find(tx, query, clock())
    assert not {one.start for one in left} & {*starts}


async def test_among_equals_another_turn_begins_with_others(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=4)

    async with store.reading() as tx:
        query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)
        lines = [
            [one.caseworker.id for one in await slots.options(tx, query, at(9), clock(), turn=turn)]
            for turn in range(8)
        ]

    assert len({line[0] for line in lines}) == 4
    assert [sorted(line) for line in lines] == [lines[0]] * 8


async def test_the_least_loaded_comes_first_whoever_s_turn_it_is(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=4)
    turns = (3, 1, 2, 0, 7, 5, 6, 4)

    told = [
        one
        for number, turn in enumerate(turns)
        for one in await _book(Desk(store, turn), _order(office, clock, at(9 + number // 4)))
    ]

    busy = [one.caseworker.id for one in _made(told)]
    assert len({*busy[:4]}) == len({*busy[4:]}) == 4


async def test_numbers_drawn_beforehand_are_each_used_once(
    store: Store, neighbour: Store, clock: Clock
) -> None:
    if store.dialect == "sqlite":
        pytest.skip("ids are drawn within the one transaction that writes")
    drawn = [rows.Numbers(schema.appointment) for _ in range(2)]

    given: list[int] = []
    for _ in range(3):
        for numbers, one in zip(drawn, (store, neighbour), strict=True):
            async with one.reading() as tx:
                given += await numbers.take(tx, rows.DRAWN - 1)

    assert len({*given}) == len(given) == 6 * (rows.DRAWN - 1)


async def test_a_hold_that_ran_out_makes_room(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.writing() as tx:
        await booking.hold(tx, topic=office.topic, way=Way.VIDEO, start=at(9), now=clock())
    early = await _book(Desk(store), _order(office, clock, at(9)))
    clock.forward(minutes=11)

    late = await _book(Desk(store), _order(office, clock, at(9)))

    assert _kinds([*early, *late]) == [SlotTaken, Confirmed]
    assert await _count(store, schema.claim) == 1


async def test_who_leaves_before_their_turn_has_booked_nothing(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    desk = Desk(store)
    begun, leave = asyncio.Event(), asyncio.Event()

    async def slow(_tx: AsyncConnection) -> Order:
        begun.set()
        await leave.wait()
        return _order(office, clock, at(9))

    first = asyncio.ensure_future(desk.book(slow))
    await begun.wait()
    second = asyncio.ensure_future(_book(desk, _order(office, clock, at(10))))
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    leave.set()
    await desk.close()

    assert first.cancelled()
    async with store.reading() as tx:
        kept = await appointments.day(tx, TUESDAY)
    assert [one.span.start for one in kept] == [at(9)]


async def test_when_the_store_is_out_of_reach_all_are_told(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    order = _order(office, clock, at(9))
    lost = open_store("postgresql+asyncpg://nobody@127.0.0.1:9/nothing")

    answers = await _book(Desk(lost), order, order)

    assert all(isinstance(one, OSError) for one in answers)
    await lost.close()


async def test_whoever_has_waited_for_too_long_is_told_so(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await make_office(store)
    monkeypatch.setattr(desk, "QUEUE_SECONDS", -1)

    answers = await _book(Desk(store), _order(office, clock, at(9)))

    assert _kinds(answers) == [QueueTimeout]


async def test_what_is_known_after_bookings_is_what_the_store_says(
    store: Store, neighbour: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3)
    draw, booked = random.Random(1), 0
    here, there = Desk(store), Desk(neighbour)
    last = TUESDAY + dt.timedelta(days=3)

    for _ in range(12):
        some = [
            _order(
                office, clock, at(draw.choice((9, 10, 11)), draw.choice((0, 30)),
                day=draw.randrange(13, 17)), draw.choice((Way.VIDEO, Way.PHONE, Way.IN_PERSON)),
            )
            for _ in range(draw.randrange(1, 5))
        ]  # fmt: skip
        booked += len(_made(await _book(draw.choice((here, here, there)), *some)))
        for way in office.topic.ways:
            query = SlotQuery(office.topic, way, TUESDAY, last)
            found = []
            for one in (store, neighbour):
                async with one.reading() as tx:
                    found.append(await slots.find(tx, query, clock()))
            neighbour.forget()
            async with neighbour.reading() as tx:
                assert found == [await slots.find(tx, query, clock())] * 2

    assert booked > 15
    assert await _count(store, schema.appointment) == booked
