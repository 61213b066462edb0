"""What the office can learn from its plan, and never about a single claimant.

A figure that would speak of fewer than `FEWEST` appointments is None (`scheduling.disclosure`).
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, connections, released, schema
from scheduling.disclosure import FEWEST, shown, whole_weeks
from scheduling.grid import Horizon, local_date
from scheduling.hours import Release
from scheduling.model import Change, Outcome, Resource, Status, Text, Way
from scheduling.released import Account, Released, Working

_ALWAYS = -1
"""Every tick."""


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
    without a name is that of nobody's team. `released` tells the caseworkers' hours by whom they
    are kept for; grouped by topic, the hours of those who advise on it.
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
    released: Mapping[Release, Released]


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
    account: Account = field(default_factory=Account)
    shares_time: bool = False
    """Whether its hours are those of other groups as well, so that they say nothing of its load."""

    @property
    def appointments(self) -> int:
        """How many were not cancelled."""
        return self.ways.total()


@dataclass(frozen=True, slots=True)
class _Groups:
    """Finds the group of an appointment, and those that a caseworker's time is given to.

    With `apart`, the same time is given to several groups, each of which books its own part.
    """

    names: Mapping[Hashable, Text]
    of_appointment: Callable[[Row[Any]], Hashable]
    of_time: Callable[[Resource, dt.date], Iterable[Hashable]]
    apart: bool = False


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
        for tally in (
            tallies.setdefault(groups.of_appointment(row), _Tally(shares_time=groups.apart)),
            total,
        ):
            _count(tally, row, now)
    working = await released.of_caseworkers(tx, horizon, now, site_id)
    _add_time(tallies, total, groups, horizon, working, rows)
    visible = released.visible({key: tally.account for key, tally in tallies.items()})
    counts = shown({key: tally.appointments for key, tally in tallies.items()})
    order = {key: position for position, key in enumerate(groups.names)}
    keys = sorted(tallies, key=lambda key: order.get(key, len(order)))
    if by is By.WEEK:
        keys = sorted(tallies, key=str)
    return Figures(
        tuple(
            _line(groups.names.get(key, {}), key, tallies[key], counts[key], visible[key])
            for key in keys
        ),
        _line(
            {},
            None,
            total,
            shown({None: total.appointments})[None],
            released.visible({None: total.account})[None],
        ),
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
        topics = await catalog.topics(tx)
        names = {topic.id: topic.title for topic in topics}
        return _Groups(
            names,
            lambda row: row.topic_id,
            lambda person, _: [one.id for one in topics if one.skill in person.skills],
            apart=True,
        )
    if by is By.SITE:
        names = {site.id: {"de": site.name} for site in await catalog.sites(tx)}
        return _Groups(names, lambda row: row.site_id, lambda person, _: [person.site_id])
    if by is By.TEAM:
        teams = await tx.execute(select(schema.team).order_by(schema.team.c.name))
        names = {team.id: {"de": team.name} for team in teams}
        return _Groups(
            names,
            lambda row: people[row.caseworker_id].team_id,
            lambda person, _: [person.team_id],
        )
    return _Groups({}, lambda row: _monday(local_date(row.starts_at)), lambda _, week: [week])


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


def _add_time(
    tallies: Mapping[Hashable, _Tally],
    total: _Tally,
    groups: _Groups,
    horizon: Horizon,
    working: Iterable[Working],
    rows: Iterable[Row[Any]],
) -> None:
    """Add how much time caseworkers give to each group, and how much of it is booked."""
    held: dict[int, list[Row[Any]]] = {}
    for row in rows:
        if row.status != Status.CANCELLED:
            held.setdefault(row.caseworker_id, []).append(row)
    weeks = [(date, horizon.wall_clock(date, 0, 7 * 1440)) for date in [*horizon.dates()][::7]]
    for one in working:
        mine = held.get(one.person.id, [])
        begins = [horizon.tick(row.starts_at) for row in mine]
        total.account.add(one, _ALWAYS, one.claimed, begins)
        for monday, week in weeks:
            for key in groups.of_time(one.person, monday):
                if key not in tallies:
                    continue
                own = [row for row in mine if groups.of_appointment(row) == key]
                booked = _taken(horizon, own) if groups.apart else one.claimed
                tallies[key].account.add(
                    one, week, booked, [horizon.tick(row.starts_at) for row in own]
                )


def _taken(horizon: Horizon, rows: Iterable[Row[Any]]) -> int:
    spans = ((int(row.starts_at.timestamp()), int(row.ends_at.timestamp())) for row in rows)
    return horizon.touched(spans)


def _line(
    name: Text,
    key: Hashable,
    tally: _Tally,
    appointments: int | None,
    visible: Mapping[Release, bool],
) -> Line:
    every = tally.appointments + tally.cancelled
    started = tally.held + tally.missed
    return Line(
        name=name,
        week=key if isinstance(key, dt.date) else None,
        appointments=appointments,
        utilisation=None
        if appointments is None or tally.shares_time
        else tally.account.utilisation,
        lead_days=None if appointments is None else _middle(tally.lead_days),
        missed=tally.missed / started if started >= FEWEST else None,
        cancelled=tally.cancelled / every if every >= FEWEST and appointments else None,
        notice_hours=_middle(tally.notice_hours),
        ways=shown({way: tally.ways[way] for way in Way})
        if appointments is not None
        else dict.fromkeys(Way),
        released=tally.account.released(
            visible if appointments is not None else dict.fromkeys(Release, False)
        ),
    )


def _middle(values: Iterable[float]) -> float | None:
    known = [*values]
    return median(known) if len(known) >= FEWEST else None


def _monday(date: dt.date) -> dt.date:
    return date - dt.timedelta(days=date.weekday())
