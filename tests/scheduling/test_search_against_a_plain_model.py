"""The search by bitmaps finds what going through every minute finds, on any plan."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, schema, supply
from scheduling.candidates import Search
from scheduling.enquiry import SlotQuery
from scheduling.grid import ZONE, Horizon, bits
from scheduling.hours import Closure, Pattern
from scheduling.house import House, Member
from scheduling.model import Kind, Needs, Resource, Site, Topic, TopicWay, Way
from scheduling.store import Store
from scheduling.supply import Supply
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

SATURDAY = dt.date(2026, 10, 24)
HORIZON = Horizon(SATURDAY, SATURDAY + dt.timedelta(days=2))
"""With the night in which the clocks go back."""

SITE = Site(1, "main", "Haupthaus", "", "", "NW")
MINUTES, BUFFER = 20, 10
MINUTE = dt.timedelta(minutes=1)

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Person:
    """Weekly hours, closures and claims of one resource, in ticks of the horizon."""

    patterns: tuple[Pattern, ...]
    closed: Spans
    taken: Spans

    def free_at(self, instant: dt.datetime, way: Way) -> bool:
        """Tell whether they can be had in that minute."""
        local = instant.astimezone(ZONE)
        minute = local.hour * 60 + local.minute
        works = any(
            one.holds_on(local.date())
            and one.starts_minute <= minute < one.ends_minute
            and (not one.ways or way in one.ways)
            for one in self.patterns
        )
        tick = HORIZON.tick(instant)
        return works and not any(
            first <= tick < last for first, last in (*self.closed, *self.taken)
        )


spans = st.lists(
    st.tuples(st.integers(0, 860), st.integers(1, 60)).map(lambda one: (one[0], sum(one))),
    max_size=6,
)
patterns = st.builds(
    lambda weekday, start, length, ways, weeks: Pattern(
        weekday,
        start * 5,
        min(start * 5 + length * 5, 1440),
        dt.date(2026, 10, 1),
        every_weeks=weeks,
        ways=ways,
    ),
    st.sampled_from([5, 6, 0]),
    st.integers(0, 280),
    st.integers(4, 120),
    st.sampled_from([(), ("video",), ("phone", "in_person")]),
    st.integers(1, 2),
).filter(lambda one: not any(120 < minute < 180 for minute in (one.starts_minute, one.ends_minute)))
"""Nobody begins or ends within the hour that comes twice: the wall clock does not say in which."""

people = st.lists(
    st.builds(Person, st.lists(patterns, min_size=1, max_size=4).map(tuple), spans, spans),
    min_size=1, max_size=3,
)  # fmt: skip


@given(people, st.sampled_from([Way.VIDEO, Way.PHONE]), st.booleans())
def test_starts_are_those_at_which_every_minute_is_free(
    plan: list[Person], way: Way, together: bool
) -> None:
    query = SlotQuery(
        _topic(way), way, HORIZON.first, HORIZON.last,
        with_people=(len(plan),) if together and len(plan) > 1 else (),
    )  # fmt: skip
    busy = {number: _joined(person.taken) for number, person in enumerate(plan, 1)}
    members = tuple(_member(number, person) for number, person in enumerate(plan, 1))
    supply = Supply((House(SITE, (), (), members),), busy)

    found = {
        candidate.caseworker.id: {*bits(candidate.bitmap)}
        for candidate in Search(
            supply, HORIZON, query, (1 << HORIZON.ticks) - 1, HORIZON.start
        ).candidates()
    }

    colleague = plan[-1] if query.with_people else None
    expected = {
        number: _starts(person, colleague, way)
        for number, person in enumerate(plan, 1)
        if person is not colleague
    }
    assert found == {number: ticks for number, ticks in expected.items() if ticks}


async def test_what_is_read_as_taken_is_what_is_claimed_and_not_expired(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=3)
    draw = random.Random(7)
    expected: dict[int, int] = {}
    async with store.writing() as tx:
        appointment, hold = await _owners(tx, office, clock)
        for resource_id in office.caseworkers[:2]:
            tick = -200
            while tick < HORIZON.ticks + 20:
                length = draw.randrange(1, 280)
                owner = draw.choice((appointment, hold(hours=-1), hold(hours=1), hold(hours=2)))
                start, end = _instant(HORIZON, tick), _instant(HORIZON, tick + length)
                await tx.execute(
                    insert(schema.claim).values(
                        resource_id=resource_id, starts_at=start, ends_at=end, **owner
                    )
                )
                if owner.get("expires_at", clock()) >= clock():
                    seconds = (int(start.timestamp()), int(end.timestamp()))
                    expected[resource_id] = expected.get(resource_id, 0) | HORIZON.touched(
                        [seconds]
                    )
                tick += length + draw.randrange(3) * 10

    async with store.reading() as tx:
        read = await supply.load(tx, HORIZON, clock(), site_ids=[office.site_id])

    free = dict.fromkeys({*read.busy} - {*expected}, 0)
    assert read.busy == expected | free


Owner = dict[str, Any]


async def _owners(
    tx: AsyncConnection, office: Office, clock: Clock
) -> tuple[Owner, Callable[..., Owner]]:
    """Return what makes a claim an appointment's, and what a hold's that ends after a while."""
    made = await booking.book(
        tx, topic=office.topic, way=Way.PHONE, start=at(9), site_id=office.site_id, person=PERSON,
        needs=Needs(), locale="de", now=clock(), actor="test",
    )  # fmt: skip
    _, held = await booking.hold(
        tx, topic=office.topic, way=Way.PHONE, start=at(10), now=clock()
    )  # fmt: skip
    return {"appointment_id": made.appointment.id}, lambda **ahead: {
        "hold_id": held.id, "expires_at": clock() + dt.timedelta(**ahead),
    }  # fmt: skip


def _topic(way: Way) -> Topic:
    terms = TopicWay(way, MINUTES, BUFFER)
    return Topic(1, "money", {}, {}, {}, {}, "money", {way: terms})


def _member(number: int, person: Person) -> Member:
    resource = Resource(number, Kind.CASEWORKER, 1, f"Person {number}", skills=frozenset({"money"}))
    closures = tuple(
        Closure(_instant(HORIZON, first), _instant(HORIZON, last)) for first, last in person.closed
    )
    return Member(resource, person.patterns, closures)


def _starts(person: Person, colleague: Person | None, way: Way) -> set[int]:
    def free(tick: int) -> bool:
        instant = _instant(HORIZON, tick)
        return person.free_at(instant, way) and (
            colleague is None or colleague.free_at(instant, way)
        )

    ticks = (MINUTES + BUFFER) // 5
    at = [tick < HORIZON.ticks and free(tick) for tick in range(HORIZON.ticks + ticks)]
    return {tick for tick in range(HORIZON.ticks) if all(at[tick : tick + ticks])}


def _instant(horizon: Horizon, tick: int) -> dt.datetime:
    return horizon.start + tick * 5 * MINUTE


def _joined(some: Spans) -> int:
    return HORIZON.touched(
        (HORIZON.origin + first * 300, HORIZON.origin + last * 300) for first, last in some
    )
