"""Bring the demo office into a store: idempotent, and the same on every machine on one day."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, catalog, demo_groups, demo_office, schema
from scheduling.booking import Confirmed
from scheduling.demo_office import Caseworker, DemoTopic
from scheduling.grid import Horizon, local_date
from scheduling.model import NO_CAMERA, Feature, Kind, Needs, Person, SlotTaken, Status, Topic, Way
from scheduling.slots import SlotQuery, find
from scheduling.store import Store

PASSWORD = "sprechzeit-demo"  # noqa: S105 - it is printed at every start of the demo
DAYS_BACK, DAYS_AHEAD = 3, 14
DEVICE_MINUTES = 5
"""How long a tablet or camera of the demo is on its way before and after use."""

BOOKED_SHARE = 0.35
NEEDED_SHARE = {Feature.STEP_FREE: 0.1, Feature.HEARING_LOOP: 0.05}
"""How many of those who are booked need what of a room."""

ACTOR = "demo"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A staff sign-in of the demo."""

    role: str
    name: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class DemoOffice:
    """What seeding leaves: who can sign in, and the appointments that a letter is owed for."""

    sign_ins: tuple[SignIn, ...]
    fresh: tuple[Confirmed, ...]


async def seed(store: Store, now: dt.datetime, hash_password: Callable[[str], str]) -> DemoOffice:
    """Seed the office once, fill the days around `now`, and keep one trial call at hand."""
    async with store.writing() as tx:
        if not await tx.scalar(select(func.count()).select_from(schema.site)):
            await set_up(tx, hash_password(PASSWORD))
    async with store.writing() as tx:
        # Before single appointments fill the days.
        await demo_groups.gather(tx, now)
    async with store.writing() as tx:
        await _fill(tx, now)
    async with store.writing() as tx:
        fresh = await _trial_call(tx, now)
    return DemoOffice(_sign_ins(), fresh)


async def set_up(tx: AsyncConnection, password_hash: str) -> None:
    """Put the sites, topics, people, rooms and devices into an empty store."""
    sites: dict[str, int] = {}
    for key, name, address, phone, state in demo_office.SITES:
        sites[key] = await _row(
            tx, schema.site, key=key, name=name, address=address, phone=phone, state=state
        )
    for position, topic in enumerate(demo_office.TOPICS):
        await _topic(tx, position, topic)
    for site, kind, name, features in demo_office.ROOMS:
        minutes = DEVICE_MINUTES if kind in {Kind.TABLET, Kind.CAMERA} else 0
        await _resource(tx, sites[site], kind, name, minutes, features=[*features])
    for person in demo_office.CASEWORKERS:
        await _caseworker(tx, sites[person.site], person, password_hash)
    for name, login, role in demo_office.OTHER_STAFF:
        await _staff(tx, name, login, role, password_hash)


async def _topic(tx: AsyncConnection, position: int, topic: DemoTopic) -> None:
    topic_id = await _row(
        tx, schema.topic, key=topic.key, position=position, title=topic.title,
        official_name=topic.official_name, explanation=topic.explanation,
        bring=topic.bring, skill=topic.skill, in_groups=topic.in_groups,
    )  # fmt: skip
    for way in topic.ways:
        await _row(
            tx, schema.topic_way, topic_id=topic_id, way=way.way, minutes=way.minutes,
            buffer_minutes=way.buffer_minutes, notice_minutes=way.notice_minutes,
            earliest_day=way.earliest_day, horizon_days=way.horizon_days,
        )  # fmt: skip


async def _caseworker(
    tx: AsyncConnection, site_id: int, person: Caseworker, password_hash: str
) -> None:
    resource_id = await _resource(
        tx, site_id, "caseworker", person.name, 0,
        skills=[*person.skills], languages=[*person.languages],
        features=[] if person.camera else [NO_CAMERA],
    )  # fmt: skip
    for hours in person.hours:
        for weekday in hours.days:
            await _row(
                tx, schema.working_pattern, resource_id=resource_id, weekday=weekday,
                starts_minute=_minute(hours.start), ends_minute=_minute(hours.end),
                ways=[*hours.ways], valid_from=dt.date(2026, 1, 1), valid_until=None,
                every_weeks=hours.every_weeks,
            )  # fmt: skip
    await _staff(tx, person.name, person.login, "caseworker", password_hash, resource_id)


