"""What the office offers: topics with their ways, sites, and people and things.

All of it changes rarely and is needed always, so a process remembers it by version
(`scheduling.memory`): a transaction asks once whether anything has changed since.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Row, Transaction, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import schema
from scheduling.memory import Versioned
from scheduling.model import Kind, NotFound, Offers, Resource, Site, Topic, TopicWay, Way

_KNOWN_RESOURCES = 100_000

_TOPICS = select(schema.topic).order_by(schema.topic.c.position)
_WAYS = select(schema.topic_way).order_by(schema.topic_way.c.id)
_SITES = select(schema.site).order_by(schema.site.c.id)
_BY_ID = select(schema.resource).where(schema.resource.c.id.in_(bindparam("ids", expanding=True)))
_RAISE = (
    update(schema.site)
    .where(schema.site.c.id == bindparam("site"))
    .values(version=schema.site.c.version + 1)
)

Version = tuple[int, int]
"""How many sites there are, and how often they were changed; every change gives another."""

VERSION = (
    select(func.count(schema.site.c.id)).scalar_subquery().label("sites"),
    select(func.coalesce(func.sum(schema.site.c.version), 0)).scalar_subquery().label("changes"),
)
"""Columns that tell the version of the catalogue beside whatever else is read."""

_READ_VERSION = select(*VERSION)


@dataclass(slots=True)
class Catalogue:
    """Topics and sites as of one version, and whichever resources were asked for."""

    version: Version
    topics: tuple[Topic, ...]
    sites: tuple[Site, ...]
    versions: Mapping[int, int]
    """How often each site was changed, by id."""
    resources: Versioned[Resource] = field(default_factory=lambda: Versioned(_KNOWN_RESOURCES))

    def topic(self, topic_id: int) -> Topic:
        """Return the topic of that id."""
        return next(one for one in self.topics if one.id == topic_id)

    def site(self, site_id: int) -> Site:
        """Return the site of that id."""
        return next(one for one in self.sites if one.id == site_id)


class Kept:
    """The catalogue that a process used last, and which one each transaction under way uses."""

    def __init__(self) -> None:
        self.catalogue: Catalogue | None = None
        self.used: WeakKeyDictionary[Transaction, Catalogue] = WeakKeyDictionary()


async def current(tx: AsyncConnection, stored: Version | None = None) -> Catalogue:
    """Return the catalogue of this transaction; which is `stored` may have been read before."""
    kept, transaction = _kept(tx), _innermost(tx)
    if transaction is not None and transaction in kept.used:
        return kept.used[transaction]
    if stored is None:
        stored = await version(tx)
    catalogue = kept.catalogue
    if catalogue is None or catalogue.version != stored:
        catalogue = await _read(tx, stored)
        # What a transaction has changed and may still take back must not be remembered.
        if not tx.sync_connection or not tx.sync_connection.get_execution_options().get("writes"):
            kept.catalogue = catalogue
    if transaction := transaction or _innermost(tx):
        kept.used[transaction] = catalogue
    return catalogue


async def version(tx: AsyncConnection) -> Version:
    """Return which version of the catalogue is stored."""
    return version_of((await tx.execute(_READ_VERSION)).one())


def known(tx: AsyncConnection) -> Catalogue | None:
    """Return the catalogue of this transaction if it has been asked for already."""
    transaction = _innermost(tx)
    return _kept(tx).used.get(transaction) if transaction is not None else None


def version_of(row: Row[*tuple[Any, ...]]) -> Version:
    """Return the version from a row with the columns of `VERSION`."""
    return int(row.sites), int(row.changes)


async def topics(tx: AsyncConnection) -> list[Topic]:
    """Return every topic in the order of the booking page."""
    return [*(await current(tx)).topics]


async def topic(tx: AsyncConnection, key: str) -> Topic:
    """Return the topic of that `key`, or raise `NotFound`."""
    for found in (await current(tx)).topics:
        if found.key == key:
            return found
    raise NotFound


async def sites(tx: AsyncConnection) -> list[Site]:
    """Return every site, the main one first."""
    return [*(await current(tx)).sites]


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
    return await resources_of(tx, await current(tx), ids)


async def resources_of(
    tx: AsyncConnection, catalogue: Catalogue, ids: Collection[int]
) -> dict[int, Resource]:
    """Return resources by id as of the `catalogue` of this transaction."""
    known = {one: catalogue.resources.get(one, 0) for one in ids}
    missing = [one for one, resource in known.items() if resource is None]
    if missing:
        for row in await tx.execute(_BY_ID, {"ids": missing}):
            known[row.id] = resource = read_resource(row)
            catalogue.resources.keep(row.id, 0, resource)
    return {one: resource for one, resource in known.items() if resource is not None}


async def changed(tx: AsyncConnection, site_id: int) -> None:
    """Note that a site's people, things, hours or closures change; memories follow from that."""
    await tx.execute(_RAISE, {"site": site_id})
    _kept(tx).used.clear()


def _kept(tx: AsyncConnection) -> Kept:
    options = tx.sync_connection.get_execution_options() if tx.sync_connection else {}
    return options.get("catalogue") or Kept()


def _innermost(tx: AsyncConnection) -> Transaction | None:
    # A savepoint may be taken back, and the catalogue with it.
    connection = tx.sync_connection
    if connection is None:
        return None
    return connection.get_nested_transaction() or connection.get_transaction()


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


async def _read(tx: AsyncConnection, version: Version) -> Catalogue:
    ways: dict[int, dict[Way, TopicWay]] = {}
    for row in await tx.execute(_WAYS):
        ways.setdefault(row.topic_id, {})[Way(row.way)] = _topic_way(row)
    topics = tuple(_topic(row, ways.get(row.id, {})) for row in await tx.execute(_TOPICS))
    sites = (await tx.execute(_SITES)).all()
    versions = {row.id: row.version for row in sites}
    return Catalogue(version, topics, tuple(read_site(row) for row in sites), versions)


def _topic(row: Row[Any], ways: Mapping[Way, TopicWay]) -> Topic:
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
        in_groups=row.in_groups,
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
        features=frozenset(row.features),
    )
