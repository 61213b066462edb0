"""The words of the plan: ways, topics, sites, people, slots, holds and appointments.

Everything here is plain data. Instants are aware datetimes; lengths of time are minutes.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Text = Mapping[str, str]
"""A text by language, e.g. ``{"de": "...", "en": "..."}``; German is always there."""


class Way(enum.StrEnum):
    """How a consultation takes place."""

    IN_PERSON = "in_person"
    VIDEO = "video"
    BRANCH_VIDEO = "branch_video"
    PHONE = "phone"


SEEN = frozenset({Way.VIDEO, Way.BRANCH_VIDEO})
"""The ways in which the caseworker sits before a camera."""


class Kind(enum.StrEnum):
    """What a resource is."""

    CASEWORKER = "caseworker"
    ROOM = "room"
    COUNTER = "counter"
    TABLET = "tablet"
    CAMERA = "camera"
    INTERPRETER = "interpreter"


class Feature(enum.StrEnum):
    """What somebody can need of a room. Rooms can have more, and topics can ask for that."""

    STEP_FREE = "step_free"
    HEARING_LOOP = "hearing_loop"


NO_CAMERA = "no_camera"
"""The feature of a caseworker who has no camera of their own."""


class Status(enum.StrEnum):
    """Where an appointment stands."""

    BOOKED = "booked"
    CANCELLED = "cancelled"
    ENDED = "ended"


class Outcome(enum.StrEnum):
    """What the office notes of an appointment whose time has come."""

    HELD = "held"
    MISSED = "missed"
    FAILED = "failed"
    """The connection failed: nobody is to blame, and it is no missed appointment."""


class Part(enum.StrEnum):
    """What the holder of a link is in an appointment."""

    CLAIMANT = "claimant"
    COMPANION = "companion"
    INTERPRETER = "interpreter"


class Change(enum.StrEnum):
    """What happened to an appointment, as its history and its letters call it."""

    BOOKED = "booked"
    MOVED = "moved"
    SHIFTED = "shifted"
    REASSIGNED = "reassigned"
    CANCELLED = "cancelled"
    LINK_ADDED = "link_added"
    COLLEAGUE_JOINED = "colleague_joined"
    COLLEAGUE_LEFT = "colleague_left"
    MARKED = "marked"
    ENDED = "ended"
    DELETED = "deleted"


class PlanError(Exception):
    """The plan refuses what was asked."""


class SlotTaken(PlanError):
    """Somebody else has the slot, or it is no longer offered."""


class NeedUnmet(PlanError):
    """The slot is free, but not with what the claimant needs (such as a step-free room)."""


class NotFound(PlanError):
    """There is no such thing, or it is not for the asker; the two are not told apart."""


class HoldExpired(PlanError):
    """The ten minutes are over and the slot has been released; `hold` says which one."""

    def __init__(self, hold: Hold) -> None:
        super().__init__()
        self.hold = hold


class Closed(PlanError):
    """The appointment is cancelled or over and cannot be changed any more."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open time ``[start, end)`` between two aware datetimes."""

    start: dt.datetime
    end: dt.datetime

    def overlaps(self, other: Span) -> bool:
        """Tell whether the two share any instant."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class TopicWay:
    """How a topic is advised on in one way.

    `minutes` is what the claimant gets, `buffer_minutes` follows for the caseworker.
    `earliest_day` counts days from today (1 = tomorrow, bookable until midnight);
    `notice_minutes` holds on the same day. `horizon_days` ends the search.
    """

    way: Way
    minutes: int
    buffer_minutes: int = 5
    notice_minutes: int = 60
    earliest_day: int = 0
    horizon_days: int = 28
    offered: bool = True
    """False once the way is withdrawn; what was booked in it before stays valid."""
    features: frozenset[str] = frozenset()
    """What the room must have, whoever comes."""

    @property
    def at_site(self) -> bool:
        """Whether the claimant comes to a house of the office, so that a room is claimed."""
        return self.way in {Way.IN_PERSON, Way.BRANCH_VIDEO}


class Offers(Mapping[Way, TopicWay]):
    """The ways in which a topic is offered, with their terms.

    Withdrawn ways are not among them, but their terms are still found by ``offers[way]``:
    earlier appointments stand under them.
    """

    def __init__(self, terms: Mapping[Way, TopicWay]) -> None:
        self._terms = {**terms}

    def __getitem__(self, way: Way) -> TopicWay:
        """Return the terms of `way`, offered or withdrawn."""
        return self._terms[way]

    def __iter__(self) -> Iterator[Way]:
        """Yield the ways that are offered."""
        return (way for way, terms in self._terms.items() if terms.offered)

    def __len__(self) -> int:
        """Return how many ways are offered."""
        return sum(1 for _ in self)

    def __contains__(self, way: object) -> bool:
        """Tell whether `way` is offered."""
        return any(one == way for one in self)


@dataclass(frozen=True, slots=True)
class Topic:
    """A reason to come, in plain words, with its official name."""

    id: int
    key: str
    title: Text
    official_name: Text
    explanation: Text
    bring: Text
    skill: str
    ways: Mapping[Way, TopicWay]
    audience: str = "public"
    """Who may book: ``public``, ``invited`` or ``staff``."""
    urgent: bool = False
    """Whether the urgent reserve is open to it from the start."""
    in_groups: bool = False
    """Whether it is advised on in group sessions, never one by one."""


@dataclass(frozen=True, slots=True)
class Site:
    """A house of the office. `state` is the ISO 3166-2:DE code whose holidays hold."""

    id: int
    key: str
    name: str
    address: str
    phone: str
    state: str
    urgent_opens_minute: int = 0
    """When the day's urgent reserve opens to everybody, in minutes after midnight."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Somebody or something that a claim takes: a caseworker, room, counter or device."""

    id: int
    kind: Kind
    site_id: int
    name: str
    features: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    team_id: int | None = None
    ways: frozenset[str] = frozenset()
    """The ways a caseworker offers; none named means all."""
    setup_minutes: int = 0
    return_minutes: int = 0
    """How long a device is on its way before and after it is used."""

    def borrows_camera(self, way: Way) -> bool:
        """Tell whether whoever advises needs a camera of their site's pool in that way."""
        return way in SEEN and NO_CAMERA in self.features


