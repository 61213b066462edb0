"""What a topic or a site asks for that the office, as it stands, cannot give.

Doubts are said and never refused: an office is built up piece by piece.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.model import Feature, Kind, Resource, Site, Topic, TopicWay, Way

_AT_SITE = (Way.IN_PERSON, Way.BRANCH_VIDEO)


class Problem(enum.StrEnum):
    """What is missing."""

    NO_WAY = "no_way"
    NO_SKILL = "no_skill"
    NOBODY_THIS_WAY = "nobody_this_way"
    TOO_LONG = "too_long"
    NO_ROOM = "no_room"
    UNSUITABLE = "unsuitable"
    """No room has all that a way of the topic always needs."""
    NO_FEATURE = "no_feature"
    """No room has what somebody may need."""
    NO_TABLET = "no_tablet"
    NO_BRANCH = "no_branch"
    NOBODY = "nobody"
    OUTSIDE_OPENING = "outside_opening"
    NO_CAMERA = "no_camera"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A problem, where it is about one: with its way and site, and the people or minutes.

    `features` are what is missing; what somebody may need of a room stands once for all sites of a
    topic, with their names.
    """

    problem: Problem
    way: Way | None = None
    site: Site | None = None
    names: tuple[str, ...] = ()
    minutes: int = 0
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """A working pattern, as far as doubts ask: minutes after midnight; no `ways` means all."""

    weekday: int
    starts_minute: int
    ends_minute: int
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Office:
    """Everybody and everything that is in use, with the hours that hold today or later."""

    sites: tuple[Site, ...]
    opening: Mapping[int, tuple[tuple[int, int, int], ...]]
    """By site id; an empty one means always open."""
    resources: tuple[Resource, ...]
    hours: Mapping[int, tuple[Hours, ...]]

    def at(self, site: Site, *kinds: Kind) -> list[Resource]:
        """Return what of those kinds is at a site."""
        return [one for one in self.resources if one.site_id == site.id and one.kind in kinds]

    def skilled(self, skill: str) -> list[Resource]:
        """Return the caseworkers with a skill."""
        return [
            one for one in self.resources if one.kind is Kind.CASEWORKER and skill in one.skills
        ]

    def equips(self, person: Resource, way: Way) -> bool:
        """Tell whether a caseworker has a camera of their own, or their site has any to lend."""
        return not person.borrows_camera(way) or any(
            one.kind is Kind.CAMERA and one.site_id == person.site_id for one in self.resources
        )

    def longest(self, person: Resource, way: Way) -> int:
        """Return the minutes of the longest time without a break that a person offers a way."""
        if person.ways and way not in person.ways:
            return 0
        offered = sorted(
            (one.weekday, one.starts_minute, one.ends_minute)
            for one in self.hours.get(person.id, ())
            if not one.ways or way in one.ways
        )
        runs = [
            run
            for _, day in groupby(offered, key=lambda one: one[0])
            for run in _joined((start, end) for _, start, end in day)
        ]
        return max((end - start for start, end in runs), default=0)


async def read(tx: AsyncConnection, today: dt.date) -> Office:
    """Read the office."""
    row, house = schema.working_pattern.c, schema.site.c
    rows = await tx.execute(
        select(schema.working_pattern).where(
            or_(row.valid_until.is_(None), row.valid_until >= today)
        )
    )
    hours: dict[int, list[Hours]] = {}
    for one in rows:
        hours.setdefault(one.resource_id, []).append(
            Hours(one.weekday, one.starts_minute, one.ends_minute, tuple(one.ways))
        )
    opening = await tx.execute(select(house.id, house.opening))
    return Office(
        tuple(await catalog.sites(tx)),
        {site_id: tuple((d, s, e) for d, s, e in weekly) for site_id, weekly in opening},
        tuple(await catalog.resources(tx)),
        {one: tuple(found) for one, found in hours.items()},
    )


def of_topic(office: Office, topic: Topic) -> Iterator[Doubt]:
    """Yield what the office lacks for a topic."""
    if not topic.ways:
        yield Doubt(Problem.NO_WAY)
        return
    skilled = office.skilled(topic.skill)
    if not skilled:
        yield Doubt(Problem.NO_SKILL)
        return
    sites: dict[tuple[str, ...], dict[str, None]] = {}
    for way, terms in topic.ways.items():
        found = [*_of_way(office, skilled, terms)]
        if way is Way.BRANCH_VIDEO:
            found += _of_branches(office, terms)
        for one in found:
            if one.problem is Problem.NO_FEATURE and one.site:
                sites.setdefault(one.features, {})[one.site.name] = None
            else:
                yield one
    for features, names in sites.items():
        yield Doubt(Problem.NO_FEATURE, names=(*names,), features=features)


