"""Who and what each site has, when they work, and when they are taken.

Everything is read from the store by site and remembered by version (`scheduling.memory`):
a first question costs at most five queries, the next one two, however many caseworkers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    any_,
    cast,
    extract,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, hours, schema
from scheduling.grid import Horizon
from scheduling.hours import Closure, Pattern, Release
from scheduling.memory import Versioned
from scheduling.model import Kind, Resource, Site, Way


@dataclass(frozen=True, slots=True)
class Member:
    """A resource with its own hours and closures. Rooms and devices have no patterns."""

    resource: Resource
    patterns: tuple[Pattern, ...]
    closures: tuple[Closure, ...]


@dataclass(slots=True)
class House:
    """A site with everything in it, as of one version."""

    site: Site
    opening: tuple[Pattern, ...]
    closures: tuple[Closure, ...]
    members: tuple[Member, ...]
    _hours: dict[tuple[int, Horizon, Way, Release], int] = field(default_factory=dict)

    def hours(self, member: Member, horizon: Horizon, way: Way, release: Release) -> int:
        """Return the ticks at which `member` can be had in `way`, claims apart."""
        key = (member.resource.id, horizon, way, release)
        if key not in self._hours:
            if len(self._hours) > _HOURS_PER_HOUSE:
                self._hours.clear()
            self._hours[key] = self._worked(member, horizon, way, release)
        return self._hours[key]

    def _worked(self, member: Member, horizon: Horizon, way: Way, release: Release) -> int:
        offered = member.resource.ways
        if offered and way not in offered:
            return 0
        if member.patterns:
            bitmap = hours.working(horizon, member.patterns, way, release)
        elif member.resource.kind in _WORKS_BY_HOURS:
            return 0
        else:
            bitmap = hours.whole(horizon)
        at_home = way in {Way.VIDEO, Way.PHONE}
        if self.opening and not (at_home and member.patterns):
            bitmap &= hours.working(horizon, self.opening, way, Release.ONLINE)
        bitmap &= ~hours.closed(horizon, (*self.closures, *member.closures), way)
        return bitmap & ~hours.public_holidays(horizon, self.site.state)


_WORKS_BY_HOURS = frozenset({Kind.CASEWORKER, Kind.INTERPRETER})
_HOURS_PER_HOUSE = 20_000


class Memory:
    """What one process remembers of the plan."""

    def __init__(self) -> None:
        self.houses: Versioned[House] = Versioned(1000)
        self.busy: Versioned[_Busy] = Versioned(100_000)


@dataclass(frozen=True, slots=True)
class _Busy:
    """The claims of one resource within a horizon: appointments as ticks, holds one by one."""

    booked: int
    holds: tuple[tuple[int, int, int], ...] = ()
    """Start, end and expiry, each in seconds since 1970."""

    def at(self, horizon: Horizon, now: dt.datetime) -> int:
        instant = now.timestamp()
        alive = [(start, end) for start, end, expires in self.holds if expires > instant]
        return self.booked | horizon.touched(alive) if alive else self.booked


@dataclass(frozen=True, slots=True)
class Supply:
    """The asked sites and, for each of their resources, the ticks that are taken."""

    houses: tuple[House, ...]
    busy: Mapping[int, int]

    def free(
        self, house: House, member: Member, horizon: Horizon, way: Way, release: Release
    ) -> int:
        """Return the ticks at which `member` works, is not away, and is not taken."""
        worked = house.hours(member, horizon, way, release)
        return worked & ~self.busy.get(member.resource.id, 0)


async def load(
    tx: AsyncConnection,
    horizon: Horizon,
    now: dt.datetime,
    *,
    site_ids: Iterable[int] = (),
    ignore_appointment: int | None = None,
) -> Supply:
    """Read the supply of those sites, or of all. `ignore_appointment` counts as free."""
    options = tx.sync_connection.get_execution_options() if tx.sync_connection else {}
    memory: Memory = options.get("memory") or Memory()
    # What a transaction has changed and may still take back must not be remembered.
    keep = not options.get("writes")
    houses, versions = await _houses(tx, memory, now, tuple(site_ids), keep=keep)
    busy = await _busy(tx, memory, versions, horizon, keep=keep)
    taken = {resource_id: one.at(horizon, now) for resource_id, one in busy.items()}
    if ignore_appointment is not None:
        await _without(tx, taken, horizon, ignore_appointment)
    return Supply(houses, taken)


async def _houses(
    tx: AsyncConnection, memory: Memory, now: dt.datetime, site_ids: tuple[int, ...], *, keep: bool
) -> tuple[tuple[House, ...], dict[int, int]]:
    table = schema.site
    query = select(table).order_by(table.c.id)
    sites = (await tx.execute(query.where(table.c.id.in_(site_ids)) if site_ids else query)).all()
    known = {row.id: memory.houses.get(row.id, row.version) for row in sites}
    missing = [row for row in sites if known[row.id] is None]
    versions: dict[int, int] = {}
    if missing:
        for house, version in zip(
            await _read_houses(tx, missing, now, versions), missing, strict=True
        ):
            known[house.site.id] = house
            if keep:
                memory.houses.keep(house.site.id, version.version, house)
    remembered = [row.id for row in sites if row not in missing]
    if remembered:
        column = schema.resource.c
        rows = await tx.execute(
            select(column.id, column.claims_version).where(
                column.site_id.in_(remembered), column.active
            )
        )
        versions.update((row.id, row.claims_version) for row in rows)
    return tuple(house for house in known.values() if house is not None), versions


async def _read_houses(
    tx: AsyncConnection, sites: list[Row[Any]], now: dt.datetime, versions: dict[int, int]
) -> list[House]:
    ids = [row.id for row in sites]
    table = schema.resource
    rows = (
        await tx.execute(
            select(table).where(table.c.site_id.in_(ids), table.c.active).order_by(table.c.id)
        )
    ).all()
    versions.update({row.id: row.claims_version for row in rows})
    patterns = await _patterns(tx, ids)
    of_sites, of_resources = await _closures(tx, ids, now)
    members: dict[int, list[Member]] = {}
    for row in rows:
        member = Member(
            catalog.read_resource(row),
            tuple(patterns.get(row.id, ())),
            tuple(of_resources.get(row.id, ())),
        )
        members.setdefault(row.site_id, []).append(member)
    return [
        House(
            catalog.read_site(row),
            tuple(
                Pattern(weekday, starts_minute, ends_minute, dt.date.min)
                for weekday, starts_minute, ends_minute in row.opening
            ),
            tuple(of_sites.get(row.id, ())),
            tuple(members.get(row.id, ())),
        )
        for row in sites
    ]


async def _patterns(tx: AsyncConnection, site_ids: list[int]) -> dict[int, list[Pattern]]:
    row, owner = schema.working_pattern.c, schema.resource.c
    rows = await tx.execute(
        select(
            row.resource_id, row.weekday, row.starts_minute, row.ends_minute, row.valid_from,
            row.valid_until, row.every_weeks, row.ways, row.release,
        ).where(row.resource_id == owner.id, owner.site_id.in_(site_ids))
    )  # fmt: skip
    found: dict[int, list[Pattern]] = {}
    for one in rows:
        pattern = Pattern(
            one.weekday, one.starts_minute, one.ends_minute, one.valid_from, one.valid_until,
            one.every_weeks, tuple(one.ways), one.release,
        )  # fmt: skip
        found.setdefault(one.resource_id, []).append(pattern)
    return found


async def _closures(
    tx: AsyncConnection, site_ids: list[int], now: dt.datetime
) -> tuple[dict[int, list[Closure]], dict[int, list[Closure]]]:
    row, owner = schema.closure.c, schema.resource.c
    there = select(owner.id).where(owner.site_id.in_(site_ids))
    rows = await tx.execute(
        select(row.site_id, row.resource_id, row.starts_at, row.ends_at, row.ways).where(
            or_(row.site_id.in_(site_ids), row.resource_id.in_(there)),
            # Yesterday's are kept: a remembered house must serve the whole of today.
            row.ends_at > now - dt.timedelta(days=1),
        )
    )
    of_sites: dict[int, list[Closure]] = {}
    of_resources: dict[int, list[Closure]] = {}
    for site_id, resource_id, start, end, ways in rows:
        closure = Closure(start, end, tuple(ways))
        if site_id is not None:
            of_sites.setdefault(site_id, []).append(closure)
        else:
            of_resources.setdefault(resource_id, []).append(closure)
    return of_sites, of_resources


async def _busy(
    tx: AsyncConnection, memory: Memory, versions: dict[int, int], horizon: Horizon, *, keep: bool
) -> dict[int, _Busy]:
    known = {
        resource_id: memory.busy.get((resource_id, horizon), version)
        for resource_id, version in versions.items()
    }
    missing = [resource_id for resource_id, busy in known.items() if busy is None]
    if missing:
        read = await _read_busy(tx, missing, horizon)
        for resource_id in missing:
            known[resource_id] = busy = read.get(resource_id, _Busy(0))
            if keep:
                memory.busy.keep((resource_id, horizon), versions[resource_id], busy)
    return {resource_id: busy for resource_id, busy in known.items() if busy is not None}


async def _read_busy(
    tx: AsyncConnection, resource_ids: list[int], horizon: Horizon
) -> dict[int, _Busy]:
    table = schema.claim.c
    columns = [_seconds(tx, one) for one in (table.starts_at, table.ends_at, table.expires_at)]
    rows = await tx.execute(
        select(table.resource_id, *columns).where(
            _one_of(tx, table.resource_id, resource_ids),
            # No claim is longer than a day: the index narrows the scan from both sides.
            table.starts_at > horizon.start - dt.timedelta(days=1),
            table.starts_at < horizon.end,
        )
    )
    booked: dict[int, list[tuple[int, int]]] = {}
    holds: dict[int, list[tuple[int, int, int]]] = {}
    for resource_id, start, end, expires in rows.all():
        if expires is None:
            booked.setdefault(resource_id, []).append((start, end))
        else:
            holds.setdefault(resource_id, []).append((start, end, expires))
    return {
        one: _Busy(horizon.touched(booked.get(one, ())), tuple(holds.get(one, ())))
        for one in {*booked, *holds}
    }


async def _without(
    tx: AsyncConnection, taken: dict[int, int], horizon: Horizon, appointment_id: int
) -> None:
    # Claims on one resource never overlap and lie on the grid, so its own ticks are its alone.
    table = schema.claim.c
    rows = await tx.execute(
        select(table.resource_id, _seconds(tx, table.starts_at), _seconds(tx, table.ends_at)).where(
            table.appointment_id == appointment_id
        )
    )
    for resource_id, start, end in rows:
        if resource_id in taken:
            taken[resource_id] &= ~horizon.touched([(start, end)])


def _one_of(
    tx: AsyncConnection, column: ColumnElement[int], values: list[int]
) -> ColumnElement[bool]:
    # A statement takes 32,767 parameters on PostgreSQL; a large office has more resources.
    if tx.dialect.name == "postgresql":
        return column == any_(literal(values, ARRAY(BigInteger)))
    return column.in_(values)


def _seconds(tx: AsyncConnection, column: ColumnElement[Any]) -> ColumnElement[int]:
    if tx.dialect.name == "sqlite":
        return type_coerce(column, BigInteger)
    return cast(extract("epoch", column), BigInteger)