async def _resource(
    tx: AsyncConnection, site_id: int, kind: str, name: str, minutes: int, **lists: list[str]
) -> int:
    values: dict[str, list[str]] = {"features": [], "skills": [], "languages": [], **lists}
    return await _row(
        tx, schema.resource, site_id=site_id, kind=kind, name=name, active=True,
        setup_minutes=minutes, return_minutes=minutes, **values,
    )  # fmt: skip


async def _staff(
    tx: AsyncConnection,
    name: str,
    login: str,
    role: str,
    password_hash: str,
    resource_id: int | None = None,
) -> None:
    await _row(
        tx, schema.staff, email=_email(login), name=name, password_hash=password_hash,
        role=role, resource_id=resource_id, active=True,
    )  # fmt: skip


async def _row(tx: AsyncConnection, table: Table, **values: object) -> int:
    done = await tx.execute(insert(table).values(values).returning(table.c.id))
    return int(done.scalar_one())


async def _fill(tx: AsyncConnection, now: dt.datetime) -> None:
    known = await catalog.topics(tx)
    topics = [topic for topic in known if topic.skill != "trial" and not topic.in_groups]
    for offset in range(-DAYS_BACK, DAYS_AHEAD + 1):
        date = local_date(now) + dt.timedelta(days=offset)
        day = Horizon(date, date)
        taken = select(func.count()).where(
            schema.appointment.c.starts_at >= day.start,
            schema.appointment.c.starts_at < day.end,
            schema.appointment.c.session_id.is_(None),
        )
        if not await tx.scalar(taken):
            await _fill_day(tx, date, topics, day.start - dt.timedelta(hours=12))


async def _fill_day(
    tx: AsyncConnection, date: dt.date, topics: list[Topic], booked_at: dt.datetime
) -> None:
    # Drawn from the date alone, so that the demo looks the same everywhere on one day.
    draw = random.Random(date.toordinal())  # noqa: S311 - a demo needs no secrecy
    for topic in topics:
        for way in topic.ways:
            query = SlotQuery(topic, way, date, date, step_minutes=30, for_staff=True)
            for slot in await find(tx, query, booked_at):
                if draw.random() > BOOKED_SHARE / len(topics) * 2:
                    continue
                await _book(tx, draw, topic, way, slot.start, booked_at)


async def _book(
    tx: AsyncConnection,
    draw: random.Random,
    topic: Topic,
    way: Way,
    start: dt.datetime,
    booked_at: dt.datetime,
) -> None:
    name = draw.choice(demo_office.CLAIMANTS)
    person = Person(name, f"{name.split()[0].lower()}@example.org", "")
    needs = Needs(
        features=frozenset(one for one in Feature if draw.random() < NEEDED_SHARE[one]),
        interpreter=draw.choice(["", "", "", "", "", "", "ar", "uk", "tr"]),
        companion=draw.random() < 0.1,
    )
    try:
        await booking.book(
            tx, topic=topic, way=way, start=start, site_id=None, person=person, needs=needs,
            locale="de", now=booked_at, actor=ACTOR,
        )  # fmt: skip
    except SlotTaken:
        return


async def _trial_call(tx: AsyncConnection, now: dt.datetime) -> tuple[Confirmed, ...]:
    """Book a practice call that has begun, unless one is open, so that a call can be tried."""
    topic = await catalog.topic(tx, "trial")
    row = schema.appointment
    open_now = select(func.count()).where(
        row.c.topic_id == topic.id,
        row.c.status == Status.BOOKED,
        row.c.starts_at <= now,
        row.c.ends_at > now + dt.timedelta(minutes=5),
    )
    if await tx.scalar(open_now):
        return ()
    start = now - dt.timedelta(minutes=now.minute % 5, seconds=now.second)
    start = start.replace(microsecond=0)
    try:
        booked = await booking.book(
            tx, topic=topic, way=Way.VIDEO, start=start, site_id=None,
            person=Person("Kim Beispiel", "kim@example.org"), needs=Needs(), locale="de",
            now=start, actor=ACTOR,
        )  # fmt: skip
    except SlotTaken:  # a public holiday, or somebody is trying it out already
        return ()
    return (booked,)


def _sign_ins() -> tuple[SignIn, ...]:
    trial = next(one for one in demo_office.CASEWORKERS if "trial" in one.skills)
    first = demo_office.CASEWORKERS[0]
    people = [(person.name, person.login, "caseworker") for person in (trial, first)]
    return tuple(
        SignIn(role, name, _email(login), PASSWORD)
        for name, login, role in (*people, *demo_office.OTHER_STAFF)
    )


def _email(login: str) -> str:
    return f"{login}@musterstadt.example"


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