def of_site(office: Office, site: Site, topics: list[Topic]) -> Iterator[Doubt]:
    """Yield what a site lacks for what the office offers."""
    offered = {way for topic in topics for way in topic.ways}
    people = office.at(site, Kind.CASEWORKER)
    if not people:
        yield Doubt(Problem.NOBODY, site=site)
    in_person = Way.IN_PERSON in offered and any(
        office.longest(one, Way.IN_PERSON) for one in people
    )
    rooms = office.at(site, Kind.ROOM, Kind.COUNTER)
    if in_person and not rooms:
        yield Doubt(Problem.NO_ROOM, Way.IN_PERSON, site)
    yield from _of_features(rooms, None, site)
    if (
        Way.BRANCH_VIDEO in offered
        and office.at(site, Kind.ROOM)
        and not office.at(site, Kind.TABLET)
    ):
        yield Doubt(Problem.NO_TABLET, Way.BRANCH_VIDEO, site)
    outside = tuple(one.name for one in people if _works_while_closed(office, site, one))
    if outside:
        yield Doubt(Problem.OUTSIDE_OPENING, site=site, names=outside)
    unseen = tuple(_unseen(office, people, offered))
    if unseen:
        yield Doubt(Problem.NO_CAMERA, Way.VIDEO, site, names=unseen)


def _unseen(office: Office, people: list[Resource], offered: set[Way]) -> Iterator[str]:
    """Yield who offers a way that needs a camera where there is none."""
    for one in people:
        if any(office.longest(one, way) and not office.equips(one, way) for way in offered):
            yield one.name


def _of_way(office: Office, skilled: list[Resource], terms: TopicWay) -> Iterator[Doubt]:
    seen = [one for one in skilled if office.equips(one, terms.way)]
    longest = max((office.longest(one, terms.way) for one in seen), default=0)
    needed = terms.minutes + terms.buffer_minutes
    if not longest:
        yield Doubt(Problem.NOBODY_THIS_WAY, terms.way)
        return
    if needed > longest:
        yield Doubt(Problem.TOO_LONG, terms.way, minutes=longest)
    if terms.way is Way.IN_PERSON:
        for site in office.sites:
            if any(one.site_id == site.id and office.longest(one, terms.way) for one in skilled):
                yield from _of_rooms(office, site, terms)


def _of_rooms(office: Office, site: Site, terms: TopicWay) -> Iterator[Doubt]:
    rooms = office.at(site, Kind.ROOM, Kind.COUNTER)
    if not rooms:
        yield Doubt(Problem.NO_ROOM, Way.IN_PERSON, site)
    yield from _of_features(rooms, terms, site)


def _of_features(rooms: list[Resource], terms: TopicWay | None, site: Site) -> Iterator[Doubt]:
    """Yield what no room has: all that is always needed, or else what somebody may need."""
    always = terms.features if terms else frozenset()
    way = terms.way if terms else None
    suitable = [room for room in rooms if always <= room.features]
    if rooms and not suitable:
        yield Doubt(Problem.UNSUITABLE, way, site, features=(*sorted(always),))
    for feature in Feature if suitable else ():
        if not any(feature in room.features for room in suitable):
            yield Doubt(Problem.NO_FEATURE, way, site, features=(feature,))


def _of_branches(office: Office, terms: TopicWay) -> Iterator[Doubt]:
    with_rooms = [site for site in office.sites if office.at(site, Kind.ROOM)]
    branches = [site for site in with_rooms if office.at(site, Kind.TABLET)]
    if not branches:
        yield Doubt(Problem.NO_BRANCH, Way.BRANCH_VIDEO)
        return
    for site in with_rooms:
        if site not in branches:
            yield Doubt(Problem.NO_TABLET, Way.BRANCH_VIDEO, site)
    for site in branches:
        yield from _of_features(office.at(site, Kind.ROOM), terms, site)


def _works_while_closed(office: Office, site: Site, person: Resource) -> bool:
    opening = office.opening.get(site.id, ())
    if not opening:
        return False
    return any(
        not any(start <= one.starts_minute and one.ends_minute <= end for start, end in runs)
        for one in office.hours.get(person.id, ())
        if any(way in (one.ways or _AT_SITE) for way in _AT_SITE)
        for runs in [_joined((start, end) for day, start, end in opening if day == one.weekday)]
    )


def _joined(spans: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans with those that touch or overlap made one."""
    runs: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if runs and start <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return runs
