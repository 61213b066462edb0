"""Group sessions and their seats: reading them, and the counter that is never overfilled.

One update takes a seat while one is free, and the database checks the counter besides: however
many ask at once, exactly as many get a seat as there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.grid import Horizon
from scheduling.model import NotFound, Resource, Site, SlotTaken, Span, Status, Topic, Way
from scheduling.schema import appointment, group_session


@dataclass(frozen=True, slots=True)
class GroupSession:
    """One event for several claimants: an entry of the plan with `capacity` seats."""

    id: int
    topic: Topic
    way: Way
    site: Site
    caseworker: Resource
    room: Resource | None
    camera: Resource | None
    """What the caseworker has before them, where it is one of the pool."""
    span: Span
    capacity: int
    seats: int
    """How many are taken."""
    status: Status
    sequence: int
    delete_after: dt.datetime

    @property
    def free(self) -> int:
        """How many seats are left."""
        return self.capacity - self.seats

    def bookable_at(self, now: dt.datetime) -> bool:
        """Tell whether the public may still take a seat: there is one, and notice enough."""
        offer = self.topic.ways[self.way]
        notice = dt.timedelta(minutes=offer.notice_minutes)
        return self.status is Status.BOOKED and self.free > 0 and now <= self.span.start - notice


async def by_id(tx: AsyncConnection, session_id: int) -> GroupSession:
    """Return the session, or raise `NotFound`."""
    for found in await _sessions(tx, group_session.c.id == session_id):
        return found
    raise NotFound


async def by_ids(tx: AsyncConnection, ids: Collection[int]) -> list[GroupSession]:
    """Return those of the sessions that exist, in order of time."""
    return await _sessions(tx, group_session.c.id.in_([*ids])) if ids else []


async def upcoming(
    tx: AsyncConnection, now: dt.datetime, *, topic_id: int | None = None
) -> list[GroupSession]:
    """Return the sessions that are neither over nor cancelled, the next one first."""
    row = group_session.c
    wanted: list[ColumnElement[bool]] = [row.ends_at > now, row.status == Status.BOOKED]
    if topic_id is not None:
        wanted.append(row.topic_id == topic_id)
    return await _sessions(tx, *wanted)


async def day(
    tx: AsyncConnection,
    date: dt.date,
    *,
    site_id: int | None = None,
    caseworker_id: int | None = None,
) -> list[GroupSession]:
    """Return the sessions that start on the local day `date`, cancelled ones too."""
    row, there = group_session.c, Horizon(date, date)
    wanted = [row.starts_at >= there.start, row.starts_at < there.end]
    if site_id is not None:
        wanted.append(row.site_id == site_id)
    if caseworker_id is not None:
        wanted.append(row.caseworker_id == caseworker_id)
    return await _sessions(tx, *wanted)


async def lock(tx: AsyncConnection, *session_ids: int) -> None:
    """Make every other change of those sessions and of their seats wait.

    Who changes a seat locks its session first: in one order nobody waits in a circle.
    """
    if tx.dialect.name == "postgresql":
        row = group_session.c.id
        await tx.execute(
            select(row).where(row.in_(session_ids)).order_by(row).with_for_update()
        )  # fmt: skip


async def lock_of(tx: AsyncConnection, appointment_id: int) -> None:
    """Lock the session in which an appointment is a seat, if it is one."""
    if tx.dialect.name == "postgresql":
        mine = select(appointment.c.session_id).where(appointment.c.id == appointment_id)
        row = group_session.c.id
        await tx.execute(select(row).where(row == mine.scalar_subquery()).with_for_update())


async def take(tx: AsyncConnection, session_id: int) -> None:
    """Take one seat. Raises `SlotTaken` when none is free or the session is off."""
    row = group_session.c
    done = await tx.execute(
        update(group_session)
        .where(row.id == session_id, row.status == Status.BOOKED, row.seats < row.capacity)
        .values(seats=row.seats + 1)
    )
    if not done.rowcount:
        raise SlotTaken


async def give_back(tx: AsyncConnection, session_id: int) -> None:
    """Give one seat back."""
    row = group_session.c
    await tx.execute(
        update(group_session).where(row.id == session_id).values(seats=row.seats - 1)
    )  # fmt: skip


async def _sessions(tx: AsyncConnection, *conditions: ColumnElement[bool]) -> list[GroupSession]:
    row = group_session.c
    query = select(group_session).where(*conditions).order_by(row.starts_at, row.id)
    rows = (await tx.execute(query)).all()
    if not rows:
        return []
    topics = {topic.id: topic for topic in await catalog.topics(tx)}
    sites = {site.id: site for site in await catalog.sites(tx)}
    parts = {one for row in rows for one in (row.caseworker_id, row.room_id, row.camera_id)}
    ids = parts - {None}
    resources = await catalog.resources_by_id(tx, ids)
    return [_session(row, topics, sites, resources) for row in rows]


def _session(
    row: Row[Any], topics: dict[int, Topic], sites: dict[int, Site], resources: dict[int, Resource]
) -> GroupSession:
    return GroupSession(
        id=row.id,
        topic=topics[row.topic_id],
        way=Way(row.way),
        site=sites[row.site_id],
        caseworker=resources[row.caseworker_id],
        room=resources.get(row.room_id),
        camera=resources.get(row.camera_id),
        span=Span(row.starts_at, row.ends_at),
        capacity=row.capacity,
        seats=row.seats,
        status=Status(row.status),
        sequence=row.sequence,
        delete_after=row.delete_after,
    )
