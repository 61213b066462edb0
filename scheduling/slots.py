"""When is this possible? The one answer, for the booking page, staff, moves and holds.

A start is possible when a caseworker is free for the consultation and its buffer and, for
everything else that the way needs, one of its kind is free as well: a room where the claimant
comes to, a tablet for video from a branch, an interpreter. Free time is one integer per
resource (`scheduling.grid`), so this is a handful of shifts and joins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import supply
from scheduling.grid import TICK_SECONDS, ZONE, Horizon, days_between, local_date, mask, starts
from scheduling.hours import Release
from scheduling.model import Kind, Needs, Resource, Slot, Topic, TopicWay, Way
from scheduling.supply import House, Member, Supply

STEP_FREE = "step_free"
"""The feature of rooms that can be reached without steps."""

STAFF_HORIZON_DAYS = 365


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """What is looked for, between the days `first` and `last`, both included.

    `site_id` is where the claimant comes to; for video and phone it may stay open.
    `step_minutes` thins the starts for people to choose from (a multiple of 5).
    `for_staff` lifts notice, horizon and release. `ignore_appointment` is the one to be moved.
    """

    topic: Topic
    way: Way
    first: dt.date
    last: dt.date
    site_id: int | None = None
    needs: Needs = field(default_factory=Needs)
    caseworker_id: int | None = None
    ignore_appointment: int | None = None
    without: frozenset[int] = frozenset()
    """Resources that are not to be chosen."""
    step_minutes: int = 15
    for_staff: bool = False

    @property
    def offer(self) -> TopicWay:
        """The topic's terms for the wanted way."""
        return self.topic.ways[self.way]

    @property
    def ticks(self) -> int:
        """How many ticks the claimant gets."""
        return self.offer.minutes * 60 // TICK_SECONDS


@dataclass(frozen=True, slots=True)
class Option:
    """Who and what could take one start."""

    caseworker: Resource
    place_id: int
    """The site at which the appointment is kept."""

    others: tuple[Resource, ...] = ()

    def first(self, *kinds: Kind) -> Resource | None:
        """Return what of those kinds is taken beside the caseworker."""
        return next((one for one in self.others if one.kind in kinds), None)

    @property
    def room(self) -> Resource | None:
        """The room or counter."""
        return self.first(Kind.ROOM, Kind.COUNTER)


