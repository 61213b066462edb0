"""What the office can learn from its plan, and never about a single claimant.

A figure that would speak of fewer than `FEWEST` appointments is None. Where one hidden count
could be worked out from a total, the next smallest is hidden with it.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, connections, hours, schema, supply
from scheduling.grid import Horizon, local_date
from scheduling.hours import Closure, Release
from scheduling.model import Change, Kind, Outcome, Resource, Status, Text, Way
from scheduling.supply import House, Member

FEWEST = 5
"""A figure about fewer appointments than these is not given."""

LONGEST_DAYS = 27 * 7
"""The longest period that is read at once, in days."""

_WORKING_WAYS = (Way.IN_PERSON, Way.VIDEO, Way.PHONE)
_Key = TypeVar("_Key", bound=Hashable)


class By(enum.StrEnum):
    """By what the figures are grouped."""

    WEEK = "week"
    SITE = "site"
    TEAM = "team"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one group; None stands for fewer than five appointments.

    `utilisation`, `missed` and `cancelled` are shares between 0 and 1; `lead_days` and
    `notice_hours` are medians. `week` is the group's Monday when grouped by week; a group
    without a name is that of nobody's team.
    """

    name: Text
    week: dt.date | None
    appointments: int | None
    utilisation: float | None
    lead_days: float | None
    missed: float | None
    cancelled: float | None
    notice_hours: float | None
    ways: Mapping[Way, int | None]


@dataclass(frozen=True, slots=True)
class Figures:
    """All groups in order, and the same for all of them together."""

    lines: tuple[Line, ...]
    total: Line


@dataclass(slots=True)
class _Tally:
    """What is counted before anything is hidden."""

    ways: Counter[Way] = field(default_factory=Counter)
    lead_days: list[float] = field(default_factory=list)
    notice_hours: list[float] = field(default_factory=list)
    cancelled: int = 0
    held: int = 0
    missed: int = 0
    worked: int = 0
    taken: int = 0

    @property
    def appointments(self) -> int:
        """How many were not cancelled."""
        return self.ways.total()


@dataclass(frozen=True, slots=True)
class _Groups:
    """Finds the group of an appointment, and of a caseworker's time (none for topics)."""

    names: Mapping[Hashable, Text]
    of_appointment: Callable[[Row[Any]], Hashable]
    of_time: Callable[[Resource, dt.date], Hashable] | None


