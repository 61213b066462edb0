"""An office of any size with a plan that is already full to any share, for benchmarks.

The same numbers give the same office on either engine: people, rooms and devices by site, their
weekly hours, and claims drawn from a seeded source. One appointment per resource owns all its
claims, since nothing that is measured reads it.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Table, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.grid import ZONE
from scheduling.model import Change, Kind, Part, Status, Topic, Way
from scheduling.store import Store

TOPIC = "advice"
STATE = "NW"
BUFFER_MINUTES = 5
SINCE = dt.date(2020, 1, 6)
ROWS_AT_ONCE = 20_000

Hours = tuple[tuple[int, int, int], ...]
"""Weekday, start and end in minutes after midnight."""

FULL_WEEK: Hours = (
    *((weekday, 480, 720) for weekday in range(4)),
    *((weekday, 780, 960) for weekday in range(4)),
    (4, 480, 750),
)
MORNINGS: Hours = tuple((weekday, 480, 720) for weekday in range(5))


@dataclass(frozen=True, slots=True)
class Size:
    """How large the office is; people and things are counted per site.

    `booked` is the share of the working hours of `days` days that claims cover; `past` is how
    many consultations there were on the days before.
    """

    sites: int = 1
    caseworkers: int = 50
    things: int = 20
    days: int = 28
    booked: float = 0.7
    past: int = 0
    minutes: int = 30
    hours: Hours = FULL_WEEK

    @property
    def resources(self) -> int:
        """How many people and things there are in all."""
        return self.sites * (self.caseworkers + self.things)


Record = tuple[int, dt.datetime, dt.datetime, int]
"""A claim: resource, start, end, appointment."""


async def fill(store: Store, size: Size, first: dt.date) -> int:
    """Make the tables and the office, its plan from the day `first` on; return how many claims."""
    async with store.writing() as tx:
        await schema.create_all(tx)
        await _rows(tx, schema.topic, [_topic()])
        await _rows(tx, schema.topic_way, _ways(size))
        await _rows(tx, schema.site, (_site(number) for number in range(1, size.sites + 1)))
        await _rows(tx, schema.resource, _resources(size))
        await _rows(tx, schema.working_pattern, _patterns(size))
        await _rows(tx, schema.appointment, _owners(size, first))
        await _rows(tx, schema.appointment, _past(size, first))
        await _rows(tx, schema.participant_link, _links(size, first))
        await _rows(tx, schema.history, _history(size, first))
        loaded = await _load(tx, _claims(size, first))
        await _count_on(tx)
    if store.dialect == "postgresql":
        await vacuum(store)
    return loaded


async def topic(store: Store) -> Topic:
    """Return the one topic of the office."""
    async with store.reading() as tx:
        return await catalog.topic(tx, TOPIC)


def _topic() -> dict[str, Any]:
    words = {"de": "Ich möchte beraten werden", "en": "I would like advice"}
    return {
        "id": 1, "key": TOPIC, "position": 0, "title": words, "official_name": words,
        "explanation": words, "bring": words, "skill": TOPIC,
    }  # fmt: skip


def _ways(size: Size) -> Iterator[dict[str, Any]]:
    for way in Way:
        yield {
            "topic_id": 1, "way": way, "minutes": size.minutes, "buffer_minutes": BUFFER_MINUTES,
            "notice_minutes": 60, "earliest_day": 0, "horizon_days": size.days,
        }  # fmt: skip


def _site(number: int) -> dict[str, Any]:
    return {
        "id": number, "key": f"site-{number}", "name": f"Jobcenter {number}", "phone": "+49301",
        "address": f"Rathausplatz {number}, 12345 Musterstadt", "state": STATE,
    }  # fmt: skip


def _kind(size: Size, place: int) -> Kind:
    """Return what the resource at `place` of its site is: people first, then mostly rooms."""
    if place < size.caseworkers:
        return Kind.CASEWORKER
    usual = (Kind.ROOM, Kind.ROOM, Kind.ROOM, Kind.TABLET, Kind.CAMERA)
    return usual[(place - size.caseworkers) % len(usual)]


def _resources(size: Size) -> Iterator[dict[str, Any]]:
    per_site = size.caseworkers + size.things
    for number in range(size.resources):
        site, place = divmod(number, per_site)
        kind = _kind(size, place)
        yield {
            "id": number + 1, "site_id": site + 1, "kind": kind, "name": f"{kind} {place}",
            "features": ["step_free"] if kind is Kind.ROOM and place % 3 == 0 else [],
            "skills": [TOPIC] if kind is Kind.CASEWORKER else [],
            "languages": ["de", ("en", "tr", "uk", "ar")[place % 4]], "active": True,
        }  # fmt: skip


def _patterns(size: Size) -> Iterator[dict[str, Any]]:
    per_site = size.caseworkers + size.things
    for number in range(size.resources):
        if number % per_site >= size.caseworkers:
            continue
        for weekday, start, end in size.hours:
            yield {
                "resource_id": number + 1, "weekday": weekday, "starts_minute": start,
                "ends_minute": end, "ways": [], "valid_from": SINCE, "every_weeks": 1,
            }  # fmt: skip


def _owners(size: Size, first: dt.date) -> Iterator[dict[str, Any]]:
    start = dt.datetime.combine(first, dt.time(8), ZONE)
    for number in range(1, size.resources + 1):
        yield _appointment(size, number, number, start, start + dt.timedelta(days=size.days))


def _past(size: Size, first: dt.date) -> Iterator[dict[str, Any]]:
    for number, caseworker, start, end in _consultations(size, first):
        yield _appointment(size, number, caseworker, start, end)


def _consultations(
    size: Size, first: dt.date
) -> Iterator[tuple[int, int, dt.datetime, dt.datetime]]:
    """Yield those before the day `first`: number, caseworker, start and end."""
    per_site, length = size.caseworkers + size.things, size.minutes + BUFFER_MINUTES
    a_day = 480 // length
    for place in range(size.past):
        turn, person = divmod(place, size.sites * size.caseworkers)
        site, caseworker = divmod(person, size.caseworkers)
        days, before = divmod(turn, a_day)
        midnight = dt.datetime.combine(first - dt.timedelta(days=days + 1), dt.time(), ZONE)
        start = midnight.astimezone(dt.UTC) + dt.timedelta(minutes=480 + before * length)
        end = start + dt.timedelta(minutes=size.minutes)
        yield size.resources + 1 + place, site * per_site + caseworker + 1, start, end


def _appointment(
    size: Size, number: int, caseworker: int, start: dt.datetime, end: dt.datetime
) -> dict[str, Any]:
    made = start - dt.timedelta(days=7)
    return {
        "id": number, "uid": f"uid-{number}", "reference": f"P{number}", "topic_id": 1,
        "way": Way.PHONE, "site_id": (caseworker - 1) // (size.caseworkers + size.things) + 1,
        "caseworker_id": caseworker, "starts_at": start, "ends_at": end,
        "status": Status.BOOKED, "sequence": 0, "name": "Kim Beispiel",
        "email": "kim@example.org", "phone": "", "features": [], "interpreter": "",
        "companion": False, "locale": "de", "created_at": made, "changed_at": made,
        "delete_after": end + dt.timedelta(days=90),
    }  # fmt: skip


def _links(size: Size, first: dt.date) -> Iterator[dict[str, Any]]:
    for number, _, start, end in _consultations(size, first):
        yield {
            "token_hash": f"{number:064x}", "appointment_id": number, "part": Part.CLAIMANT,
            "name": "Kim Beispiel", "created_at": start - dt.timedelta(days=7), "expires_at": end,
        }  # fmt: skip


def _history(size: Size, first: dt.date) -> Iterator[dict[str, Any]]:
    for number, _, start, _ in _consultations(size, first):
        yield {
            "appointment_id": number, "at": start - dt.timedelta(days=7), "actor": "claimant",
            "change": Change.BOOKED, "detail": {"start": start.isoformat()},
        }  # fmt: skip


def _claims(size: Size, first: dt.date) -> Iterator[Record]:
    """Yield the claims day by day, those of one day mixed as bookings come in from everywhere."""
    for number, caseworker, start, end in _consultations(size, first):
        yield caseworker, start, end + dt.timedelta(minutes=BUFFER_MINUTES), number
    draw = random.Random(size.resources)
    for offset in range(size.days):
        date = first + dt.timedelta(days=offset)
        hours = [one for one in size.hours if one[0] == date.weekday()]
        midnight = dt.datetime.combine(date, dt.time(), ZONE).astimezone(dt.UTC)
        day = [
            (number, midnight + dt.timedelta(minutes=start), midnight + dt.timedelta(minutes=end))
            for number in range(1, size.resources + 1)
            for start, end in _taken(size, hours, draw)
        ]
        draw.shuffle(day)
        for number, start, end in day:
            yield number, start, end, number


def _taken(size: Size, hours: list[tuple[int, int, int]], draw: random.Random) -> list[Any]:
    """Return starts and ends, in minutes, that cover about the booked share of some hours."""
    length, found = size.minutes + BUFFER_MINUTES, []
    for _, opens, closes in hours:
        minute = opens
        while minute + length <= closes:
            if draw.random() < size.booked:
                found.append((minute, minute + length))
                minute += length
            else:  # as long as a consultation on average, so that gaps do not line up
                minute += 5 * draw.randrange(1, 2 * length // 5)
    return found


async def _rows(tx: AsyncConnection, table: Table, rows: Any) -> None:
    remaining = iter(rows)
    while some := [*islice(remaining, ROWS_AT_ONCE)]:
        await tx.execute(insert(table), some)


async def _load(tx: AsyncConnection, claims: Iterator[Record]) -> int:
    columns = ("resource_id", "starts_at", "ends_at", "appointment_id")
    if tx.dialect.name == "sqlite":
        records = [*claims]
        named = [dict(zip(columns, record, strict=True)) for record in records]
        await _rows(tx, schema.claim, named)
        return len(records)
    # Loaded bare: an index that grows row by row costs many times one that is built at once.
    constraints = (await tx.execute(text(_CONSTRAINTS))).all()
    for name, _ in constraints:
        await tx.execute(text(f"ALTER TABLE claim DROP CONSTRAINT {name}"))
    for index in schema.claim.indexes:
        await tx.run_sync(index.drop)
    driver = (await tx.get_raw_connection()).driver_connection
    assert driver is not None
    done = await driver.copy_records_to_table("claim", records=claims, columns=columns)
    await tx.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
    for index in schema.claim.indexes:
        await tx.run_sync(index.create)
    for name, definition in constraints:
        await tx.execute(text(f"ALTER TABLE claim ADD CONSTRAINT {name} {definition}"))
    return int(done.rpartition(" ")[2])


_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'claim'::regclass AND contype IN ('f', 'x')
"""


async def _count_on(tx: AsyncConnection) -> None:
    """Let PostgreSQL number new rows after ours; SQLite does so by itself."""
    if tx.dialect.name == "postgresql":
        for table in ("topic", "site", "resource", "appointment"):
            await tx.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                )
            )


async def vacuum(store: Store) -> None:
    """Clear up after many changes, and let PostgreSQL learn how large its tables are."""
    async with store.engine.connect() as connection:
        bare = await connection.execution_options(isolation_level="AUTOCOMMIT")
        # On a server that does not wait for its disk, rows whose commit is not on it yet, or that
        # of a later neighbour, do not count as seen by all (its clog keeps one place in the log
        # for 32 transactions). Searches would then read the table beside the index.
        waits = (await bare.execute(text("SHOW synchronous_commit"))).scalar_one() != "off"
        for step in ("VACUUM", "ANALYZE") if waits else ("CHECKPOINT", "VACUUM", "ANALYZE"):
            await bare.execute(text(step))
