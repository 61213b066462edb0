"""A small office for tests: one caseworker for all ways, two rooms, one topic."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.model import Person, Topic
from scheduling.store import Store

PERSON = Person("Kim Beispiel", "kim@example.org", "+4930123456")
TERMS = {"buffer_minutes": 5, "notice_minutes": 60, "earliest_day": 0, "horizon_days": 28}


@dataclass
class Office:
    """Ids of what was made."""

    topic: Topic
    site_id: int
    caseworkers: list[int]
    rooms: list[int]


async def make_office(store: Store, *, caseworkers: int = 1, rooms: int = 2) -> Office:
    """Make the office; caseworkers work Monday to Friday, 09:00 to 12:00, in all ways."""
    async with store.writing() as tx:
        site_id = await row(
            tx, schema.site, key="main", name="Haupthaus", address="Platz 1", phone="+49301",
            state="NW",
        )  # fmt: skip
        text = {"de": "Geld", "en": "Money"}
        topic_id = await row(
            tx, schema.topic, key="money", position=0, title=text, official_name=text,
            explanation=text, bring=text, skill="money",
        )  # fmt: skip
        for way, minutes in (("in_person", 30), ("video", 30), ("phone", 20)):
            await row(tx, schema.topic_way, topic_id=topic_id, way=way, minutes=minutes, **TERMS)
        people = [await add_caseworker(tx, site_id, f"Person {n}") for n in range(caseworkers)]
        places = [
            await row(
                tx, schema.resource, site_id=site_id, kind="room", name=f"Room {n}",
                features=["step_free"] if n % 2 else [], skills=[], languages=[], active=True,
            )
            for n in range(rooms)
        ]  # fmt: skip
        topic = await catalog.topic(tx, "money")
    return Office(topic, site_id, people, places)


async def add_caseworker(tx: AsyncConnection, site_id: int, name: str) -> int:
    """Add a caseworker with the usual hours."""
    person = await row(
        tx, schema.resource, site_id=site_id, kind="caseworker", name=name, features=[],
        skills=["money"], languages=["de"], active=True,
    )  # fmt: skip
    for weekday in range(5):
        await row(
            tx, schema.working_pattern, resource_id=person, weekday=weekday, starts_minute=540,
            ends_minute=720, ways=[], valid_from=dt.date(2026, 1, 1), every_weeks=1,
        )  # fmt: skip
    return person


async def row(tx: AsyncConnection, table: schema.Table, **values: object) -> int:
    """Insert a row and return its id."""
    return int((await tx.execute(insert(table).values(values).returning(table.c.id))).scalar_one())


def at(hour: int, minute: int = 0, day: int = 13) -> dt.datetime:
    """Return a time in Berlin in the week of 12 October 2026 (summer time)."""
    return dt.datetime(2026, 10, day, hour - 2, minute, tzinfo=dt.UTC)
