"""When is this possible? The one answer, for the booking page, staff, moves and holds.

Free time is ``pattern & ~busy``, one integer per resource (see `scheduling.grid`). A start is
possible when one caseworker is free for the consultation and its buffer and, where the way
needs one, a room of the caseworker's site is free for the consultation.
The store is asked four times, however many caseworkers and days there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

import holidays
from sqlalchemy import BigInteger, ColumnElement, cast, extract, select, true, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.grid import Horizon, local_date, mask, starts
from scheduling.model import Kind, Needs, Resource, Slot, Topic, TopicWay, Way

STEP_FREE = "step_free"
"""The feature of rooms that can be reached without steps."""

STAFF_HORIZON_DAYS = 365


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """What is looked for, between the days `first` and `last`, both included.

    `step_minutes` thins the starts for people to choose from (a multiple of 5).
    `for_staff` lifts notice and horizon. `ignore_appointment` is the one to be moved.
    """

    topic: Topic
    way: Way
    first: dt.date
    last: dt.date
    site_id: int | None = None
    needs: Needs = field(default_factory=Needs)
    caseworker_id: int | None = None
    ignore_appointment: int | None = None
    step_minutes: int = 15
    for_staff: bool = False

    @property
    def offer(self) -> TopicWay:
        """The topic's terms for the wanted way."""
        return self.topic.ways[self.way]


@dataclass(frozen=True, slots=True)
class Option:
    """Who and what could take one start."""

    caseworker: Resource
    room: Resource | None


