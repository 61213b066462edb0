"""What people come for: adding and changing topics, their ways, and their order on the page.

A record is a mapping of the topic's columns and, under ``way_<way>``, the terms of each way;
`scheduling.editing` compares it as a whole.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, editing, schema, worklist
from scheduling.editing import Values
from scheduling.keys import free_key
from scheduling.model import NotFound, PlanError, Status, Topic, Way
from scheduling.premises import NameTaken
from scheduling.worklist import Stranded

TERMS = (
    "offered", "minutes", "buffer_minutes", "notice_minutes", "earliest_day", "horizon_days",
    "features",
)  # fmt: skip
"""The columns of a way's terms."""


class OthersAhead(PlanError):
    """What is booked one by one, or in groups, lies ahead, and would be of the wrong kind."""


def way_name(way: Way) -> str:
    """Return the name under which a record holds the terms of `way`."""
    return f"way_{way}"


async def topic(tx: AsyncConnection, topic_id: int, *, to_change: bool = False) -> dict[str, Any]:
    """Return a topic's record; a way without terms is None. Raises `NotFound`."""
    found = await editing.stored(tx, schema.topic, topic_id, to_change=to_change)
    # The order of the list is changed by every move of another topic; it is nobody's edit.
    del found["position"]
    row = schema.topic_way
    terms = {
        one.way: {name: getattr(one, name) for name in TERMS}
        for one in await tx.execute(select(row).where(row.c.topic_id == topic_id))
    }
    return found | {way_name(way): terms.get(way) for way in Way}


async def add(tx: AsyncConnection, values: Values) -> int:
    """Add a topic at the end of the list; return its id. Raises `NameTaken`."""
    await _refuse_taken_title(tx, values["title"]["de"], None)
    key = await free_key(tx, schema.topic.c.key, values["title"]["de"])
    last = await tx.scalar(select(func.coalesce(func.max(schema.topic.c.position), -1)))
    done = await tx.execute(
        insert(schema.topic)
        .values(key=key, position=int(last or 0) + 1, **_columns(values))
        .returning(schema.topic.c.id)
    )
    topic_id = int(done.scalar_one())
    await _store_ways(tx, topic_id, values)
    await _note(tx)
    return topic_id


async def change(
    tx: AsyncConnection, topic_id: int, values: Values, now: dt.datetime
) -> list[Stranded]:
    """Store what a topic is now; return the appointments that no longer fit.

    A withdrawn way keeps its terms, since what was booked in it stays valid.
    Raises `NotFound`, `NameTaken` or `OthersAhead`.
    """
    before = await topic(tx, topic_id, to_change=True)
    if values["in_groups"] != before["in_groups"]:
        await _refuse_kind_in_use(tx, topic_id, now, in_groups=before["in_groups"])
    await _refuse_taken_title(tx, values["title"]["de"], topic_id)
    row = schema.topic
    await tx.execute(update(row).where(row.c.id == topic_id).values(**_columns(values)))
    await _store_ways(tx, topic_id, values)
    await _note(tx)
    return await worklist.review(tx, now, topic_id=topic_id)


async def place(tx: AsyncConnection, topic_id: int, position: int) -> None:
    """Put a topic at a place of the list, counted from 0; the others make room.

    Raises `NotFound`.
    """
    row = schema.topic
    ordered = [*await tx.scalars(select(row.c.id).order_by(row.c.position, row.c.id))]
    if topic_id not in ordered:
        raise NotFound
    ordered.remove(topic_id)
    ordered.insert(max(position, 0), topic_id)
    for number, one in sorted(enumerate(ordered), key=lambda pair: pair[1]):
        await tx.execute(update(row).where(row.c.id == one).values(position=number))
    await _note(tx)


def by_id(known: list[Topic], topic_id: int) -> Topic:
    """Return the topic of that id, or raise `NotFound`."""
    for one in known:
        if one.id == topic_id:
            return one
    raise NotFound


def _columns(values: Values) -> dict[str, Any]:
    ways = {way_name(way) for way in Way}
    return {name: value for name, value in values.items() if name not in ways}


async def _store_ways(tx: AsyncConnection, topic_id: int, values: Values) -> None:
    row = schema.topic_way
    for way in Way:
        terms = values[way_name(way)]
        if terms is None:
            continue
        there = (row.c.topic_id == topic_id) & (row.c.way == way)
        done = await tx.execute(update(row).where(there).values(**terms))
        if not done.rowcount:
            await tx.execute(insert(row).values(topic_id=topic_id, way=way, **terms))


async def _refuse_taken_title(tx: AsyncConnection, title: str, topic_id: int | None) -> None:
    # As for sites, equal titles would confuse people but break nothing.
    for one in await catalog.topics(tx):
        if one.title["de"].casefold() == title.casefold() and one.id != topic_id:
            raise NameTaken


async def _refuse_kind_in_use(
    tx: AsyncConnection, topic_id: int, now: dt.datetime, *, in_groups: bool
) -> None:
    # Whoever holds a time is about to have an appointment. A booking that has written, but not
    # committed, is waited for: its row refers to this one, which is locked. See decision 0088.
    one, group, hold = schema.appointment.c, schema.group_session.c, schema.hold.c
    sessions = exists().where(
        group.topic_id == topic_id, group.status == Status.BOOKED, group.ends_at > now
    )
    booked = exists().where(
        one.topic_id == topic_id, one.status == Status.BOOKED, one.ends_at > now
    )
    held = exists().where(
        hold.topic_id == topic_id, hold.expires_at > now, hold.appointment_id.is_(None)
    )
    ahead = sessions if in_groups else booked | held
    if await tx.scalar(select(ahead)):
        raise OthersAhead


async def _note(tx: AsyncConnection) -> None:
    # A topic is offered everywhere. In one order, so that two of these never wait in a circle.
    for site in await catalog.sites(tx):
        await catalog.changed(tx, site.id)
