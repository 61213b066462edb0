"""The terms of a group session: with whom and what it is held, and what stands in their way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, claims, schema
from scheduling.model import Kind, Resource, SlotTaken, Span, Topic, Way
from scheduling.seats import GroupSession

WAYS = (Way.IN_PERSON, Way.VIDEO)
"""The ways in which a group can be advised."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How, when, where, with whom and for how many a session takes place.

    `room` is None for a session by video alone. Which `camera` of the pool it has, where whoever
    leads it has none of their own, is found by `equipped`.
    """

    way: Way
    span: Span
    caseworker: Resource
    room: Resource | None
    capacity: int
    camera: Resource | None = None

    @property
    def lacks_camera(self) -> bool:
        """Whether it needs a camera of the pool and has none of the right site."""
        if not self.caseworker.borrows_camera(self.way):
            return False
        return self.camera is None or self.camera.site_id != self.caseworker.site_id

    @property
    def parts(self) -> tuple[Resource, ...]:
        """Who and what it claims."""
        some = (self.caseworker, self.room, self.camera)
        return tuple(one for one in some if one is not None)

    @property
    def site_id(self) -> int:
        """Where people come to; by video, the caseworker's own house."""
        return (self.room or self.caseworker).site_id

    @classmethod
    def of(cls, session: GroupSession) -> Terms:
        """Return how a session stands now."""
        return cls(
            session.way, session.span, session.caseworker, session.room, session.capacity,
            session.camera,
        )  # fmt: skip


async def equipped(
    tx: AsyncConnection,
    terms: Terms,
    now: dt.datetime,
    session_id: int | None = None,
    without: Collection[int] = (),
) -> Terms:
    """Return the terms with a free camera of the pool, where whoever leads has none.

    The one that they name stays if it can; none `without` is chosen. Where no camera is free,
    none is named, and the terms lack it.
    """
    if not terms.caseworker.borrows_camera(terms.way):
        return replace(terms, camera=None)
    pool = await catalog.resources(tx, site_id=terms.caseworker.site_id, kinds=(Kind.CAMERA,))
    pool.sort(key=lambda one: one != terms.camera)
    for camera in pool:
        chosen = replace(terms, camera=camera)
        if camera.id in without or camera in await in_the_way(tx, chosen, now, session_id):
            continue
        return chosen
    return replace(terms, camera=None)


async def in_the_way(
    tx: AsyncConnection, terms: Terms, now: dt.datetime, session_id: int | None = None
) -> list[Resource]:
    """Return who or what of the `terms` is taken, away, closed then, or has left the plan.

    Own claims do not count.
    """
    claim, closure = schema.claim.c, schema.closure.c
    ids = [one.id for one in terms.parts]
    spans = ((one.id, claims.with_its_way(one, terms.span)) for one in terms.parts)
    taken = await tx.scalars(
        select(claim.resource_id).where(
            or_(
                *(
                    and_(
                        claim.resource_id == one,
                        claim.starts_at < span.end,
                        claim.ends_at > span.start,
                    )
                    for one, span in spans
                )
            ),
            or_(claim.expires_at.is_(None), claim.expires_at > now),
            or_(claim.session_id.is_(None), claim.session_id != session_id),
        )
    )
    shut = await tx.execute(
        select(closure.resource_id, closure.site_id, closure.ways).where(
            closure.starts_at < terms.span.end,
            closure.ends_at > terms.span.start,
            or_(
                closure.resource_id.in_(ids),
                closure.site_id.in_([one.site_id for one in terms.parts]),
            ),
        )
    )
    row = schema.resource.c
    blocked = {*taken, *await tx.scalars(select(row.id).where(row.id.in_(ids), ~row.active))}
    for one in shut:
        if not one.ways or terms.way in one.ways:
            blocked |= {part.id for part in terms.parts if one.site_id == part.site_id}
            blocked.add(one.resource_id)
    return [one for one in terms.parts if one.id in blocked]


def needed(topic: Topic, terms: Terms) -> dict[int, Span]:
    """Return what a session claims. Raises `SlotTaken` where a camera is lacking."""
    if terms.way not in WAYS or (terms.way is Way.IN_PERSON) is (terms.room is None):
        raise ValueError("a group meets in a room or by video")
    if terms.lacks_camera:
        raise SlotTaken
    buffer = dt.timedelta(minutes=topic.ways[terms.way].buffer_minutes)
    wanted = {terms.caseworker.id: Span(terms.span.start, terms.span.end + buffer)}
    for thing in (terms.room, terms.camera):
        if thing is not None:
            wanted[thing.id] = claims.with_its_way(thing, terms.span)
    return wanted


def columns(terms: Terms) -> dict[str, object]:
    """Return what is stored of the terms."""
    return {
        "way": terms.way,
        "site_id": terms.site_id,
        "caseworker_id": terms.caseworker.id,
        "room_id": terms.room.id if terms.room else None,
        "camera_id": terms.camera.id if terms.camera else None,
        "starts_at": terms.span.start,
        "ends_at": terms.span.end,
        "capacity": terms.capacity,
    }