@dataclass(frozen=True, slots=True)
class _Pattern:
    weekday: int
    starts_minute: int
    ends_minute: int
    valid_from: dt.date
    valid_until: dt.date | None
    every_weeks: int

    def holds_on(self, date: dt.date) -> bool:
        if date.weekday() != self.weekday or date < self.valid_from:
            return False
        if self.valid_until is not None and date > self.valid_until:
            return False
        first_monday = self.valid_from - dt.timedelta(days=self.valid_from.weekday())
        return ((date - first_monday).days // 7) % self.every_weeks == 0


@dataclass(frozen=True, slots=True)
class _Supply:
    """Caseworkers and rooms of the asked sites: their hours, and their claims as bits."""

    horizon: Horizon
    caseworkers: tuple[Resource, ...]
    rooms: tuple[Resource, ...]
    working: dict[int, int]
    busy: dict[int, int]


async def find(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> list[Slot]:
    """Return every start that can be booked now, in order of time."""
    supply = await _load(tx, query, now)
    possible = 0
    for _, _, bitmap in _possible(supply, query):
        possible |= bitmap
    possible &= supply.horizon.grid(query.step_minutes) & _after_notice(supply.horizon, query, now)
    length = dt.timedelta(minutes=query.offer.minutes)
    return [Slot(start, start + length) for start in supply.horizon.instants(possible)]


async def nearest(
    tx: AsyncConnection, query: SlotQuery, wanted: dt.datetime, now: dt.datetime, count: int = 6
) -> list[Slot]:
    """Return the `count` starts nearest to `wanted`, in order of time."""
    slots = sorted(await find(tx, query, now), key=lambda slot: abs(slot.start - wanted))
    return sorted(slots[:count], key=lambda slot: slot.start)


async def options(
    tx: AsyncConnection, query: SlotQuery, start: dt.datetime, now: dt.datetime
) -> list[Option]:
    """Return who could take the `start`: best for the claimant's needs, least loaded first."""
    date = local_date(start)
    # With the next day, since a consultation and its buffer may reach over midnight.
    query = replace(query, first=date, last=date + dt.timedelta(days=1))
    supply = await _load(tx, query, now)
    tick = supply.horizon.tick(start)
    if not start.timestamp() % 300 == 0 <= tick < supply.horizon.ticks:
        return []
    if not _after_notice(supply.horizon, query, now) >> tick & 1:
        return []
    fitting = [
        (caseworker, rooms)
        for caseworker, rooms, bitmap in _possible(supply, query)
        if bitmap >> tick & 1
    ]
    fitting.sort(
        key=lambda pair: (
            query.needs.interpreter not in pair[0].languages,
            supply.busy.get(pair[0].id, 0).bit_count(),
            pair[0].id,
        )
    )
    return [Option(caseworker, _room_at(tick, rooms)) for caseworker, rooms in fitting]


def _possible(
    supply: _Supply, query: SlotQuery
) -> Iterator[tuple[Resource, list[tuple[Resource, int]], int]]:
    """Yield each caseworker with the rooms of the site and the ticks at which both can start."""
    length = query.offer.minutes // 5
    with_buffer = length + query.offer.buffer_minutes // 5
    whole = mask(0, supply.horizon.ticks)
    rooms: dict[int, list[tuple[Resource, int]]] = {}
    seated: dict[int, int] = {}
    for room in supply.rooms:
        free = starts(whole & ~supply.busy.get(room.id, 0), length)
        rooms.setdefault(room.site_id, []).append((room, free))
        seated[room.site_id] = seated.get(room.site_id, 0) | free
    for caseworker in supply.caseworkers:
        working = supply.working.get(caseworker.id, 0)
        bitmap = starts(working & ~supply.busy.get(caseworker.id, 0), with_buffer)
        if query.offer.needs_room:
            bitmap &= seated.get(caseworker.site_id, 0)
        if bitmap:
            yield caseworker, rooms.get(caseworker.site_id, []), bitmap


def _room_at(tick: int, rooms: list[tuple[Resource, int]]) -> Resource | None:
    free = [room for room, bitmap in rooms if bitmap >> tick & 1]
    # Step-free rooms are kept for those who need them as long as another one is free.
    return min(free, key=lambda room: (len(room.features), room.id), default=None)


async def _load(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> _Supply:
    horizon = _within_terms(query, now)
    if not horizon.ticks:
        return _Supply(horizon, (), (), {}, {})
    kinds = (Kind.CASEWORKER, Kind.ROOM, Kind.COUNTER)
    wanted = kinds if query.offer.needs_room else kinds[:1]
    everything = await catalog.resources(tx, site_id=query.site_id, kinds=wanted)
    caseworkers = tuple(one for one in everything if _can_advise(one, query))
    rooms = tuple(one for one in everything if _can_seat(one, query))
    ids = [one.id for one in (*caseworkers, *rooms)]
    states = {site.id: site.state for site in await catalog.sites(tx)}
    patterns = await _patterns(tx, [one.id for one in caseworkers], query.way, horizon)
    working = {
        one.id: _working(horizon, states[one.site_id], tuple(patterns.get(one.id, ())))
        for one in caseworkers
    }
    busy = await _busy(tx, ids, horizon, query.ignore_appointment, now)
    return _Supply(horizon, caseworkers, rooms, working, busy)


def _can_advise(resource: Resource, query: SlotQuery) -> bool:
    return (
        resource.kind is Kind.CASEWORKER
        and query.topic.skill in resource.skills
        and query.caseworker_id in {None, resource.id}
    )


def _can_seat(resource: Resource, query: SlotQuery) -> bool:
    return resource.kind is not Kind.CASEWORKER and (
        not query.needs.step_free or STEP_FREE in resource.features
    )


async def _patterns(
    tx: AsyncConnection, ids: list[int], way: Way, horizon: Horizon
) -> dict[int, list[_Pattern]]:
    table = schema.working_pattern
    rows = await tx.execute(
        select(
            table.c.resource_id, table.c.ways, table.c.weekday, table.c.starts_minute,
            table.c.ends_minute, table.c.valid_from, table.c.valid_until, table.c.every_weeks,
        ).where(table.c.resource_id.in_(ids), table.c.valid_from <= horizon.last)
    )  # fmt: skip
    found: dict[int, list[_Pattern]] = {}
    for resource_id, ways, *pattern in rows:
        if not ways or way in ways:
            found.setdefault(resource_id, []).append(_Pattern(*pattern))
    return found


@lru_cache(maxsize=4096)
def _working(horizon: Horizon, state: str, patterns: tuple[_Pattern, ...]) -> int:
    """Return the bits at which somebody with these `patterns` works: never on holidays."""
    bitmap = 0
    for date in horizon.dates():
        if date in _holidays(date.year, state):
            continue
        for pattern in patterns:
            if pattern.holds_on(date):
                bitmap |= horizon.wall_clock(date, pattern.starts_minute, pattern.ends_minute)
    return bitmap


async def _busy(
    tx: AsyncConnection,
    ids: list[int],
    horizon: Horizon,
    ignore_appointment: int | None,
    now: dt.datetime,
) -> dict[int, int]:
    table = schema.claim
    another = (
        table.c.appointment_id.is_distinct_from(ignore_appointment)
        if ignore_appointment is not None
        else true()
    )
    columns = (_seconds(tx, table.c.starts_at), _seconds(tx, table.c.ends_at))
    rows = await tx.execute(
        select(table.c.resource_id, *columns).where(
            table.c.resource_id.in_(ids),
            # No claim is longer than a day: the index narrows the scan from both sides.
            table.c.starts_at > horizon.start - dt.timedelta(days=1),
            table.c.starts_at < horizon.end,
            (table.c.expires_at.is_(None)) | (table.c.expires_at > now),
            another,
        )
    )
    spans: dict[int, list[tuple[int, int]]] = {}
    for resource_id, start, end in rows.all():
        spans.setdefault(resource_id, []).append((start, end))
    return {resource_id: horizon.touched(taken) for resource_id, taken in spans.items()}


def _seconds(tx: AsyncConnection, column: ColumnElement[dt.datetime]) -> ColumnElement[int]:
    if tx.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(extract("epoch", column), BigInteger)


def _within_terms(query: SlotQuery, now: dt.datetime) -> Horizon:
    today = local_date(now)
    earliest, furthest = query.offer.earliest_day, query.offer.horizon_days
    if query.for_staff:
        earliest, furthest = 0, STAFF_HORIZON_DAYS
    return Horizon(
        max(query.first, today + dt.timedelta(days=earliest)),
        min(query.last, today + dt.timedelta(days=furthest)),
    )


def _after_notice(horizon: Horizon, query: SlotQuery, now: dt.datetime) -> int:
    # Where booking opens days ahead, the notice must not push into the first of them:
    # whoever books before midnight gets the next morning.
    lifted = query.for_staff or query.offer.earliest_day
    notice = 0 if lifted else query.offer.notice_minutes
    earliest = now + dt.timedelta(minutes=notice, seconds=299)
    return mask(max(0, horizon.tick(earliest)), horizon.ticks)


@lru_cache(maxsize=64)
def _holidays(year: int, state: str) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state, years=year))
