"""Appointments to which a change of the plan has taken what they need.

Changing somebody's hours, retiring a room or moving a site's opening hours is never refused
because something is booked: what no longer fits is noted here and stands on the rescue list
until it fits again, by being rearranged or because the change is taken back.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, false, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, claims, closures, schema, supply
from scheduling.claims import ForHold
from scheduling.grid import TICK_SECONDS, Horizon, local_date, mask
from scheduling.hours import Release
from scheduling.model import Appointment, Kind, Resource, Span, Status, Way
from scheduling.supply import House, Member


class Reason(enum.StrEnum):
    """Why an appointment no longer fits."""

    RETIRED = "retired"
    HOURS = "hours"
    SKILL = "skill"
    PLACE = "place"
    CAMERA = "camera"
    """Whoever advises has come to need a camera of the pool."""


@dataclass(frozen=True, slots=True)
class Stranded:
    """An appointment that no longer fits: because of whom or what, and why."""

    appointment: Appointment
    resource: Resource
    reason: Reason


async def review(
    tx: AsyncConnection,
    now: dt.datetime,
    *,
    resource_ids: Collection[int] = (),
    site_id: int | None = None,
    topic_id: int | None = None,
) -> list[Stranded]:
    """Note what no longer fits after a change of resources, a site or a topic, and return it.

    What a closure makes impossible is on the rescue list already and is not repeated. Times
    that somebody is just about to book are given back where they no longer fit.
    """
    await _give_back_holds(tx, now, resource_ids, site_id)
    found = await _unfit(tx, now, await _booked(tx, now, _touched(resource_ids, site_id, topic_id)))
    noted = schema.stranded
    ids = [one.appointment.id for one in found]
    await tx.execute(delete(noted).where(noted.c.appointment_id.in_(ids)))
    if ids:
        await tx.execute(insert(noted), [{"appointment_id": one, "noted_at": now} for one in ids])
    return found


async def look_again(
    tx: AsyncConnection, now: dt.datetime, *, since: dt.datetime
) -> list[Stranded]:
    """Note what was booked or changed after `since` and does not fit either, and return it.

    Whoever was about to book while hours changed had looked for a time before, and was not booked
    yet when the change was reviewed.
    """
    booked, noted = schema.appointment.c, schema.stranded.c
    recent = and_(booked.changed_at > since, booked.id.not_in(select(noted.appointment_id)))
    found = await _unfit(tx, now, await _booked(tx, now, recent))
    if found:
        rows = [{"appointment_id": one.appointment.id, "noted_at": now} for one in found]
        await tx.execute(insert(schema.stranded), rows)
    return found


async def stranded(tx: AsyncConnection, now: dt.datetime) -> list[Stranded]:
    """Return every noted appointment that still does not fit, in order of time.

    What is booked with somebody or something retired counts as noted.
    """
    booked, gone = schema.appointment.c, schema.resource.c
    noted = select(schema.stranded.c.appointment_id)
    retired = select(gone.id).where(~gone.active)
    claim = schema.claim.c
    bereft = select(claim.appointment_id).where(
        claim.resource_id.in_(retired), claim.appointment_id.is_not(None)
    )
    wanted = or_(booked.id.in_(noted), booked.id.in_(bereft))
    return await _unfit(tx, now, await _booked(tx, now, wanted))


def by_reason(some: Iterable[Stranded]) -> Mapping[Reason, list[Appointment]]:
    """Return the appointments of each reason that there is."""
    found: dict[Reason, list[Appointment]] = {}
    for one in some:
        found.setdefault(one.reason, []).append(one.appointment)
    return found


def _touched(
    resource_ids: Collection[int], site_id: int | None, topic_id: int | None
) -> ColumnElement[bool]:
    booked, claim = schema.appointment.c, schema.claim.c
    claimed = select(claim.appointment_id).where(claim.resource_id.in_([*resource_ids]))
    parts = (
        booked.caseworker_id, booked.room_id, booked.tablet_id, booked.camera_id,
        booked.interpreter_id,
    )  # fmt: skip
    return or_(
        booked.id.in_(claimed) if resource_ids else false(),
        *(part.in_([*resource_ids]) for part in parts if resource_ids),
        booked.site_id == site_id if site_id is not None else false(),
        booked.topic_id == topic_id if topic_id is not None else false(),
    )


async def _booked(
    tx: AsyncConnection, now: dt.datetime, condition: ColumnElement[bool]
) -> list[Appointment]:
    booked = schema.appointment.c
    ids = await tx.scalars(
        select(booked.id).where(condition, booked.status == Status.BOOKED, booked.starts_at > now)
    )
    return await appointments.by_ids(tx, [*ids])


async def _unfit(
    tx: AsyncConnection, now: dt.datetime, booked: list[Appointment]
) -> list[Stranded]:
    if not booked:
        return []
    closed = {one.id for one in await closures.affected(tx, now)}
    used = await _used(tx, booked)
    site_ids = {resource.site_id for some in used.values() for resource in some}
    plan = await _Plan.of(tx, now, site_ids, [one.span for one in booked])
    found = (plan.lacks(one, used[one.id]) for one in booked if one.id not in closed)
    return [one for one in found if one is not None]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The hours of everybody and everything that some appointments have booked."""

    horizon: Horizon
    members: Mapping[int, tuple[House, Member]]

    @classmethod
    async def of(
        cls, tx: AsyncConnection, now: dt.datetime, site_ids: Collection[int], spans: list[Span]
    ) -> _Plan:
        first = min(local_date(span.start) for span in spans)
        horizon = Horizon(first, max(local_date(span.end) for span in spans))
        read = await supply.load(tx, horizon, now, site_ids=site_ids)
        members = {
            member.resource.id: (house, member) for house in read.houses for member in house.members
        }
        return cls(horizon, members)

    def lacks(self, appointment: Appointment, used: Iterable[Resource]) -> Stranded | None:
        """Return what the appointment lacks of all it has `used`; None where all is well."""
        for resource in used:
            if resource.id not in self.members:
                return Stranded(appointment, resource, Reason.RETIRED)
            # As the plan has it now: the appointment's own copy may be older.
            present = self.members[resource.id][1].resource
            if not _able(present, appointment):
                return Stranded(appointment, present, Reason.SKILL)
            if not self.in_place(present, appointment):
                return Stranded(appointment, present, Reason.PLACE)
            if _lacks_camera(present, appointment):
                return Stranded(appointment, present, Reason.CAMERA)
            if not self.works(resource.id, appointment.way, appointment.span):
                return Stranded(appointment, present, Reason.HOURS)
        return None

    def in_place(self, resource: Resource, appointment: Appointment) -> bool:
        """Tell whether somebody or something is at the site where it is needed."""
        if resource.kind is Kind.INTERPRETER:
            return True
        if resource.kind is Kind.CASEWORKER:
            receives = resource.id == appointment.caseworker.id and appointment.way is Way.IN_PERSON
            return not receives or resource.site_id == appointment.site.id
        if resource.kind is Kind.CAMERA:
            return resource.site_id == self.members[appointment.caseworker.id][1].resource.site_id
        return resource.site_id == appointment.site.id

    def works(self, resource_id: int, way: Way, span: Span) -> bool:
        """Tell whether somebody works, or something can be had, all the time of `span`."""
        house, member = self.members[resource_id]
        hours = 0
        for release in Release:
            hours |= house.hours(member, self.horizon, way, release)
        last = self.horizon.tick(span.end + dt.timedelta(seconds=TICK_SECONDS - 1))
        return not mask(self.horizon.tick(span.start), last) & ~hours


