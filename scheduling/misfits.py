"""Booked appointments that the plan no longer carries, although no closure stands in their way.

A room was retired, a device moved to another house, opening hours became shorter. Nothing of
that is noted anywhere: the list is read from the plan as it stands, so it cannot be lost, and an
appointment leaves it as soon as it fits again.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, hours, schema
from scheduling.grid import Horizon, local_date
from scheduling.hours import Pattern, Release
from scheduling.model import Appointment, Kind, Status, Way
from scheduling.slots import STEP_FREE

_LATE = dt.timedelta(minutes=1)
"""How much later a booking may be stored than the hours it was found in were changed."""

_AT_SITE = (Way.IN_PERSON, Way.BRANCH_VIDEO)


class Reason(enum.StrEnum):
    """Why an appointment does not fit; of several the first."""

    RETIRED = "retired"
    ELSEWHERE = "elsewhere"
    STEPS = "steps"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Misfit:
    """An appointment that cannot take place as it is booked."""

    appointment: Appointment
    reason: Reason


async def find(tx: AsyncConnection, now: dt.datetime, site_id: int | None = None) -> list[Misfit]:
    """Return the misfits of one site or of all, in order of time."""
    reasons: dict[int, Reason] = {}
    for reason, ids in (
        (Reason.RETIRED, await _with_retired(tx, now)),
        (Reason.ELSEWHERE, await _with_device_elsewhere(tx, now)),
        (Reason.STEPS, await _without_step_free_room(tx, now)),
        (Reason.HOURS, {one async for one in _outside_hours(tx, now)}),
    ):
        for appointment_id in ids:
            reasons.setdefault(appointment_id, reason)
    found = await appointments.by_ids(tx, reasons)
    return [Misfit(one, reasons[one.id]) for one in found if site_id in {None, one.site.id}]


async def _with_retired(tx: AsyncConnection, now: dt.datetime) -> Collection[int]:
    gone = schema.resource.c
    return {*await tx.scalars(_claiming(now, ~gone.active))}


async def _with_device_elsewhere(tx: AsyncConnection, now: dt.datetime) -> Collection[int]:
    device = schema.resource.c
    return {
        *await tx.scalars(
            _claiming(
                now,
                device.kind.in_([Kind.TABLET, Kind.CAMERA]),
                device.site_id != schema.appointment.c.site_id,
            )
        )
    }


async def _without_step_free_room(tx: AsyncConnection, now: dt.datetime) -> Collection[int]:
    room, booked = schema.resource.c, schema.appointment.c
    rows = await tx.execute(
        select(booked.id, room.features).where(
            *_still_booked(now), booked.step_free, booked.room_id == room.id
        )
    )
    return {one for one, features in rows if STEP_FREE not in features}


async def _outside_hours(tx: AsyncConnection, now: dt.datetime) -> AsyncIterator[int]:
    """Yield the appointments that a house is closed for since its hours were changed."""
    house, booked, person = schema.site, schema.appointment.c, schema.resource.c
    sites = await tx.execute(select(house).where(house.c.hours_changed_at.is_not(None)))
    for site in sites.all():
        days = _OpenDays(site)
        rows = await tx.execute(
            select(booked.id, booked.way, booked.starts_at, booked.ends_at).where(
                *_still_booked(now),
                # Later ones were found in the hours that hold now.
                booked.changed_at <= site.hours_changed_at + _LATE,
                booked.caseworker_id == person.id,
                or_(booked.site_id == site.id, person.site_id == site.id),
            )
        )
        for row in rows:
            if not days.hold(Way(row.way), row.starts_at, row.ends_at):
                yield row.id


@dataclass(slots=True)
class _OpenDays:
    """On which days and at which times one house is open, by the rules of the search."""

    site: Row[Any]
    _open: dict[Horizon, int] = field(default_factory=dict)

    def hold(self, way: Way, start: dt.datetime, end: dt.datetime) -> bool:
        horizon = Horizon(local_date(start), local_date(end))
        taken = horizon.touched([(int(start.timestamp()), int(end.timestamp()))])
        if way in _AT_SITE and self.site.opening and taken & ~self._opening(horizon):
            return False
        return not taken & hours.public_holidays(horizon, self.site.state)

    def _opening(self, horizon: Horizon) -> int:
        if horizon not in self._open:
            weekly = tuple(
                Pattern(weekday, starts, ends, dt.date.min)
                for weekday, starts, ends in self.site.opening
            )
            self._open[horizon] = hours.working(horizon, weekly, Way.IN_PERSON, Release.ONLINE)
        return self._open[horizon]


def by_reason(misfits: Collection[Misfit]) -> Mapping[Reason, list[Appointment]]:
    """Return the appointments of each reason that there is."""
    found: dict[Reason, list[Appointment]] = {}
    for one in misfits:
        found.setdefault(one.reason, []).append(one.appointment)
    return found


def _claiming(now: dt.datetime, *conditions: ColumnElement[bool]) -> Select[tuple[int]]:
    """Select the appointments with a claim on a resource of which the `conditions` are true."""
    claim = schema.claim.c
    return select(schema.appointment.c.id).where(
        *_still_booked(now),
        claim.appointment_id == schema.appointment.c.id,
        claim.resource_id == schema.resource.c.id,
        *conditions,
    )


def _still_booked(now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    booked = schema.appointment.c
    return booked.status == Status.BOOKED, booked.ends_at > now
