"""The office in which the plan is put to the proof: small, and short of everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.model import NO_CAMERA, Feature
from scheduling.store import Store
from tests.scheduling.office import row
from tests.scheduling.plan_model import Thing, World

START = dt.datetime(2026, 10, 23, 6, 0, tzinfo=dt.UTC)
"""A Friday, 08:00 in Berlin; the clocks change before the Monday that follows."""

DAYS = (dt.date(2026, 10, 23), dt.date(2026, 10, 26))
NINE, TEN, NOON = 540, 600, 720
ALL_DAY = ((NINE, NOON, "online"),)
WITH_RESERVE = ((NINE, TEN, "reception"), (TEN, NOON, "online"))
BRANCH_CLOSES = 690

TOPICS = {
    # key: minutes, buffer, notice in minutes, earliest day, by way
    "money": {
        "in_person": (30, 5, 60, 0),
        "video": (30, 5, 60, 0),
        "branch_video": (40, 10, 60, 0),
        "phone": (20, 0, 60, 0),
    },
    "debt": {"video": (45, 15, 0, 1), "phone": (25, 5, 120, 0), "in_person": (45, 10, 0, 1)},
}

ALWAYS_NEEDED = {("debt", "in_person"): ["step_free"]}
"""What a room must have for a topic, whoever comes."""


async def build(store: Store) -> World:
    """Make the office in an empty store."""
    async with store.writing() as tx:
        main, branch = [await _site(tx, key) for key in ("main", "branch")]
        for key, ways in TOPICS.items():
            await _topic(tx, key, ways)
        things = [one async for one in _stored(tx, main, branch)]
        topics = await catalog.topics(tx)
    opening = {branch: (NINE, BRANCH_CLOSES)}
    return World(tuple(topics), (main, branch), {one.id: one for one in things}, opening)


async def emptied(store: Store) -> None:
    """Take everything out of the plan again, as if it had been cancelled."""
    tables = (
        "waiting", "loan", "history", "participant_link", "claim", "hold", "appointment",
        "group_session", "closure",
    )  # fmt: skip
    async with store.writing() as tx:
        for table in tables:
            await tx.execute(text(f"DELETE FROM {table}"))
        await tx.execute(text("UPDATE resource SET claims_version = claims_version + 1"))
        await tx.execute(text("UPDATE site SET version = version + 1"))


async def _site(tx: AsyncConnection, key: str) -> int:
    opening = [[day, NINE, BRANCH_CLOSES] for day in range(5)] if key == "branch" else []
    return await row(
        tx, schema.site, key=key, name=key, address="Platz 1", phone="+49301", state="NW",
        opening=opening,
    )  # fmt: skip


async def _topic(tx: AsyncConnection, key: str, ways: dict[str, tuple[int, int, int, int]]) -> None:
    words = {"de": key, "en": key}
    topic_id = await row(
        tx, schema.topic, key=key, position=0, title=words, official_name=words,
        explanation=words, bring=words, skill=key,
    )  # fmt: skip
    for way, (minutes, buffer, notice, earliest) in ways.items():
        await row(
            tx, schema.topic_way, topic_id=topic_id, way=way, minutes=minutes,
            buffer_minutes=buffer, notice_minutes=notice, earliest_day=earliest, horizon_days=28,
            features=ALWAYS_NEEDED.get((key, way), []),
        )  # fmt: skip


def _wanted(main: int, branch: int) -> Iterator[Thing]:
    money, both = frozenset({"money"}), frozenset({"money", "debt"})
    german, borrows = frozenset({"de"}), frozenset({NO_CAMERA})
    yield Thing(0, "caseworker", main, "Ada", both, german, WITH_RESERVE, borrows)
    yield Thing(0, "caseworker", main, "Ben", money, german | {"ar"}, ALL_DAY, borrows)
    yield Thing(0, "caseworker", branch, "Cem", both, german, ALL_DAY)
    step_free, hearing_loop = frozenset({Feature.STEP_FREE}), frozenset({Feature.HEARING_LOOP})
    yield Thing(0, "room", main, "Room 1", features=hearing_loop)
    yield Thing(0, "room", main, "Room 2", features=step_free)
    yield Thing(0, "room", branch, "Room 3", features=step_free | hearing_loop)
    yield Thing(0, "counter", branch, "Counter 4")
    yield Thing(0, "tablet", branch, "Tablet 1", setup=10, back=5)
    yield Thing(0, "tablet", branch, "Tablet 2", setup=5, back=10)
    yield Thing(0, "tablet", main, "Tablet 3")
    yield Thing(0, "camera", main, "Camera 1", setup=10, back=5)
    yield Thing(0, "camera", main, "Camera 2", setup=5, back=20)
    yield Thing(0, "camera", branch, "Camera 3")
    yield Thing(0, "interpreter", main, "Dua", languages=frozenset({"ar"}), hours=ALL_DAY)


async def _stored(tx: AsyncConnection, main: int, branch: int):
    for one in _wanted(main, branch):
        thing_id = await row(
            tx, schema.resource, site_id=one.site_id, kind=one.kind, name=one.name, active=True,
            features=sorted(one.features), skills=sorted(one.skills),
            languages=sorted(one.languages), setup_minutes=one.setup, return_minutes=one.back,
        )  # fmt: skip
        for weekday in range(5):
            for first, last, release in one.hours:
                await row(
                    tx, schema.working_pattern, resource_id=thing_id, weekday=weekday,
                    starts_minute=first, ends_minute=last, ways=[], release=release,
                    valid_from=dt.date(2026, 1, 1), every_weeks=1,
                )  # fmt: skip
        values = {field: getattr(one, field) for field in Thing.__dataclass_fields__}
        yield Thing(**{**values, "id": thing_id})
