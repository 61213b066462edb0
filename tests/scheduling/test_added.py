"""A process that knows what was taken reads only the claims that were added since."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import added, booking, changes, difference, supply
from scheduling.difference import Known
from scheduling.grid import Horizon
from scheduling.model import Kind, Needs, PlanError, Span, Way
from scheduling.store import Store, open_store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

DAYS = Horizon(dt.date(2026, 10, 13), dt.date(2026, 10, 16))
WAYS = (Way.VIDEO, Way.PHONE, Way.IN_PERSON)


@pytest.fixture
async def neighbours(store: Store) -> AsyncIterator[tuple[Store, Store]]:
    """Open the same store twice more, each with a memory of its own."""
    url = store.engine.url.render_as_string(hide_password=False)
    one, other = open_store(url), open_store(url)
    yield one, other
    await one.close()
    await other.close()


async def _busy(store: Store, office: Office, clock: Clock) -> Mapping[int, int]:
    async with store.reading() as tx:
        return (await supply.load(tx, DAYS, clock(), site_ids=[office.site_id])).busy


async def _told(
    store: Store, office: Office, clock: Clock, resource_id: int, version: int
) -> Sequence[Any]:
    """Return what a process is told that knows the claims on one resource as of a version."""
    known = Known({office.site_id: 0}, {resource_id: version}, [Kind.CASEWORKER])
    async with store.reading() as tx:
        return [
            (row.version, None if row.added is None else [*added.read(row.added)])
            for row in await difference.rows(tx, known, DAYS, clock())
        ]


async def _booked(store: Store, office: Office, clock: Clock, start: dt.datetime) -> int:
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=start, site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test",
        )  # fmt: skip
    return made.appointment.id


def _seconds(start: dt.datetime, minutes: int) -> tuple[int, int]:
    return int(start.timestamp()), int(start.timestamp()) + minutes * 60


def test_what_is_written_of_a_claim_is_read_again() -> None:
    span, expires = Span(at(9), at(9, 35)), at(8, 10)

    entries = added.entry(span) + added.entry(span, expires)

    start, end = _seconds(at(9), 35)
    assert [*added.read(entries)] == [
        (start, end, 0),
        (start, end, int(expires.timestamp())),
    ]
    assert len(entries) == 2 * added.WIDTH


async def test_whoever_knows_a_version_is_told_what_was_added_since(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    person = office.caseworkers[0]
    starts = [at(9), at(10), at(11)]
    for start in starts:
        await _booked(store, office, clock, start)

    told = [await _told(store, office, clock, person, version) for version in range(4)]

    claims = [(*_seconds(start, 35), 0) for start in starts]
    assert told == [[(3, claims)], [(3, claims[1:])], [(3, claims[2:])], []]


async def test_whoever_is_too_far_behind_is_told_everything(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    person = office.caseworkers[0]
    times = [at(hour, day=day) for day in range(13, 17) for hour in (9, 10, 11)]
    times += [at(hour, day=day) for day in range(19, 24) for hour in (9, 10, 11)]
    for start in times[: added.KEPT + 1]:
        await _booked(store, office, clock, start)

    told = [await _told(store, office, clock, person, version) for version in (0, 1)]

    assert told[0] == [(added.KEPT + 1, None)]
    assert len(told[1][0][1]) == added.KEPT


async def test_after_a_cancellation_everything_is_told(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    person = office.caseworkers[0]
    first = await _booked(store, office, clock, at(9))
    async with store.writing() as tx:
        await changes.cancel(tx, first, actor="test", now=clock())
    await _booked(store, office, clock, at(10))

    told = [await _told(store, office, clock, person, version) for version in (1, 2)]

    assert told == [[(3, None)], [(3, [(*_seconds(at(10), 35), 0)])]]


async def test_a_confirmed_hold_is_told_as_held_and_as_booked(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    person = office.caseworkers[0]
    async with store.writing_once() as tx:
        token, held = await booking.hold(
            tx, topic=office.topic, way=Way.VIDEO, start=at(9), now=clock(), minutes=10
        )
    async with store.writing() as tx:
        await booking.confirm(
            tx, token, person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test"
        )

    told = await _told(store, office, clock, person, 0)

    span = _seconds(at(9), 35)
    assert told == [(2, [(*span, int(held.expires_at.timestamp())), (*span, 0)])]


class Desk:
    """Does anything that changes claims, drawn at random, as another process would."""

    def __init__(self, store: Store, office: Office, clock: Clock) -> None:
        self._store, self._office, self._clock = store, office, clock
        self._draw = random.Random(3)
        self._booked: list[int] = []
        self._held: list[str] = []

    async def act(self) -> None:
        """Do one thing; most are refused now and then, as others were faster."""
        everything = (self._book, self._book, self._hold, self._hold, self._confirm)
        act = self._draw.choice((*everything, self._release, self._cancel, self._move))
        try:
            async with self._store.writing() as tx:
                await act(tx)
        except PlanError:
            pass

    def _start(self) -> dt.datetime:
        return at(self._draw.choice((9, 10, 11)), self._draw.choice((0, 30)), self._day())

    def _day(self) -> int:
        return self._draw.randrange(13, 17)

    def _one(self, some: list[Any]) -> Any:
        if not some:
            raise PlanError
        return some[self._draw.randrange(len(some))]

    async def _book(self, tx: AsyncConnection) -> None:
        made = await booking.book(
            tx, topic=self._office.topic, way=self._draw.choice(WAYS), start=self._start(),
            site_id=None, person=PERSON, needs=Needs(), locale="de", now=self._clock(),
            actor="test",
        )  # fmt: skip
        self._booked.append(made.appointment.id)

    async def _hold(self, tx: AsyncConnection) -> None:
        token, _ = await booking.hold(
            tx, topic=self._office.topic, way=self._draw.choice(WAYS), start=self._start(),
            now=self._clock(), minutes=self._draw.choice((1, 30)),
        )  # fmt: skip
        self._held.append(token)

    async def _confirm(self, tx: AsyncConnection) -> None:
        made = await booking.confirm(
            tx, self._one(self._held), person=PERSON, needs=Needs(), locale="de",
            now=self._clock(), actor="test",
        )  # fmt: skip
        self._booked.append(made.appointment.id)

    async def _release(self, tx: AsyncConnection) -> None:
        await booking.release(tx, self._one(self._held), self._clock())

    async def _cancel(self, tx: AsyncConnection) -> None:
        await changes.cancel(tx, self._one(self._booked), actor="test", now=self._clock())

    async def _move(self, tx: AsyncConnection) -> None:
        await changes.rearrange(
            tx, self._one(self._booked), actor="test", now=self._clock(), start=self._start()
        )


async def test_what_a_process_knows_is_what_the_store_says_whatever_others_do(
    store: Store, neighbours: tuple[Store, Store], clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3)
    desk, draw = Desk(store, office, clock), random.Random(5)
    watching, fresh = neighbours

    for _ in range(60):
        for _ in range(draw.randrange(1, 8)):
            await desk.act()
        clock.forward(seconds=draw.choice((0, 20, 90)))
        fresh.forget()

        known = await _busy(watching, office, clock)

        assert known == await _busy(fresh, office, clock) == await _busy(store, office, clock)
