"""The plan as schedulers look at it: who and what is taken when, and how much of it.

Lanes are resources; their hours come from the supply that the search for slots uses, so that
what looks free here can be booked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Numeric, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, attendance, catalog, schema, seats, supply
from scheduling.attendance import Stretch
from scheduling.closures import Closed
from scheduling.grid import Horizon
from scheduling.model import Appointment, Kind, NotFound, Resource, Site, Span, Way
from scheduling.seats import GroupSession
from scheduling.supply import House, Member, Supply

PEOPLE = (Kind.CASEWORKER, Kind.INTERPRETER)
ROOMS = (Kind.ROOM, Kind.COUNTER)
DEVICES = (Kind.TABLET, Kind.CAMERA)
_ORDER = (*PEOPLE, *ROOMS, *DEVICES)

_FOUND_AT_MOST = 20
_TICK_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Team:
    """Caseworkers of a site who belong together."""

    id: int
    site_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One resource and its time within the horizon, in minutes."""

    resource: Resource
    site: Site
    worked: int
    booked: int
    stretches: tuple[Stretch, ...]

    @property
    def share(self) -> int | None:
        """Per cent of the working time that is booked; None without working time."""
        return round(100 * self.booked / self.worked) if self.worked else None


@dataclass(frozen=True, slots=True)
class Booked:
    """An appointment and the ids of everything it has claimed."""

    appointment: Appointment
    resource_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gathering:
    """A group session and the ids of everything it has claimed."""

    session: GroupSession
    resource_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A resource that somebody who is booking right now has reserved."""

    resource_id: int
    span: Span


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that a timeline shows."""

    lanes: tuple[Lane, ...]
    booked: tuple[Booked, ...]
    gatherings: tuple[Gathering, ...]
    held: tuple[Held, ...]
    closures: tuple[Closed, ...]
    opens: int
    """The earliest minute after midnight at which anybody works on any of the days."""
    closes: int


async def overview(
    tx: AsyncConnection,
    horizon: Horizon,
    now: dt.datetime,
    *,
    kinds: Collection[Kind] = tuple(Kind),
    site_id: int | None = None,
    team_id: int | None = None,
    way: Way | None = None,
) -> Overview:
    """Read the days of `horizon`: resources of those `kinds` at a site (None: at all).

    A `team_id` leaves only its members among the people; a `way` only its appointments.
    """
    read = await supply.load(tx, horizon, now, site_ids=() if site_id is None else (site_id,))
    members = sorted(
        ((house, member) for house in read.houses for member in house.members),
        key=lambda one: _ORDER.index(one[1].resource.kind),
    )
    lanes = tuple(
        _lane(read, house, member, horizon)
        for house, member in members
        if member.resource.kind in kinds
        and (team_id is None or member.resource.kind not in PEOPLE
             or member.resource.team_id == team_id)
    )  # fmt: skip
    ids = {lane.resource.id for lane in lanes}
    booked, gatherings, held = await _claims(tx, horizon, ids, now)
    closures = await _closures(tx, horizon, ids, {lane.site.id for lane in lanes})
    opens, closes = _open_between(read, horizon)
    shown = tuple(one for one in booked if way in {None, one.appointment.way})
    together = tuple(one for one in gatherings if way in {None, one.session.way})
    return Overview(lanes, shown, together, held, closures, opens, closes)


async def teams(tx: AsyncConnection) -> list[Team]:
    """Return every team by site and name."""
    row = schema.team.c
    found = await tx.execute(select(schema.team).order_by(row.site_id, row.name))
    return [Team(one.id, one.site_id, one.name) for one in found]


async def search(tx: AsyncConnection, words: str) -> list[Appointment]:
    """Return the appointments of a reference, or of people whose name has all of the `words`.

    At most twenty, the latest first.
    """
    asked = words.split()
    if not asked:
        return []
    try:
        return [await appointments.by_reference(tx, words)]
    except NotFound:
        name = schema.appointment.c.name
        query = (
            select(schema.appointment.c.id)
            .where(*(name.icontains(word, autoescape=True) for word in asked))
            .order_by(schema.appointment.c.starts_at.desc())
            .limit(_FOUND_AT_MOST)
        )
        return (await appointments.by_ids(tx, [*await tx.scalars(query)]))[::-1]


