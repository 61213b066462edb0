"""Who and what each site has, when they work, and when they are taken.

Everything is remembered by version (`scheduling.memory`); what has changed since, or was never
read, is asked for in one statement (`scheduling.difference`), however many caseworkers there are.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Transaction, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import difference, schema, taken
from scheduling.difference import UNKNOWN, Known
from scheduling.grid import TICK_SECONDS, Horizon, days_between, local_date, mask
from scheduling.hours import Closure, Pattern
from scheduling.house import House, Member
from scheduling.memory import Versioned
from scheduling.model import Kind, Resource, Site
from scheduling.shares import Shares
from scheduling.taken import Taken

__all__ = ["House", "Member", "Memory", "Supply", "load"]

_DAYS_KEPT = dt.timedelta(days=29)
"""Claims on so many days from today are remembered together, whichever days are asked for: what
changes is then read once, not once for each of the days. Most topics are booked four weeks ahead,
and whoever takes the last day is looked for until the day after it."""

_FEW = 8
"""In how many sites claims are read for more days than are asked for."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """The versions that a transaction has asked for, of sites and of claims on resources."""

    sites: dict[int, int] = field(default_factory=dict)
    claims: dict[int, int] = field(default_factory=dict)

    def confirms(self, known: Known) -> bool:
        """Tell whether there is nothing to ask: all that is `known` is of these versions."""
        return known.sites.items() <= self.sites.items() and (
            known.claims.items() <= self.claims.items()
        )

    def note(self, known: Known, rows: Iterable[Any]) -> None:
        """Note what the store has answered when it was asked for what differs."""
        self.sites.update(known.sites)
        self.claims.update(known.claims)
        for row in rows:
            if row.resource_id is None:
                self.sites[row.site_id] = row.version
            else:
                self.claims[row.resource_id] = row.version


class Memory:
    """What one process remembers of the plan."""

    def __init__(self) -> None:
        self.houses: Versioned[House] = Versioned(1000)
        self.taken: Versioned[Taken] = Versioned(100_000)
        self._seen: WeakKeyDictionary[Transaction, _Seen] = WeakKeyDictionary()

    def seen(self, tx: AsyncConnection) -> _Seen:
        """Return what this transaction has seen; one that writes sees changes of its own."""
        transaction = tx.sync_connection and tx.sync_connection.get_transaction()
        return self._seen.setdefault(transaction, _Seen()) if transaction else _Seen()


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
    kinds: Collection[Kind] = tuple(Kind),
    only: Callable[[Resource], bool] = _all,
) -> Supply:
    """Read the supply of those sites, or of all.

    Of resources that are not of the `kinds`, or not among the `only` ones asked about, nobody
    learns what is taken.
    """
    ids = sorted(site_ids) or [*await tx.scalars(_EVERYWHERE)]
    options = tx.sync_connection.get_execution_options() if tx.sync_connection else {}
    # What a transaction has changed and may still take back must not be remembered.
    keep = not options.get("writes")
    memory: Memory = options.get("memory") or Memory()
    days = horizon if len(ids) > _FEW else _around(horizon, local_date(now))
    plan = _Plan(memory, days, keep=keep)
    known = plan.recalled(ids, kinds, only)
    if not (keep and memory.seen(tx).confirms(known)):
        rows = await difference.rows(tx, known, days, now)
        memory.seen(tx).note(known, rows)
        plan.learn(rows, now)
    busy = {one: claimed.at(now) for one, claimed in plan.taken.items()}
    if days != horizon:
        before, within = (horizon.origin - days.origin) // TICK_SECONDS, mask(0, horizon.ticks)
        busy = {one: ticks >> before & within for one, ticks in busy.items()}
    return Supply(tuple(plan.houses[one] for one in ids if one in plan.houses), busy)


def _around(horizon: Horizon, today: dt.date) -> Horizon:
    """Return the days to be remembered together, or `horizon` where it lies beyond them."""
    kept = days_between(today, today + _DAYS_KEPT)
    return kept if kept.first <= horizon.first and horizon.last <= kept.last else horizon


class _Plan:
    """Some houses and what is taken there: recalled first, and what is new learned then."""

    def __init__(self, memory: Memory, horizon: Horizon, *, keep: bool) -> None:
        self._memory, self._horizon, self._keep = memory, horizon, keep
        self._days = (horizon.first, horizon.last)
        self.houses: dict[int, House] = {}
        self.taken: dict[int, Taken] = {}

    def recalled(
        self, site_ids: Iterable[int], kinds: Collection[Kind], only: Callable[[Resource], bool]
    ) -> Known:
        """Recall what is known of those sites, and return its versions."""
        sites, claims = dict.fromkeys(site_ids, UNKNOWN), {}
        for site_id in sites:
            kept = self._memory.houses.kept(site_id)
            if kept is None:
                continue
            sites[site_id], house = kept
            self.houses[site_id] = house
            for member in house.members:
                if only(member.resource):
                    claims[member.resource.id] = self._recalled_claims(member.resource.id)
        return Known(sites, claims, kinds)

    def _recalled_claims(self, resource_id: int) -> int:
        kept = self._memory.taken.kept((resource_id, self._days))
        if kept is None:
            return UNKNOWN
        version, self.taken[resource_id] = kept
        return version

    def learn(self, rows: Iterable[Any], now: dt.datetime) -> None:
        """Take in what `difference.rows` tells at the instant `now`."""
        sites, members = [], defaultdict[int, list[Member]](list)
        for row in rows:
            if row.resource_id is None:
                sites.append(row)
                continue
            if row.described is not None:
                members[row.site_id].append(_member(row))
            if row.claims is not None or row.added is not None:
                self._learn_claims(row, now)
        for row in sites:
            house = self.houses[row.site_id] = _house(row, members[row.site_id])
            if self._keep:
                self._memory.houses.keep(row.site_id, row.version, house)

    def _learn_claims(self, row: Any, now: dt.datetime) -> None:
        if row.added is not None:
            claimed = self.taken[row.resource_id].and_added(self._horizon, row.added, now)
        elif isinstance(row.claims, str):
            claimed = taken.from_sqlite(self._horizon, row.claims, row.holds)
        else:
            claimed = taken.from_postgresql(self._horizon, row.claims, row.holds)
        self.taken[row.resource_id] = claimed
        if self._keep:
            self._memory.taken.keep((row.resource_id, self._days), row.version, claimed)


def _house(row: Any, members: list[Member]) -> House:
    key, name, address, phone, state, urgent_opens_minute, shares = json.loads(row.described)
    site = Site(row.site_id, key, name, address, phone, state, urgent_opens_minute)
    opening = tuple(
        Pattern(weekday, starts_minute, ends_minute, dt.date.min)
        for weekday, starts_minute, ends_minute in json.loads(row.hours)
    )
    members.sort(key=lambda member: member.resource.id)
    return House(site, opening, _closures(row), tuple(members), Shares.stored(shares))


def _member(row: Any) -> Member:
    kind, name, team_id, setup, back, *words = json.loads(row.described)
    features, skills, languages, ways = map(frozenset, words)
    resource = Resource(
        id=row.resource_id, kind=Kind(kind), site_id=row.site_id, name=name, features=features,
        skills=skills, languages=languages, team_id=team_id, ways=ways, setup_minutes=setup,
        return_minutes=back,
    )  # fmt: skip
    return Member(resource, _patterns(row.hours) if row.hours else (), _closures(row))


def _closures(row: Any) -> tuple[Closure, ...]:
    return tuple(
        Closure(_instant(starts), _instant(ends), tuple(ways))
        for starts, ends, ways in (json.loads(row.closures) if row.closures else ())
    )


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


@lru_cache(maxsize=4096)
def _patterns(written: str) -> tuple[Pattern, ...]:
    return tuple(
        Pattern(
            weekday, starts, ends, dt.date.fromisoformat(first),
            dt.date.fromisoformat(last) if last else None, weeks, tuple(ways), release,
        )
        for weekday, starts, ends, first, last, weeks, ways, release in json.loads(written)
    )  # fmt: skip


_EVERYWHERE = select(schema.site.c.id).order_by(schema.site.c.id)