async def _used(
    tx: AsyncConnection, booked: Iterable[Appointment]
) -> dict[int, tuple[Resource, ...]]:
    """Return by appointment everybody and everything it names or has claimed beside that."""
    used = {one.id: {part.id: part for part in (one.caseworker, *one.equipment)} for one in booked}
    claim = schema.claim.c
    rows = (
        await tx.execute(
            select(claim.appointment_id, claim.resource_id).where(claim.appointment_id.in_([*used]))
        )
    ).all()
    claimed = await catalog.resources_by_id(tx, {row.resource_id for row in rows})
    for row in rows:
        used[row.appointment_id].setdefault(row.resource_id, claimed[row.resource_id])
    return {one: tuple(some.values()) for one, some in used.items()}


def _able(resource: Resource, appointment: Appointment) -> bool:
    match resource.kind:
        case Kind.CASEWORKER:
            # A colleague who joins need not know the topic.
            joins = resource.id != appointment.caseworker.id
            return joins or appointment.topic.skill in resource.skills
        case Kind.INTERPRETER:
            return appointment.needs.interpreter in resource.languages
        case Kind.ROOM | Kind.COUNTER:
            return appointment.features <= resource.features
        case _:
            return True


def _lacks_camera(resource: Resource, appointment: Appointment) -> bool:
    # The camera of a group is its session's, as all else that it has.
    alone = appointment.session_id is None and appointment.camera is None
    advises = resource.id == appointment.caseworker.id
    return alone and advises and resource.borrows_camera(appointment.way)


async def _give_back_holds(
    tx: AsyncConnection, now: dt.datetime, resource_ids: Collection[int], site_id: int | None
) -> None:
    hold, claim, owner = schema.hold.c, schema.claim.c, schema.resource.c
    touched = or_(
        claim.resource_id.in_([*resource_ids]),
        owner.site_id == site_id if site_id is not None else false(),
    )
    rows = (
        await tx.execute(
            select(
                hold.id, hold.way, hold.starts_at, hold.ends_at, hold.expires_at,
                owner.id.label("resource_id"), owner.site_id,
            ).where(
                claim.hold_id == hold.id, claim.resource_id == owner.id, touched,
                hold.expires_at > now,
            )
        )
    ).all()  # fmt: skip
    if not rows:
        return
    spans = [Span(row.starts_at, row.ends_at) for row in rows]
    plan = await _Plan.of(tx, now, {row.site_id for row in rows}, spans)
    for row, span in zip(rows, spans, strict=True):
        known = row.resource_id in plan.members
        if not known or not plan.works(row.resource_id, Way(row.way), span):
            await claims.release(tx, ForHold(row.id, row.expires_at))
