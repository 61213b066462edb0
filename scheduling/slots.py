"""When is this possible? The one answer, for the booking page, staff, moves and holds.

Free time is ``pattern & ~busy`` per resource and day (see `scheduling.grid`). A start is
possible when one caseworker is free for the consultation and its buffer and, where the way
needs one, a room of the caseworker's site is free for the consultation.
The store is asked four times, however many caseworkers there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

import holidays
from sqlalchemy import BigInteger, ColumnElement, cast, extract, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.grid import Day, bits, every, local_date, starts
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
class _Supply:
    """Caseworkers and rooms of the asked sites with their working time and their claims."""

    caseworkers: tuple[Resource, ...]
    rooms: tuple[Resource, ...]
    patterns: dict[int, list[_Pattern]]
    busy: dict[int, list[tuple[int, int]]]
    states: dict[int, str]


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


async def find(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> list[Slot]:
    """Return every start that can be booked now, in order of time."""
    query = _within_terms(query, now)
    supply = await _load(tx, query, now)
    length = dt.timedelta(minutes=query.offer.minutes)
    found: list[Slot] = []
    for day in _days(query):
        possible = 0
        for _, _, bitmap in _possible(day, supply, query):
            possible |= bitmap
        possible &= _grid(query.step_minutes, day.ticks) & _after_notice(day, query, now)
        for tick in bits(possible):
            start = day.start_of(tick)
            found.append(Slot(start, start + length))
    return found


async def nearest(
    tx: AsyncConnection, query: SlotQuery, wanted: dt.datetime, now: dt.datetime, count: int = 6
) -> list[Slot]:
    """Return the `count` starts nearest to `wanted`, in order of time."""
    slots = sorted(await find(tx, query, now), key=lambda slot: abs(slot.start - wanted))
    return sorted(slots[:count], key=lambda slot: slot.start)


async def options(
    tx: AsyncConnection, query: SlotQuery, start: dt.datetime, now: dt.datetime
) -> list[Option]:
    """Return who could take the `start`: nearest to the claimant's needs, least loaded first."""
    date = local_date(start)
    query = _within_terms(replace(query, first=date, last=date, step_minutes=5), now)
    if query.first > query.last:
        return []
    supply = await _load(tx, query, now)
    day = Day.of(date)
    tick, rest = divmod(int(start.timestamp()) - day.midnight, 300)
    if rest or start.microsecond or not _after_notice(day, query, now) >> tick & 1:
        return []
    fitting = [
        (caseworker, rooms)
        for caseworker, rooms, bitmap in _possible(day, supply, query)
        if bitmap >> tick & 1
    ]
    fitting.sort(
        key=lambda pair: (
            query.needs.interpreter not in pair[0].languages,
            _load_of(day, supply, pair[0]),
            pair[0].id,
        )
    )
    return [Option(caseworker, _room_at(tick, rooms)) for caseworker, rooms in fitting]


async def _load(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> _Supply:
    if query.first > query.last:
        return _Supply((), (), {}, {}, {})
    kinds = (Kind.CASEWORKER, Kind.ROOM, Kind.COUNTER)
    wanted = kinds if query.offer.needs_room else kinds[:1]
    everything = await catalog.resources(tx, site_id=query.site_id, kinds=wanted)
    caseworkers = tuple(one for one in everything if _can_advise(one, query))
    rooms = tuple(one for one in everything if _can_seat(one, query))
    ids = [one.id for one in (*caseworkers, *rooms)]
    sites = await catalog.sites(tx)
    return _Supply(
        caseworkers,
        rooms,
        await _patterns(tx, [one.id for one in caseworkers], query),
        await _busy(tx, ids, query, now),
        {site.id: site.state for site in sites},
    )


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
    tx: AsyncConnection, ids: list[int], query: SlotQuery
) -> dict[int, list[_Pattern]]:
    table = schema.working_pattern
    rows = await tx.execute(
        select(table).where(table.c.resource_id.in_(ids), table.c.valid_from <= query.last)
    )
    found: dict[int, list[_Pattern]] = {}
    for row in rows:
        if not row.ways or query.way in row.ways:
            pattern = _Pattern(
                row.weekday, row.starts_minute, row.ends_minute,
                row.valid_from, row.valid_until, row.every_weeks,
            )  # fmt: skip
            found.setdefault(row.resource_id, []).append(pattern)
    return found


