"""A plan that is too simple to be wrong: lists, minutes, and a look at everything each time.

It says what must be booked, what must be possible and what must be refused. Nothing of it is
shared with the code it judges except the words of `scheduling.model` and of group sessions.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from scheduling.model import (
    NO_CAMERA,
    Appointment,
    Change,
    Hold,
    Needs,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms

BERLIN = ZoneInfo("Europe/Berlin")
FIVE = dt.timedelta(minutes=5)
AT_HOME = {Way.VIDEO, Way.PHONE}
ON_CAMERA = {Way.VIDEO, Way.BRANCH_VIDEO}


@dataclass(frozen=True)
class Thing:
    """A resource. `hours` are ``(from minute, to minute, release)``, the same every weekday."""

    id: int
    kind: str
    site_id: int
    name: str
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    hours: tuple[tuple[int, int, str], ...] = ()
    features: frozenset[str] = frozenset()
    setup: int = 0
    back: int = 0
    ways: frozenset[Way] = frozenset(Way)


@dataclass(frozen=True)
class World:
    """What the office has. `opening` are minutes by site; a site not named is always open."""

    topics: tuple[Topic, ...]
    sites: tuple[int, ...]
    things: Mapping[int, Thing]
    opening: Mapping[int, tuple[int, int]]

    def of(self, *kinds: str) -> list[Thing]:
        """Return the things of those kinds."""
        return [one for one in self.things.values() if one.kind in kinds]


@dataclass(frozen=True)
class Wish:
    """What somebody asks for; a named `keeper` is the one caseworker who will do."""

    topic: Topic
    way: Way
    start: dt.datetime
    site_id: int | None = None
    keeper: int | None = None
    needs: Needs = field(default_factory=Needs)
    staff: bool = True
    without: frozenset[int] = frozenset()

    @property
    def features(self) -> frozenset[str]:
        """What a room must have for it."""
        return self.needs.features | self.topic.ways[self.way].features

    @property
    def span(self) -> Span:
        """What the claimant gets."""
        length = dt.timedelta(minutes=self.topic.ways[self.way].minutes)
        return Span(self.start, self.start + length)


@dataclass
class Kept:
    """A hold as the model knows it, until it is confirmed, given back or forgotten."""

    token: str
    hold: Hold
    topic: Topic
    needs: Needs


@dataclass
class Waiting:
    """Somebody who waits for an earlier slot, and what they were offered."""

    offer: Kept | None = None
    declined: set[dt.datetime] = field(default_factory=set)


@dataclass(frozen=True)
class Shut:
    """A closure of a site or a thing."""

    id: int
    span: Span
    site_id: int | None
    thing_id: int | None
    ways: frozenset[Way]

    def hits(self, thing: Thing, span: Span, way: Way) -> bool:
        """Tell whether `thing` cannot be had then."""
        named = thing.id == self.thing_id or thing.site_id == self.site_id
        return named and span.overlaps(self.span) and (not self.ways or way in self.ways)


class Plan:
    """Everything that should be true of the store."""

    def __init__(self, world: World, now: dt.datetime) -> None:
        self.world = world
        self.now = now
        self.appointments: dict[int, Appointment] = {}
        self.told: dict[int, list[Change]] = {}
        self.holds: dict[str, Kept] = {}
        self.confirmed: dict[str, int] = {}
        self.waiting: dict[int, Waiting] = {}
        self.shut: dict[int, Shut] = {}
        self.loans: dict[int, dt.datetime] = {}
        self.sessions: dict[int, GroupSession] = {}

    def claims_of_terms(self, topic: Topic, terms: GroupSession | Terms) -> dict[int, Span]:
        """Return what a group session takes, or would take, by resource."""
        after = dt.timedelta(minutes=topic.ways[terms.way].buffer_minutes)
        taken = {terms.caseworker.id: Span(terms.span.start, terms.span.end + after)}
        for one in (terms.room, terms.camera):
            if one is not None:
                taken[one.id] = _with_way(self.world.things[one.id], terms.span)
        return taken

    def cameras(
        self, terms: GroupSession | Terms, own: GroupSession | None, without: Iterable[int] = ()
    ) -> list[int] | None:
        """Return the cameras that a session could have; None where it needs none."""
        leader = self.world.things[terms.caseworker.id]
        if not _borrows(leader, terms.way):
            return None
        taken = self.taken(own)
        return [
            one.id
            for one in self.world.of("camera")
            if one.site_id == leader.site_id
            and one.id not in without
            and not any(shut.hits(one, terms.span, terms.way) for shut in self.shut.values())
            and not any(
                other == one.id and span.overlaps(_with_way(one, terms.span))
                for other, span in taken
            )
        ]

    def claims_of(self, subject: Appointment | Kept | GroupSession) -> dict[int, Span]:
        """Return what an appointment, a hold or a session takes, by resource."""
        if isinstance(subject, GroupSession):
            return self.claims_of_terms(subject.topic, subject)
        if isinstance(subject, Appointment) and subject.session_id is not None:
            return {}  # Its session has claimed what is needed.
        if isinstance(subject, Kept):
            held = subject.hold
            span, way, topic, keeper = held.span, held.way, subject.topic, held.caseworker.id
            others = [held.room_id, held.tablet_id, held.camera_id, held.interpreter_id]
        else:
            span, way, topic, keeper = (
                subject.span, subject.way, subject.topic, subject.caseworker.id,
            )  # fmt: skip
            things = (subject.room, subject.tablet, subject.camera, subject.interpreter)
            others = [one.id if one else None for one in things]
        after = dt.timedelta(minutes=topic.ways[way].buffer_minutes)
        taken = {keeper: Span(span.start, span.end + after)}
        for one in others:
            if one is not None:
                taken[one] = _with_way(self.world.things[one], span)
        return taken

    def alive(self) -> Iterator[Kept]:
        """Yield every hold that nobody else may take yet."""
        offers = (one.offer for one in self.waiting.values() if one.offer)
        for kept in itertools.chain(self.holds.values(), offers):
            if kept.hold.expires_at > self.now and kept.token not in self.confirmed:
                yield kept

    def taken(self, ignoring: object = None) -> list[tuple[int, Span]]:
        """Return all claims that count, but not those of `ignoring`."""
        everything = (*self.appointments.values(), *self.sessions.values())
        booked = (one for one in everything if one.status is not Status.CANCELLED)
        owners = [one for one in (*booked, *self.alive()) if one is not ignoring]
        return [claim for owner in owners for claim in self.claims_of(owner).items()]

    def keepers(self, wish: Wish, ignoring: object = None) -> list[int]:
        """Return the caseworkers who could take the wish; none means it is impossible."""
        terms = wish.topic.ways[wish.way]
        notice = 0 if wish.staff or terms.earliest_day else terms.notice_minutes
        first = 0 if wish.staff else terms.earliest_day
        today = self.now.astimezone(BERLIN).date()
        day = wish.start.astimezone(BERLIN).date()
        if wish.start < self.now + dt.timedelta(minutes=notice) or (day - today).days < first:
            return []
        taken = self.taken(ignoring)
        return [
            one.id
            for one in self.world.of("caseworker")
            if wish.topic.skill in one.skills
            and wish.keeper in {None, one.id}
            and (wish.way is Way.BRANCH_VIDEO or wish.site_id in {None, one.site_id})
            and self._equipped(wish, one, taken)
        ]

    def unclaimed(self, kept: Kept) -> bool:
        """Tell whether nobody else has what a hold had."""
        return not any(
            one == other and span.overlaps(theirs)
            for one, span in self.claims_of(kept).items()
            for other, theirs in self.taken(kept)
        )

    def wish_for(
        self,
        before: Appointment,
        *,
        start: dt.datetime | None = None,
        way: Way | None = None,
        site_id: int | None = None,
        keeper: int | None = None,
    ) -> Wish:
        """Say what is asked for when an appointment is to be changed: whatever is named."""
        way = way or before.way
        if site_id is None and before.topic.ways[way].at_site:
            site_id = before.site.id
        return Wish(before.topic, way, start or before.span.start, site_id, keeper, before.needs)

    def earlier(
        self, appointment: Appointment, starts: Iterable[dt.datetime]
    ) -> dt.datetime | None:
        """Return the first of the `starts` that could be offered to somebody who waits."""
        declined = self.waiting[appointment.id].declined
        for start in starts:
            wish = replace(self.wish_for(appointment, start=start), staff=False)
            if (
                wish.span.end <= appointment.span.start
                and start not in declined
                and self.keepers(wish)
            ):
                return start
        return None

    def _equipped(self, wish: Wish, keeper: Thing, taken: list[tuple[int, Span]]) -> bool:
        buffer = dt.timedelta(minutes=wish.topic.ways[wish.way].buffer_minutes)
        if not self._free(wish, keeper, Span(wish.start, wish.span.end + buffer), taken):
            return False
        for kinds, place in self._needed(wish, keeper):
            if not any(
                self._free(wish, one, _with_way(one, wish.span), taken)
                for one in self.world.of(*kinds)
                if place in {None, one.site_id}
                and (one.kind != "interpreter" or wish.needs.interpreter in one.languages)
                and ("room" not in kinds or wish.features <= one.features)
            ):
                return False
        return True

    def _needed(self, wish: Wish, keeper: Thing) -> Iterator[tuple[tuple[str, ...], int | None]]:
        """Yield kinds and the site at which one of them is needed (None: at any)."""
        if wish.way is Way.IN_PERSON:
            yield ("room", "counter"), keeper.site_id
        if wish.way is Way.BRANCH_VIDEO:
            yield ("room",), wish.site_id
            yield ("tablet",), wish.site_id
        if _borrows(keeper, wish.way):
            yield ("camera",), keeper.site_id
        if wish.needs.interpreter and wish.needs.interpreter not in keeper.languages:
            yield ("interpreter",), None

    def _free(self, wish: Wish, thing: Thing, span: Span, taken: list[tuple[int, Span]]) -> bool:
        return (
            thing.id not in wish.without
            and wish.way in thing.ways
            and all(self._at_work(wish, thing, five) for five in _fives(span))
            and not any(one.hits(thing, span, wish.way) for one in self.shut.values())
            and not any(one == thing.id and other.overlaps(span) for one, other in taken)
        )

    def _at_work(self, wish: Wish, thing: Thing, instant: dt.datetime) -> bool:
        local = instant.astimezone(BERLIN)
        minute = local.hour * 60 + local.minute
        at_home = thing.hours and wish.way in AT_HOME
        opens, closes = self.world.opening.get(thing.site_id, (0, 1440))
        if not (at_home or opens <= minute < closes):
            return False
        if thing.kind not in {"caseworker", "interpreter"}:
            return True
        return local.weekday() < 5 and any(
            first <= minute < last and (wish.staff or release == "online")
            for first, last, release in thing.hours
        )

    def affected(self, shut: Shut | None = None) -> set[int]:
        """Return the booked appointments that a closure, or any, makes impossible."""
        closures = [shut] if shut else [*self.shut.values()]
        return {
            one.id
            for one in self.appointments.values()
            if one.status is Status.BOOKED and one.span.end > self.now
            for thing_id in self.claims_of(one)
            for closure in closures
            if closure.span.end > self.now or shut
            if closure.hits(self.world.things[thing_id], one.span, one.way)
        }


def _borrows(keeper: Thing, way: Way) -> bool:
    return way in ON_CAMERA and NO_CAMERA in keeper.features


def _with_way(thing: Thing, span: Span) -> Span:
    return Span(
        span.start - dt.timedelta(minutes=thing.setup), span.end + dt.timedelta(minutes=thing.back)
    )


def _fives(span: Span) -> Iterator[dt.datetime]:
    instant = span.start
    while instant < span.end:
        yield instant
        instant += FIVE