Pool = list[tuple[Resource, int]]
"""Alternatives of one kind, each with the ticks at which it could begin."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    caseworker: Resource
    place_id: int
    pools: tuple[Pool, ...]
    bitmap: int
    load: int


async def find(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> list[Slot]:
    """Return every start that can be booked now, in order of time."""
    horizon = _within_terms(query, now)
    possible = 0
    for candidate in await _candidates(tx, horizon, query, now):
        possible |= candidate.bitmap
    possible &= horizon.grid(query.step_minutes)
    length = dt.timedelta(minutes=query.offer.minutes)
    starts_at = [*horizon.instants(possible)]
    return [*map(Slot, starts_at, [start + length for start in starts_at])]


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
    horizon = _within_terms(query, now)
    tick = horizon.tick(start)
    if start.timestamp() % TICK_SECONDS or not 0 <= tick < horizon.ticks:
        return []
    found = [
        candidate
        for candidate in await _candidates(tx, horizon, query, now)
        if candidate.bitmap >> tick & 1
    ]
    found.sort(
        key=lambda one: (
            query.needs.interpreter not in one.caseworker.languages,
            one.load,
            one.caseworker.id,
        )
    )
    return [
        Option(one.caseworker, one.place_id, tuple(_pick(pool, tick) for pool in one.pools))
        for one in found
    ]


async def _candidates(
    tx: AsyncConnection, horizon: Horizon, query: SlotQuery, now: dt.datetime
) -> list[_Candidate]:
    if not horizon.ticks:
        return []
    # An interpreter may sit in any house, and for video from a branch so may the caseworker.
    everywhere = query.way is Way.BRANCH_VIDEO or query.needs.interpreter
    only = () if query.site_id is None or everywhere else (query.site_id,)
    read = await supply.load(
        tx, horizon, now, site_ids=only, ignore_appointment=query.ignore_appointment,
        only=partial(_may_be_needed, query),
    )  # fmt: skip
    return [*_Search(read, horizon, query, _after_notice(horizon, query, now), now).candidates()]


def _may_be_needed(query: SlotQuery, resource: Resource) -> bool:
    """Tell whether a search can do anything with `resource`, so that its claims are read."""
    match resource.kind:
        case Kind.CASEWORKER:
            return _can_advise(query, resource)
        case Kind.INTERPRETER:
            return query.needs.interpreter in resource.languages
        case Kind.ROOM:
            return query.offer.at_site
        case Kind.COUNTER:
            return query.way is Way.IN_PERSON
        case _:
            return query.way is Way.BRANCH_VIDEO


def _can_advise(query: SlotQuery, resource: Resource) -> bool:
    return (
        resource.kind is Kind.CASEWORKER
        and query.topic.skill in resource.skills
        and query.caseworker_id in {None, resource.id}
    )


@dataclass(frozen=True, slots=True)
class _Search:
    supply: Supply
    horizon: Horizon
    query: SlotQuery
    in_time: int
    now: dt.datetime

    def candidates(self) -> Iterator[_Candidate]:
        offer = self.query.offer
        busy_ticks = (offer.minutes + offer.buffer_minutes) * 60 // TICK_SECONDS
        interpreters = self._interpreters()
        interpreted = _any(interpreters)
        for house in filter(self._may_advise, self.supply.houses):
            pools = self._pools(house)
            equipped = self.in_time
            for pool in pools:
                equipped &= _any(pool)
            for member in house.members if equipped else ():
                if not _can_advise(self.query, member.resource):
                    continue
                needed, bitmap = pools, equipped
                if interpreters and self.query.needs.interpreter not in member.resource.languages:
                    needed = (*pools, interpreters)
                    bitmap &= interpreted
                bitmap &= starts(self._free(house, member), busy_ticks)
                if bitmap:
                    place = self._place(house)
                    load = self.supply.busy.get(member.resource.id, 0).bit_count()
                    yield _Candidate(member.resource, place, needed, bitmap, load)

    def _place(self, house: House) -> int:
        if self.query.way is Way.BRANCH_VIDEO and self.query.site_id is not None:
            return self.query.site_id
        return house.site.id

    def _may_advise(self, house: House) -> bool:
        wanted = self.query.site_id
        return wanted in {None, house.site.id} or self.query.way is Way.BRANCH_VIDEO

    def _pools(self, house: House) -> tuple[Pool, ...]:
        if self.query.way is Way.IN_PERSON:
            return (self._pool(house, Kind.ROOM, Kind.COUNTER),)
        if self.query.way is Way.BRANCH_VIDEO:
            there = next(
                (one for one in self.supply.houses if one.site.id == self.query.site_id), None
            )
            if there is None:
                return ([],)
            return (self._pool(there, Kind.ROOM), self._pool(there, Kind.TABLET))
        return ()

    def _pool(self, house: House, *kinds: Kind) -> Pool:
        step_free = self.query.needs.step_free and Kind.ROOM in kinds
        return [
            (member.resource, self._starts(house, member))
            for member in house.members
            if member.resource.kind in kinds
            and (not step_free or STEP_FREE in member.resource.features)
        ]

    def _interpreters(self) -> Pool:
        """Return interpreters of the asked language; none at all means the office has none."""
        language = self.query.needs.interpreter
        return [
            (member.resource, self._starts(house, member))
            for house in (self.supply.houses if language else ())
            for member in house.members
            if member.resource.kind is Kind.INTERPRETER and language in member.resource.languages
        ]

    def _starts(self, house: House, member: Member) -> int:
        before = member.resource.setup_minutes * 60 // TICK_SECONDS
        after = member.resource.return_minutes * 60 // TICK_SECONDS
        free = starts(self._free(house, member), before + self.query.ticks + after)
        return free << before

    def _free(self, house: House, member: Member) -> int:
        if member.resource.id in self.query.without:
            return 0

        if not member.patterns:
            releases: tuple[Release, ...] = (Release.ONLINE,)
        elif self.query.for_staff:
            releases = tuple(Release)
        else:
            releases = (Release.ONLINE, Release.URGENT)
        worked = 0
        for release in releases:
            kept = house.hours(member, self.horizon, self.query.way, release)
            if kept and release is Release.URGENT and not self._for_urgent:
                kept &= self._urgent_open(house)
            worked |= kept
        return worked & ~self.supply.busy.get(member.resource.id, 0)

    @property
    def _for_urgent(self) -> bool:
        return self.query.for_staff or self.query.topic.urgent

    def _urgent_open(self, house: House) -> int:
        """Return today's ticks once the urgent reserve is open to everybody."""
        local = self.now.astimezone(ZONE)
        if not self.horizon.first <= local.date() <= self.horizon.last:
            return 0
        if local.hour * 60 + local.minute < house.site.urgent_opens_minute:
            return 0
        return self.horizon.wall_clock(local.date(), 0, 1440)


def _any(pool: Pool) -> int:
    bitmap = 0
    for _, possible in pool:
        bitmap |= possible
    return bitmap


def _pick(pool: Pool, tick: int) -> Resource:
    free = [resource for resource, possible in pool if possible >> tick & 1]
    # What has special features (a step-free room) is kept for those who need it as long as
    # something else is free.
    return min(free, key=lambda resource: (len(resource.features), resource.id))


def _within_terms(query: SlotQuery, now: dt.datetime) -> Horizon:
    today = local_date(now)
    earliest, furthest = query.offer.earliest_day, query.offer.horizon_days
    if query.for_staff:
        earliest, furthest = 0, STAFF_HORIZON_DAYS
    return days_between(
        max(query.first, today + dt.timedelta(days=earliest)),
        min(query.last, today + dt.timedelta(days=furthest)),
    )


def _after_notice(horizon: Horizon, query: SlotQuery, now: dt.datetime) -> int:
    # Where booking opens days ahead, the notice must not push into the first of them:
    # whoever books before midnight gets the next morning.
    lifted = query.for_staff or query.offer.earliest_day
    notice = 0 if lifted else query.offer.notice_minutes
    earliest = now + dt.timedelta(minutes=notice, seconds=TICK_SECONDS - 1)
    return mask(max(0, horizon.tick(earliest)), horizon.ticks)
