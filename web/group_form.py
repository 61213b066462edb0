"""The form of a group session: what is typed, what is wrong with it, and what it asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, session_terms
from scheduling.model import Kind, Resource, Site, Span, Topic, Way
from scheduling.overview import ROOMS
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from scheduling.sessions import MOST_SEATS
from signaling.room import MOST_IN_ROOM
from web import forms
from web.forms import FieldError, Form
from web.translations import N_

MOST_BY_VIDEO = MOST_IN_ROOM - 1
"""How many can take part by video: the room holds them and whoever leads the session."""

USUAL_SEATS = 12
"""For how many people a first session is planned unless something else is typed."""

FIELDS = ("topic", "way", "day", "from", "until", "caseworker", "room", "capacity")
_GRID_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from."""

    topics: tuple[Topic, ...]
    sites: tuple[Site, ...]
    caseworkers: tuple[Resource, ...]
    rooms: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A form as it was read: what is right of it, and what is wrong. Both are never empty."""

    topic: Topic | None
    terms: Terms | None
    errors: list[FieldError]


async def choices(tx: AsyncConnection) -> Choices:
    """Return the topics for groups, the people who advise on them, and the rooms."""
    topics = [one for one in await catalog.topics(tx) if one.in_groups]
    skills = {one.skill for one in topics}
    people = await catalog.resources(tx, kinds=(Kind.CASEWORKER,))
    return Choices(
        tuple(topics), tuple(await catalog.sites(tx)),
        tuple(one for one in people if skills & one.skills),
        tuple(await catalog.resources(tx, kinds=ROOMS)),
    )  # fmt: skip


def usual(known: Choices, coming: Sequence[GroupSession], zone: ZoneInfo) -> dict[str, str]:
    """Return what the form of a new session begins with, so that a day alone may be missing.

    That is how the last of the `coming` ones is held, or else whoever and whatever fits together.
    """
    if coming:
        return typed_of(coming[-1], zone) | {"day": ""}
    topic = next(iter(known.topics), None)
    lead = next((one for one in known.caseworkers if topic and topic.skill in one.skills), None)
    needed = topic.ways[Way.IN_PERSON].features if topic and Way.IN_PERSON in topic.ways else None
    room = next(
        (
            one
            for one in known.rooms
            if lead and one.site_id == lead.site_id and (needed or frozenset()) <= one.features
        ),
        None,
    )
    meets = room is not None and needed is not None
    return {
        "way": Way.IN_PERSON if meets else Way.VIDEO,
        "caseworker": str(lead.id) if lead else "",
        "room": str(room.id) if room and meets else "",
        "capacity": str(USUAL_SEATS if meets else MOST_BY_VIDEO),
    }


def typed_of(session: GroupSession, zone: ZoneInfo) -> dict[str, str]:
    """Return the fields that say what a session is now."""
    start, end = session.span.start.astimezone(zone), session.span.end.astimezone(zone)
    return {
        "topic": session.topic.key,
        "way": session.way,
        "day": start.date().isoformat(),
        "from": f"{start:%H:%M}",
        "until": f"{end:%H:%M}",
        "caseworker": str(session.caseworker.id),
        "room": str(session.room.id) if session.room else "",
        "capacity": str(session.capacity),
    }


def read(
    form: Form, known: Choices, zone: ZoneInfo, now: dt.datetime, topic: Topic | None = None
) -> Read:
    """Check the form; `topic` is that of a session that exists."""
    typed = {name: forms.text(form, name) for name in FIELDS}
    errors: list[FieldError] = []
    topic = topic or _named(known.topics, typed["topic"])
    if topic is None:
        errors.append(FieldError("topic", N_("Choose a topic.")))
    way = next((one for one in session_terms.WAYS if one == typed["way"]), None)
    if way is None or (topic is not None and way not in topic.ways):
        errors.append(FieldError("way", N_("The topic is not offered in this way.")))
    span = _span(typed, zone, now, errors)
    caseworker = _caseworker(typed["caseworker"], known, topic, errors)
    room = _room(typed["room"], known, way, errors)
    if room and caseworker and room.site_id != caseworker.site_id:
        errors.append(FieldError("room", N_("The room is at another site than the caseworker.")))
    needed = topic.ways[way].features if topic and way and way in topic.ways else frozenset()
    if room and not needed <= room.features:
        errors.append(FieldError("room", N_("The room has not all that the topic always needs.")))
    capacity = _capacity(typed["capacity"], way, errors)
    if errors or way is None or span is None or caseworker is None:
        return Read(topic, None, errors)
    return Read(topic, Terms(way, span, caseworker, room, capacity), [])


def taken(terms: Terms, blocked: Iterable[Resource]) -> list[FieldError]:
    """Return the complaints about who and what of the terms is not to be had at that time."""
    errors = [
        FieldError("caseworker", N_("This person is taken or away at that time."))
        if one.kind is Kind.CASEWORKER
        else FieldError("room", N_("This room is taken or closed at that time."))
        for one in blocked
    ]
    if terms.lacks_camera:
        message = N_("This person has no own camera, and no camera of the site is free then.")
        errors.append(FieldError("caseworker", message))
    return errors


def _named(topics: Iterable[Topic], key: str) -> Topic | None:
    return next((one for one in topics if one.key == key), None)


def _span(
    typed: Mapping[str, str], zone: ZoneInfo, now: dt.datetime, errors: list[FieldError]
) -> Span | None:
    start = _instant(typed["day"], typed["from"], zone)
    end = _instant(typed["day"], typed["until"], zone)
    if start is None:
        errors.append(FieldError("day", N_("Enter a day and a time.")))
    elif start <= now:
        errors.append(FieldError("day", N_("This time is over. Choose a later one.")))
    if end is None or (start is not None and end <= start):
        errors.append(FieldError("until", N_("The end must be after the beginning.")))
    if any(one is not None and one.minute % _GRID_MINUTES for one in (start, end)):
        errors.append(FieldError("from", N_("Times go in steps of five minutes.")))
    return Span(start, end) if start is not None and end is not None and not errors else None


def _instant(day: str, time: str, zone: ZoneInfo) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(f"{day}T{time}")
    except ValueError:
        return None
    return None if found.tzinfo else found.replace(tzinfo=zone).astimezone(dt.UTC)


def _caseworker(
    value: str, known: Choices, topic: Topic | None, errors: list[FieldError]
) -> Resource | None:
    found = next((one for one in known.caseworkers if str(one.id) == value), None)
    if found is None:
        errors.append(FieldError("caseworker", N_("Choose who leads the session.")))
    elif topic is not None and topic.skill not in found.skills:
        errors.append(FieldError("caseworker", N_("This person does not advise on the topic.")))
    return found


def _room(value: str, known: Choices, way: Way | None, errors: list[FieldError]) -> Resource | None:
    if way is not Way.IN_PERSON:
        return None
    found = next((one for one in known.rooms if str(one.id) == value), None)
    if found is None:
        errors.append(FieldError("room", N_("Choose the room in which people meet.")))
    return found


def _capacity(value: str, way: Way | None, errors: list[FieldError]) -> int:
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else 0
    if not 0 < number <= MOST_SEATS:
        errors.append(FieldError("capacity", N_("Enter how many people can take part.")))
    elif way is Way.VIDEO and number > MOST_BY_VIDEO:
        message = N_("A video call holds fewer people. Choose fewer seats, or meet in person.")
        errors.append(FieldError("capacity", message))
    return number