@dataclass(frozen=True, slots=True)
class Needs:
    """What travels with a booking. `interpreter` is an ISO 639-1 code or empty."""

    features: frozenset[str] = frozenset()
    """What the room must have for whoever comes (`Feature`)."""
    interpreter: str = ""
    companion: bool = False

    @property
    def special(self) -> bool:
        """Whether not every room, or not every caseworker alone, will do."""
        return bool(self.features or self.interpreter)


@dataclass(frozen=True, slots=True)
class Person:
    """The claimant as the letter addresses them. `phone` is E.164 or empty."""

    name: str
    email: str
    phone: str = ""


class Slot(NamedTuple):
    """A start that can be booked now; `end` is what the claimant gets, without buffer."""

    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """A slot kept for somebody until `expires_at`."""

    id: int
    topic: Topic
    way: Way
    site: Site
    caseworker: Resource
    span: Span
    expires_at: dt.datetime
    room_id: int | None
    tablet_id: int | None
    camera_id: int | None
    interpreter_id: int | None
    appointment_id: int | None
    """Set once the hold was confirmed."""

    @property
    def resource_ids(self) -> frozenset[int]:
        """Everybody and everything that is held."""
        held = (
            self.caseworker.id, self.room_id, self.tablet_id, self.camera_id, self.interpreter_id,
        )  # fmt: skip
        return frozenset(one for one in held if one is not None)


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment; `id`, `uid` and `reference` never change (see DESIGN.md, the plan)."""

    id: int
    uid: str
    reference: str
    topic: Topic
    way: Way
    site: Site
    caseworker: Resource
    room: Resource | None
    span: Span
    status: Status
    sequence: int
    person: Person
    needs: Needs
    locale: str
    changed_at: dt.datetime
    delete_after: dt.datetime
    """When the personal data go."""
    tablet: Resource | None = None
    """What the claimant has before them at the site."""
    camera: Resource | None = None
    """What the caseworker has before them, where it is one of the pool."""
    interpreter: Resource | None = None
    session_id: int | None = None
    """The group session in which this is a seat."""
    outcome: Outcome | None = None

    @property
    def equipment(self) -> tuple[Resource, ...]:
        """What and who it has beside its caseworker."""
        parts = (self.room, self.tablet, self.camera, self.interpreter)
        return tuple(part for part in parts if part is not None)

    @property
    def features(self) -> frozenset[str]:
        """What its room must have: for its topic, and for whoever comes."""
        return self.needs.features | self.topic.ways[self.way].features


@dataclass(frozen=True, slots=True)
class Link:
    """A participant's way into one appointment; the token itself is stored hashed only."""

    id: int
    appointment_id: int
    part: Part
    name: str
    expires_at: dt.datetime
    email: str = ""
    """Where a companion or interpreter is told of changes, if known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an appointment's history: who did what, when."""

    at: dt.datetime
    actor: str
    change: Change
    detail: Mapping[str, str]
