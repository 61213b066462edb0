"""Who and what each site has, when they work, and when they are taken.

Everything is read from the store by site and remembered by version (`scheduling.memory`):
a first question costs at most four queries, the next one two, however many caseworkers.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Row,
    ScalarSelect,
    String,
    TypeDecorator,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema, taken
from scheduling.grid import Horizon
from scheduling.hours import Closure, Pattern
from scheduling.house import House, Member
from scheduling.memory import Versioned
from scheduling.model import Resource
from scheduling.shares import Shares
from scheduling.taken import Taken

__all__ = ["House", "Member", "Memory", "Supply", "load"]


class Memory:
    """What one process remembers of the plan."""

    def __init__(self) -> None:
        self.houses: Versioned[House] = Versioned(1000)
        self.busy: Versioned[Taken] = Versioned(100_000)


@dataclass(frozen=True, slots=True)
class Supply:
    """The asked sites and, for each of their resources, the ticks that are taken."""

    houses: tuple[House, ...]
    busy: Mapping[int, int]


def _all(_resource: Resource) -> bool:
    return True


async def load(
    tx: AsyncConnection,
    horizon: Horizon,
    now: dt.datetime,
    *,
    site_ids: Iterable[int] = (),
    ignore_appointment: int | None = None,
    only: Callable[[Resource], bool] = _all,
) -> Supply:
    """Read the supply of those sites, or of all. `ignore_appointment` counts as free.

    Of resources that are not among the `only` ones asked about, nobody learns what is taken.
    """
    options = tx.sync_connection.get_execution_options() if tx.sync_connection else {}
    memory: Memory = options.get("memory") or Memory()
    # What a transaction has changed and may still take back must not be remembered.
    keep = not options.get("writes")
    houses, versions = await _houses(tx, memory, now, tuple(site_ids), keep=keep)
    asked = {
        member.resource.id: versions[member.resource.id]
        for house in houses
        for member in house.members
        if only(member.resource)
    }
    busy = await _busy(tx, memory, asked, horizon, now, keep=keep)
    if ignore_appointment is not None:
        busy = await taken.without(tx, busy, horizon, ignore_appointment)
    return Supply(houses, busy)


async def _houses(
    tx: AsyncConnection, memory: Memory, now: dt.datetime, site_ids: tuple[int, ...], *, keep: bool
) -> tuple[tuple[House, ...], dict[int, int]]:
    """Return the houses, and of each active resource the version of its claims."""
    known, missing = await _remembered(tx, memory, site_ids)
    versions: dict[int, int] = {}
    if missing:
        read = await _read_houses(tx, missing, now, versions)
        for house, row in zip(read, missing, strict=True):
            known[row.id] = house
            if keep:
                memory.houses.keep(row.id, row.version, house)
    remembered = known.keys() - {row.id for row in missing}
    if remembered:
        column = schema.resource.c
        rows = await tx.execute(
            select(column.id, column.claims_version).where(
                column.site_id.in_(remembered), column.active
            )
        )
        versions.update({row.id: row.claims_version for row in rows})
    return tuple(house for house in known.values() if house is not None), versions


async def _remembered(
    tx: AsyncConnection, memory: Memory, site_ids: tuple[int, ...]
) -> tuple[dict[int, House | None], Sequence[Row[Any]]]:
    """Return the houses in order, those that are remembered, and the sites of the others."""
    catalogue = catalog.known(tx)
    if catalogue is not None:
        ids = sorted(site_ids or catalogue.versions)
        known = {one: memory.houses.get(one, catalogue.versions[one]) for one in ids}
        if None not in known.values():
            return known, []
    table = schema.site
    query = select(table).order_by(table.c.id)
    sites = (await tx.execute(query.where(table.c.id.in_(site_ids)) if site_ids else query)).all()
    known = {row.id: memory.houses.get(row.id, row.version) for row in sites}
    return known, [row for row in sites if known[row.id] is None]


async def _read_houses(
    tx: AsyncConnection, sites: Sequence[Row[Any]], now: dt.datetime, versions: dict[int, int]
) -> list[House]:
    ids = [row.id for row in sites]
    members: dict[int, list[Member]] = {}
    of_sites, of_resources = await _closures(tx, ids, now)
    for row in await tx.execute(_resources(tx).where(schema.resource.c.site_id.in_(ids))):
        patterns = _patterns(row.patterns) if row.patterns else ()
        closures = tuple(of_resources.get(row.id, ()))
        member = Member(catalog.read_resource(row), patterns, closures)
        members.setdefault(row.site_id, []).append(member)
        versions[row.id] = row.claims_version
    return [
        House(
            catalog.read_site(row),
            tuple(
                Pattern(weekday, starts_minute, ends_minute, dt.date.min)
                for weekday, starts_minute, ends_minute in row.opening
            ),
            tuple(of_sites.get(row.id, ())),
            tuple(members.get(row.id, ())),
            Shares.stored(row.release_shares),
        )
        for row in sites
    ]


class _Words(TypeDecorator[frozenset[str]]):
    """A list of words as it is stored: most resources have the same few, so each is read once."""

    impl = String
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Dialect) -> frozenset[str]:
        return _words(value)


@lru_cache(maxsize=1024)
def _words(written: str) -> frozenset[str]:
    return frozenset(json.loads(written))


def _resources(tx: AsyncConnection) -> Any:
    """Return the question for active resources, each with its patterns as one text."""
    row = schema.resource.c
    words = [
        cast(column, _Words).label(column.name)
        for column in (row.features, row.skills, row.languages, row.ways)
    ]
    columns = (
        row.id, row.kind, row.site_id, row.name, row.team_id, row.setup_minutes,
        row.return_minutes, row.claims_version,
    )  # fmt: skip
    patterns = _written_patterns(tx).label("patterns")
    return select(*columns, *words, patterns).where(row.active).order_by(row.id)


def _written_patterns(tx: AsyncConnection) -> ScalarSelect[str]:
    # One row per person instead of one per pattern, and equal weeks come as equal texts.
    row = schema.working_pattern.c
    ways: ColumnElement[Any]
    if tx.dialect.name == "sqlite":
        ways, together, one = func.json(row.ways), func.json_group_array, func.json_array
    else:
        ways, together, one = row.ways, func.json_agg, func.json_build_array
    pattern = one(
        row.weekday, row.starts_minute, row.ends_minute, row.valid_from, row.valid_until,
        row.every_weeks, ways, row.release,
    )  # fmt: skip
    written = cast(together(pattern), String)
    return select(written).where(row.resource_id == schema.resource.c.id).scalar_subquery()


@lru_cache(maxsize=4096)
def _patterns(written: str) -> tuple[Pattern, ...]:
    return tuple(
        Pattern(
            weekday, starts, ends, dt.date.fromisoformat(first),
            dt.date.fromisoformat(last) if last else None, weeks, tuple(ways), release,
        )
        for weekday, starts, ends, first, last, weeks, ways, release in json.loads(written)
    )  # fmt: skip


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
    tx: AsyncConnection,
    memory: Memory,
    versions: dict[int, int],
    horizon: Horizon,
    now: dt.datetime,
    *,
    keep: bool,
) -> dict[int, int]:
    busy: dict[int, int] = {}
    missing, days = [], (horizon.first, horizon.last)
    for resource_id, version in versions.items():
        known = memory.busy.get((resource_id, days), version)
        if known is None:
            missing.append(resource_id)
        else:
            busy[resource_id] = known.at(now)
    if missing:
        read = await taken.read(tx, missing, horizon)
        for resource_id in missing:
            one = read.get(resource_id, taken.FREE)
            busy[resource_id] = one.at(now)
            if keep:
                memory.busy.keep((resource_id, days), versions[resource_id], one)
    return busy
