"""The demo office's group sessions: one a week, with some seats taken."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, demo_office, enrolment, seats, session_terms, sessions
from scheduling.grid import ZONE, local_date
from scheduling.model import Person, Resource, Span, Topic, Way
from scheduling.overview import ROOMS
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from scheduling.slots import SlotQuery, options
from scheduling.tokens import new_token

WEEKDAYS = (demo_office.WED, demo_office.THU)
"""When a session takes place; the later day where the earlier one is a public holiday."""

BEGINS = dt.time(10)
ACTOR = "demo"


async def gather(tx: AsyncConnection, now: dt.datetime) -> None:
    """See that a session lies ahead in each of the next two weeks, where none does yet."""
    topics = [one for one in await catalog.topics(tx) if one.in_groups]
    rooms = await catalog.resources(tx, kinds=ROOMS)
    places = [one for one in rooms if one.name == demo_office.GROUP_ROOM]
    for topic in topics:
        coming = await seats.upcoming(tx, now, topic_id=topic.id)
        known = {local_date(one.span.start) for one in coming}
        for week in _weeks(local_date(now)):
            if known.isdisjoint(week) and places:
                await _first_possible(tx, topic, places[0], week, now)


def _weeks(today: dt.date) -> Iterator[list[dt.date]]:
    coming = today + dt.timedelta(days=1)
    monday = coming - dt.timedelta(days=coming.weekday())
    if coming.weekday() > min(WEEKDAYS):
        monday += dt.timedelta(days=7)
    for days in (0, 7):
        yield [monday + dt.timedelta(days=days + weekday) for weekday in WEEKDAYS]


async def _first_possible(
    tx: AsyncConnection, topic: Topic, room: Resource, week: list[dt.date], now: dt.datetime
) -> None:
    for date in week:
        start = dt.datetime.combine(date, BEGINS, ZONE).astimezone(dt.UTC)
        query = SlotQuery(topic, Way.IN_PERSON, date, date, room.site_id, for_staff=True)
        for option in await options(tx, query, start, now):
            length = dt.timedelta(minutes=query.offer.minutes)
            terms = Terms(
                Way.IN_PERSON, Span(start, start + length), option.caseworker, room,
                demo_office.GROUP_SEATS,
            )  # fmt: skip
            if not await session_terms.in_the_way(tx, terms, now):
                await _seat(tx, await sessions.create(tx, topic, terms, now=now), now)
                return


async def _seat(tx: AsyncConnection, session: GroupSession, now: dt.datetime) -> None:
    # Drawn from the date alone, as the days of the demo are.
    draw = random.Random(local_date(session.span.start).toordinal())  # noqa: S311
    people = draw.sample(demo_office.CLAIMANTS, draw.randint(5, session.capacity - 3))
    for name in people:
        person = Person(name, f"{name.split()[0].lower()}@example.org")
        await enrolment.enrol(
            tx, session.id, key=new_token(), person=person, locale="de", now=now, actor=ACTOR,
            for_staff=True,
        )  # fmt: skip
