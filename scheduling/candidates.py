"""Who could take which start: caseworkers, each with the alternatives of all else that is needed.

Free time is one integer per resource (`scheduling.grid`), so this is a handful of shifts and
joins for each of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from scheduling.enquiry import SlotQuery
from scheduling.grid import TICK_SECONDS, ZONE, Horizon, starts
from scheduling.hours import Release
from scheduling.house import House, Member
from scheduling.model import SEEN, Kind, Resource, Way
from scheduling.supply import Supply

Pool = list[tuple[Resource, int]]
"""Alternatives of one kind, each with the ticks at which it could begin."""

Window = tuple[int, Mapping[int, int]]
"""Ticks, and the hours of each resource that count within them."""


class Candidate(NamedTuple):
    """A caseworker with the ticks at which a consultation could begin, claims of `load` ticks."""

    caseworker: Resource
    place_id: int
    pools: tuple[Pool, ...]
    bitmap: int
    load: int


def kinds_needed(query: SlotQuery) -> frozenset[Kind]:
    """Return which kinds of resources a search can do anything with."""
    kinds = {Kind.CASEWORKER}
    if query.needs.interpreter:
        kinds.add(Kind.INTERPRETER)
    if query.offer.at_site:
        kinds.add(Kind.ROOM)
    if query.way is Way.IN_PERSON:
        kinds.add(Kind.COUNTER)
    if query.way is Way.BRANCH_VIDEO:
        kinds.add(Kind.TABLET)
    if query.way in SEEN:
        kinds.add(Kind.CAMERA)
    return frozenset(kinds)


def may_be_needed(query: SlotQuery, kinds: Container[Kind], resource: Resource) -> bool:
    """Tell whether a search, which needs those `kinds`, can do anything with `resource`."""
    match resource.kind:
        case Kind.CASEWORKER:
            return can_advise(query, resource) or resource.id in query.with_people
        case Kind.INTERPRETER:
            return query.needs.interpreter in resource.languages
        case kind:
            return kind in kinds


def can_advise(query: SlotQuery, resource: Resource) -> bool:
    """Tell whether `resource` is a caseworker who may be the one that advises."""
    return (
        resource.kind is Kind.CASEWORKER
        and resource.id not in query.with_people
        and query.topic.skill in resource.skills
        and query.caseworker_id in {None, resource.id}
    )


@dataclass(frozen=True, slots=True)
class Search:
    """One search through what was read."""

    supply: Supply
    horizon: Horizon
    query: SlotQuery
    in_time: int
    now: dt.datetime
    _windows: dict[int, list[Window]] = field(default_factory=dict)

    def candidates(self) -> Iterator[Candidate]:
        """Yield every caseworker who could take some start, with what they need beside them."""
        interpreters = self._interpreters()
        interpreted, busy_ticks = _any(interpreters), self.query.busy_ticks
        for house in filter(self._may_advise, self.supply.houses):
            pools = (*self._pools(house), *self._colleagues(house))
            place = self._place(house)
            equipped = self.in_time
            cameras: Pool | None = None
            for pool in pools:
                equipped &= _any(pool)
            for member in house.members if equipped else ():
                if not can_advise(self.query, member.resource):
                    continue
                needed, bitmap = pools, equipped
                if member.resource.borrows_camera(self.query.way):
                    if cameras is None:
                        cameras = self._pool(house, Kind.CAMERA)
                    needed = (*needed, cameras)
                    bitmap &= _any(cameras)
                if interpreters and self.query.needs.interpreter not in member.resource.languages:
                    needed = (*needed, interpreters)
                    bitmap &= interpreted
                bitmap &= starts(self._free(house, member), busy_ticks)
                if bitmap:
                    load = self.supply.busy.get(member.resource.id, 0).bit_count()
                    yield Candidate(member.resource, place, needed, bitmap, load)

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
        wanted = self.query.features if Kind.ROOM in kinds else frozenset()
        return [
            (member.resource, self._starts(house, member))
            for member in house.members
            if member.resource.kind in kinds and wanted <= member.resource.features
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

    def _colleagues(self, place: House) -> Iterator[Pool]:
        """Yield who else takes part, each as an alternative of their own.

        A visit is received by people of the same house. Which hours a colleague keeps for whom
        does not matter: that is the caseworker's.
        """
        members = {
            member.resource.id: (house, member)
            for house in (self.supply.houses if self.query.with_people else ())
            for member in house.members
        }
        for resource_id in self.query.with_people:
            house, member = members.get(resource_id, (None, None))
            if (
                house is None
                or member is None
                or (self.query.way is Way.IN_PERSON and house is not place)
            ):
                yield []
                continue
            free = self._free(house, member, [(-1, self._hours(house, one)) for one in Release])
            colleague = replace(member.resource, return_minutes=self.query.offer.buffer_minutes)
            yield [(colleague, starts(free, self.query.busy_ticks))]

    def _starts(self, house: House, member: Member) -> int:
        before = member.resource.setup_minutes * 60 // TICK_SECONDS
        after = member.resource.return_minutes * 60 // TICK_SECONDS
        free = starts(self._free(house, member), before + self.query.ticks + after)
        return free << before

    def _free(self, house: House, member: Member, windows: list[Window] | None = None) -> int:
        resource_id = member.resource.id
        if resource_id in self.query.without:
            return 0
        worked = 0
        for within, hours in windows or self._windows_of(house):
            worked |= within & hours[resource_id]
        return worked & ~self.supply.busy.get(resource_id, 0)

    def _windows_of(self, house: House) -> list[Window]:
        """Return which hours count for whoever asks, and at which ticks."""
        known = self._windows.get(house.site.id)
        if known is None:
            urgent = -1 if self._may_be_urgent else self._urgent_open(house)
            within = {Release.ONLINE: -1, Release.URGENT: urgent}
            if self.query.for_staff:
                within = dict.fromkeys(Release, -1)
            known = self._windows[house.site.id] = [
                (ticks, self._hours(house, release)) for release, ticks in within.items() if ticks
            ]
        return known

    def _hours(self, house: House, release: Release) -> Mapping[int, int]:
        return house.all_hours(self.horizon, self.query.way, release)

    @property
    def _may_be_urgent(self) -> bool:
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


def pick(pool: Pool, tick: int, turn: int, keeps: frozenset[int] = frozenset()) -> Resource:
    """Return the one of the `pool` that is taken at `tick`; of equals, which one's turn it is.

    One of `keeps` comes before all others.
    """
    free = [resource for resource, possible in pool if possible >> tick & 1]
    # What has special features (a step-free room) is kept for those who need it as long as
    # something else is free.
    return min(
        free,
        key=lambda one: (one.id not in keeps, len(one.features), one.id ^ turn),
    )
