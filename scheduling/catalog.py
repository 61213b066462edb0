"""What the office offers: topics with their ways, sites, and people and things."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import schema
from scheduling.model import Kind, NotFound, Offers, Resource, Site, Topic, TopicWay, Way


async def topics(tx: AsyncConnection) -> list[Topic]:
    """Return every topic in the order of the booking page."""
    rows = await tx.execute(select(schema.topic).order_by(schema.topic.c.position))
    ways: dict[int, dict[Way, TopicWay]] = {}
    for row in await tx.execute(select(schema.topic_way).order_by(schema.topic_way.c.id)):
        ways.setdefault(row.topic_id, {})[Way(row.way)] = _topic_way(row)
    return [_topic(row, ways.get(row.id, {})) for row in rows]


async def topic(tx: AsyncConnection, key: str) -> Topic:
    """Return the topic of that `key`, or raise `NotFound`."""
    for found in await topics(tx):
        if found.key == key:
            return found
    raise NotFound


async def sites(tx: AsyncConnection) -> list[Site]:
    """Return every site, the main one first."""
    rows = await tx.execute(select(schema.site).order_by(schema.site.c.id))
    return [read_site(row) for row in rows]


async def resources(
    tx: AsyncConnection, *, site_id: int | None = None, kinds: tuple[Kind, ...] = tuple(Kind)
) -> list[Resource]:
    """Return the active resources of those `kinds`, of one site or of all."""
    table = schema.resource
    query = select(table).where(table.c.active, table.c.kind.in_([*kinds])).order_by(table.c.id)
    if site_id is not None:
        query = query.where(table.c.site_id == site_id)
    return [read_resource(row) for row in await tx.execute(query)]


async def resources_by_id(tx: AsyncConnection, ids: Collection[int]) -> dict[int, Resource]:
    """Return resources by id, retired ones too, since the past still names them."""
    query = select(schema.resource).where(schema.resource.c.id.in_([*ids]))
    return {row.id: read_resource(row) for row in await tx.execute(query)}


async def changed(tx: AsyncConnection, site_id: int) -> None:
    """Note that a site's people, things, hours or closures change; caches follow from that."""
    site = schema.site
    await tx.execute(update(site).where(site.c.id == site_id).values(version=site.c.version + 1))


def read_site(row: Row[Any]) -> Site:
    """Make a site of its row."""
    return Site(
        row.id, row.key, row.name, row.address, row.phone, row.state, row.urgent_opens_minute
    )


def read_resource(row: Row[Any]) -> Resource:
    """Make a resource of its row."""
    return Resource(
        id=row.id,
        kind=Kind(row.kind),
        site_id=row.site_id,
        name=row.name,
        features=frozenset(row.features),
        skills=frozenset(row.skills),
        languages=frozenset(row.languages),
        team_id=row.team_id,
        ways=frozenset(row.ways),
        setup_minutes=row.setup_minutes,
        return_minutes=row.return_minutes,
    )


def _topic(row: Row[Any], ways: dict[Way, TopicWay]) -> Topic:
    return Topic(
        id=row.id,
        key=row.key,
        title=row.title,
        official_name=row.official_name,
        explanation=row.explanation,
        bring=row.bring,
        skill=row.skill,
        ways=Offers(ways),
        audience=row.audience,
        urgent=row.urgent,
    )


def _topic_way(row: Row[Any]) -> TopicWay:
    return TopicWay(
        way=Way(row.way),
        minutes=row.minutes,
        buffer_minutes=row.buffer_minutes,
        notice_minutes=row.notice_minutes,
        earliest_day=row.earliest_day,
        horizon_days=row.horizon_days,
        offered=row.offered,
    )