async def revision(tx: AsyncConnection) -> str:
    """Return a text that is another one after every change of appointments, claims or hours."""
    histories = select(func.coalesce(func.max(schema.history.c.id), 0)).scalar_subquery()
    claims = select(func.sum(schema.resource.c.claims_version)).scalar_subquery()
    sites = select(func.sum(schema.site.c.version)).scalar_subquery()
    row = (await tx.execute(select(histories, claims.cast(Numeric), sites.cast(Numeric)))).one()
    return "-".join(str(int(number or 0)) for number in row)


async def alike(tx: AsyncConnection, resource: Resource) -> frozenset[int]:
    """Return the ids of everything at the same site that could stand in for `resource`."""
    kinds = ROOMS if resource.kind in ROOMS else (resource.kind,)
    found = await catalog.resources(tx, site_id=resource.site_id, kinds=kinds)
    return frozenset(one.id for one in found if one.id != resource.id)


def _lane(read: Supply, house: House, member: Member, horizon: Horizon) -> Lane:
    worked = attendance.worked(house, member, horizon)
    taken = read.busy.get(member.resource.id, 0) & worked
    return Lane(
        member.resource, house.site,
        worked.bit_count() * _TICK_MINUTES, taken.bit_count() * _TICK_MINUTES,
        attendance.stretches(house, member, horizon),
    )  # fmt: skip


def _open_between(read: Supply, horizon: Horizon) -> tuple[int, int]:
    minutes = [
        (pattern.starts_minute, pattern.ends_minute)
        for house in read.houses
        for member in house.members
        for pattern in member.patterns
        if any(pattern.holds_on(date) for date in horizon.dates())
    ]
    # Who works round the clock does not tell when the house is busy.
    minutes = [one for one in minutes if one != (0, 24 * 60)] or minutes
    if not minutes:
        return 8 * 60, 18 * 60
    return min(start for start, _ in minutes), max(end for _, end in minutes)


async def _claims(
    tx: AsyncConnection, horizon: Horizon, ids: Collection[int], now: dt.datetime
) -> tuple[tuple[Booked, ...], tuple[Gathering, ...], tuple[Held, ...]]:
    row = schema.claim.c
    rows = await tx.execute(
        select(
            row.resource_id,
            row.starts_at,
            row.ends_at,
            row.appointment_id,
            row.session_id,
            row.expires_at,
        )
        .where(
            row.resource_id.in_([*ids]),
            # No claim is longer than a day: the index narrows the scan from both sides.
            row.starts_at > horizon.start - dt.timedelta(days=1),
            row.starts_at < horizon.end,
            row.ends_at > horizon.start,
        )
        .order_by(row.resource_id, row.starts_at)
    )
    taken: dict[int, list[int]] = {}
    gathered: dict[int, list[int]] = {}
    held: list[Held] = []
    for one in rows.all():
        if one.appointment_id is not None:
            taken.setdefault(one.appointment_id, []).append(one.resource_id)
        elif one.session_id is not None:
            gathered.setdefault(one.session_id, []).append(one.resource_id)
        elif one.expires_at > now:
            held.append(Held(one.resource_id, Span(one.starts_at, one.ends_at)))
    found = await appointments.by_ids(tx, taken)
    groups = await seats.by_ids(tx, gathered)
    return (
        tuple(Booked(one, tuple(taken[one.id])) for one in found),
        tuple(Gathering(one, tuple(gathered[one.id])) for one in groups),
        tuple(held),
    )


async def _closures(
    tx: AsyncConnection, horizon: Horizon, ids: Collection[int], site_ids: Collection[int]
) -> tuple[Closed, ...]:
    row = schema.closure.c
    rows = await tx.execute(
        select(schema.closure)
        .where(
            row.starts_at < horizon.end,
            row.ends_at > horizon.start,
            or_(row.resource_id.in_([*ids]), row.site_id.in_([*site_ids])),
        )
        .order_by(row.starts_at, row.id)
    )
    return tuple(
        Closed(
            one.id, one.site_id, one.resource_id, Span(one.starts_at, one.ends_at),
            frozenset(one.ways), one.kind, one.note,
        )
        for one in rows
    )  # fmt: skip