async def _busy(
    tx: AsyncConnection, ids: list[int], query: SlotQuery, now: dt.datetime
) -> dict[int, list[tuple[int, int]]]:
    table = schema.claim
    first, last = Day.of(query.first), Day.of(query.last)
    begins, ends = first.start_of(0), last.start_of(last.ticks)
    columns = (_seconds(tx, table.c.starts_at), _seconds(tx, table.c.ends_at))
    rows = await tx.execute(
        select(table.c.resource_id, *columns).where(
            table.c.resource_id.in_(ids),
            # No claim is longer than a day: the index narrows the scan from both sides.
            table.c.starts_at > begins - dt.timedelta(days=1),
            table.c.starts_at < ends,
            table.c.ends_at > begins,
            (table.c.expires_at.is_(None)) | (table.c.expires_at > now),
            table.c.appointment_id.is_distinct_from(query.ignore_appointment)
            if query.ignore_appointment is not None
            else table.c.id.is_not(None),
        )
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for resource_id, start, end in rows:
        found.setdefault(resource_id, []).append((start, end))
    return found


def _seconds(tx: AsyncConnection, column: ColumnElement[dt.datetime]) -> ColumnElement[int]:
    if tx.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(extract("epoch", column), BigInteger)


def _possible(
    day: Day, supply: _Supply, query: SlotQuery
) -> Iterator[tuple[Resource, list[tuple[Resource, int]], int]]:
    """Yield each caseworker with the rooms of the site and the ticks at which both can start."""
    length = query.offer.minutes // 5
    with_buffer = length + query.offer.buffer_minutes // 5
    rooms: dict[int, list[tuple[Resource, int]]] = {}
    for room in supply.rooms:
        free = starts(((1 << day.ticks) - 1) & ~_busy_bits(day, supply, room), length)
        rooms.setdefault(room.site_id, []).append((room, free))
    for caseworker in supply.caseworkers:
        if _is_holiday(day.date, supply.states[caseworker.site_id]):
            continue
        bitmap = 0
        for pattern in supply.patterns.get(caseworker.id, ()):
            if pattern.holds_on(day.date):
                bitmap |= day.pattern(pattern.starts_minute, pattern.ends_minute)
        if not bitmap:
            continue
        bitmap = starts(bitmap & ~_busy_bits(day, supply, caseworker), with_buffer)
        seats = rooms.get(caseworker.site_id, [])
        if query.offer.needs_room:
            seated = 0
            for _, free in seats:
                seated |= free
            bitmap &= seated
        if bitmap:
            yield caseworker, seats, bitmap


def _busy_bits(day: Day, supply: _Supply, resource: Resource) -> int:
    bitmap = 0
    for start, end in supply.busy.get(resource.id, ()):
        bitmap |= day.between(start, end)
    return bitmap


def _load_of(day: Day, supply: _Supply, caseworker: Resource) -> int:
    return _busy_bits(day, supply, caseworker).bit_count()


def _room_at(tick: int, rooms: list[tuple[Resource, int]]) -> Resource | None:
    free = [room for room, bitmap in rooms if bitmap >> tick & 1]
    # Step-free rooms are kept for those who need them as long as another one is free.
    return min(free, key=lambda room: (len(room.features), room.id), default=None)


def _within_terms(query: SlotQuery, now: dt.datetime) -> SlotQuery:
    today = local_date(now)
    earliest, horizon = query.offer.earliest_day, query.offer.horizon_days
    if query.for_staff:
        earliest, horizon = 0, STAFF_HORIZON_DAYS
    return replace(
        query,
        first=max(query.first, today + dt.timedelta(days=earliest)),
        last=min(query.last, today + dt.timedelta(days=horizon)),
    )


def _after_notice(day: Day, query: SlotQuery, now: dt.datetime) -> int:
    notice = 0 if query.for_staff else query.offer.notice_minutes * 60
    # On the last evening before an earliest day the notice must not push into it: whoever
    # books before midnight gets the next morning.
    if query.offer.earliest_day and not query.for_staff:
        notice = 0
    earliest = int(now.timestamp()) + notice
    return ((1 << day.ticks) - 1) & ~day.between(day.midnight, earliest)


def _days(query: SlotQuery) -> Iterator[Day]:
    for offset in range((query.last - query.first).days + 1):
        yield _day(query.first + dt.timedelta(days=offset))


@lru_cache(maxsize=800)
def _day(date: dt.date) -> Day:
    return Day.of(date)


@cache
def _grid(step_minutes: int, ticks: int) -> int:
    return every(step_minutes, ticks)


@lru_cache(maxsize=64)
def _holidays(year: int, state: str) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("DE", subdiv=state, years=year))


def _is_holiday(date: dt.date, state: str) -> bool:
    return date in _holidays(date.year, state)