def whole_weeks(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """Return the Monday before and the Sunday after, at most `LONGEST_DAYS` apart.

    Whole weeks, so that nobody can learn of a single day by subtracting two periods.
    """
    monday = first - dt.timedelta(days=first.weekday())
    last = min(max(last, monday), monday + dt.timedelta(days=LONGEST_DAYS - 1))
    return monday, last + dt.timedelta(days=6 - last.weekday())


def shown(counts: Mapping[_Key, int]) -> dict[_Key, int | None]:
    """Return `counts` with None where fewer than `FEWEST` stand, or would follow from the sum."""
    hidden = {key for key, count in counts.items() if count < FEWEST}
    by_size = sorted(counts, key=lambda key: counts[key])
    for key in by_size:
        if not 0 < sum(counts[one] for one in hidden) < FEWEST:
            break
        hidden.add(key)
    return {key: None if key in hidden else count for key, count in counts.items()}


async def read(
    tx: AsyncConnection,
    by: By,
    first: dt.date,
    last: dt.date,
    now: dt.datetime,
    *,
    site_id: int | None = None,
) -> Figures:
    """Return the figures of the appointments that start from `first` to `last` (local days).

    The days are widened to whole weeks. No-shows are counted among what the office has marked;
    of video consultations the plan itself knows whether they were held. A failed connection is
    neither held nor missed; nor is a call that the claimant tried to join and nobody marked.
    """
    horizon = Horizon(*whole_weeks(first, last))
    rows = await _appointments(tx, horizon, site_id)
    people = await catalog.resources_by_id(tx, {row.caseworker_id for row in rows})
    groups = await _groups(tx, by, people)
    tallies: dict[Hashable, _Tally] = {}
    total = _Tally()
    for row in rows:
        for tally in (tallies.setdefault(groups.of_appointment(row), _Tally()), total):
            _count(tally, row, now)
    await _add_time(tx, tallies, total, groups, horizon, now, site_id)
    counts = shown({key: tally.appointments for key, tally in tallies.items()})
    order = {key: position for position, key in enumerate(groups.names)}
    keys = sorted(tallies, key=lambda key: order.get(key, len(order)))
    if by is By.WEEK:
        keys = sorted(tallies, key=str)
    return Figures(
        tuple(_line(groups.names.get(key, {}), key, tallies[key], counts[key]) for key in keys),
        _line({}, None, total, shown({None: total.appointments})[None]),
    )


async def _appointments(
    tx: AsyncConnection, horizon: Horizon, site_id: int | None
) -> list[Row[Any]]:
    booked, entry = schema.appointment, schema.history
    query = (
        select(
            booked.c.topic_id, booked.c.way, booked.c.site_id, booked.c.caseworker_id,
            booked.c.starts_at, booked.c.ends_at, booked.c.status, booked.c.created_at,
            booked.c.outcome, connections.last_seen(booked.c.id).label("seen_at"),
            entry.c.at.label("cancelled_at"),
        )
        .outerjoin(
            entry, (entry.c.appointment_id == booked.c.id) & (entry.c.change == Change.CANCELLED)
        )
        .where(booked.c.starts_at >= horizon.start, booked.c.starts_at < horizon.end)
    )  # fmt: skip
    if site_id is not None:
        query = query.where(booked.c.site_id == site_id)
    return [*await tx.execute(query)]


async def _groups(tx: AsyncConnection, by: By, people: Mapping[int, Resource]) -> _Groups:
    names: dict[Hashable, Text]
    if by is By.TOPIC:
        names = {topic.id: topic.title for topic in await catalog.topics(tx)}
        return _Groups(names, lambda row: row.topic_id, None)
    if by is By.SITE:
        names = {site.id: {"de": site.name} for site in await catalog.sites(tx)}
        return _Groups(names, lambda row: row.site_id, lambda person, _: person.site_id)
    if by is By.TEAM:
        teams = await tx.execute(select(schema.team).order_by(schema.team.c.name))
        names = {team.id: {"de": team.name} for team in teams}
        return _Groups(
            names,
            lambda row: people[row.caseworker_id].team_id,
            lambda person, _: person.team_id,
        )
    return _Groups({}, lambda row: _monday(local_date(row.starts_at)), lambda _, week: week)


def _count(tally: _Tally, row: Row[Any], now: dt.datetime) -> None:
    if row.status == Status.CANCELLED:
        tally.cancelled += 1
        if row.cancelled_at is not None:
            ahead = row.starts_at - row.cancelled_at
            tally.notice_hours.append(max(0.0, ahead.total_seconds() / 3600))
        return
    tally.ways[Way(row.way)] += 1
    tally.lead_days.append((row.starts_at - row.created_at).total_seconds() / 86400)
    outcome = _outcome(row, now)
    tally.held += outcome == Outcome.HELD
    tally.missed += outcome == Outcome.MISSED


def _outcome(row: Row[Any], now: dt.datetime) -> str:
    if row.outcome or row.way != Way.VIDEO:
        return str(row.outcome)
    if row.status == Status.ENDED:
        return Outcome.HELD
    tried = row.seen_at is not None and row.seen_at >= row.starts_at - connections.EARLY
    return Outcome.MISSED if row.ends_at <= now and not tried else ""


async def _add_time(
    tx: AsyncConnection,
    tallies: dict[Hashable, _Tally],
    total: _Tally,
    groups: _Groups,
    horizon: Horizon,
    now: dt.datetime,
    site_id: int | None,
) -> None:
    """Add how much time caseworkers offer, and how much of it is booked, in ticks."""
    if groups.of_time is None:
        return
    supplied = await supply.load(tx, horizon, now, site_ids=() if site_id is None else (site_id,))
    away = await _closures(tx, horizon)
    weeks = [(date, horizon.wall_clock(date, 0, 7 * 1440)) for date in [*horizon.dates()][::7]]
    for house in supplied.houses:
        for member in house.members:
            person = member.resource
            if person.kind is not Kind.CASEWORKER:
                continue
            shut = [*away.get((house.site.id, None), ()), *away.get((None, person.id), ())]
            worked = _worked(house, member, horizon)
            worked &= ~hours.closed(horizon, tuple(shut), Way.IN_PERSON)
            taken = worked & supplied.busy.get(person.id, 0)
            for monday, week in weeks:
                group = tallies.get(groups.of_time(person, monday))
                for tally in (total, group) if group else (total,):
                    tally.worked += (worked & week).bit_count()
                    tally.taken += (taken & week).bit_count()


def _worked(house: House, member: Member, horizon: Horizon) -> int:
    bitmap = 0
    for release in Release:
        for way in _WORKING_WAYS:
            bitmap |= house.hours(member, horizon, way, release)
    return bitmap


async def _closures(
    tx: AsyncConnection, horizon: Horizon
) -> dict[tuple[int | None, int | None], list[Closure]]:
    """Return what was closed altogether, past closures too, by site or resource."""
    row = schema.closure
    found: dict[tuple[int | None, int | None], list[Closure]] = {}
    for one in await tx.execute(
        select(row).where(row.c.starts_at < horizon.end, row.c.ends_at > horizon.start)
    ):
        if not one.ways:
            key = (one.site_id, one.resource_id)
            found.setdefault(key, []).append(Closure(one.starts_at, one.ends_at))
    return found


def _line(name: Text, key: Hashable, tally: _Tally, appointments: int | None) -> Line:
    every = tally.appointments + tally.cancelled
    started = tally.held + tally.missed
    utilisation = tally.taken / tally.worked if tally.worked else None
    return Line(
        name=name,
        week=key if isinstance(key, dt.date) else None,
        appointments=appointments,
        utilisation=None if appointments is None else utilisation,
        lead_days=None if appointments is None else _middle(tally.lead_days),
        missed=tally.missed / started if started >= FEWEST else None,
        cancelled=tally.cancelled / every if every >= FEWEST and appointments else None,
        notice_hours=_middle(tally.notice_hours),
        ways=shown({way: tally.ways[way] for way in Way})
        if appointments is not None
        else dict.fromkeys(Way),
    )


def _middle(values: Iterable[float]) -> float | None:
    known = [*values]
    return median(known) if len(known) >= FEWEST else None


def _monday(date: dt.date) -> dt.date:
    return date - dt.timedelta(days=date.weekday())
