"""Caseworkers and interpreters: who they are, what they can, and what must be said at entry."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, overview, resources, schema
from scheduling.model import Kind, NotFound, Resource, Site, Way
from scheduling.overview import Team
from scheduling.patterns import Row, of_resources
from scheduling.worklist import Stranded

KINDS = (Kind.CASEWORKER, Kind.INTERPRETER)
NAME_LENGTH = 100


class Lack(enum.StrEnum):
    """What an entry lacks, by the column it is about."""

    NAME = "name"
    LONG_NAME = "long_name"
    SITE = "site_id"
    TEAM = "team_id"
    SKILL = "skills"
    LANGUAGE = "languages"
    WAY = "ways"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the office with their house, team and hours; `active` unless retired."""

    resource: Resource
    active: bool
    site: Site
    team: Team | None
    hours: tuple[Row, ...]


async def listed(tx: AsyncConnection, *, retired: bool = False) -> list[Person]:
    """Return everybody by name, those who have left only with `retired`."""
    table = schema.resource
    rows = (
        await tx.execute(
            select(table).where(table.c.kind.in_(KINDS), table.c.active.is_not(retired))
        )
    ).all()
    return sorted(await _people(tx, rows), key=lambda one: one.resource.name.casefold())


async def by_id(tx: AsyncConnection, resource_id: int) -> Person:
    """Return one of them, also when they have left, or raise `NotFound`."""
    table = schema.resource
    rows = await tx.execute(select(table).where(table.c.kind.in_(KINDS), table.c.id == resource_id))
    for person in await _people(tx, rows.all()):
        return person
    raise NotFound


async def add(tx: AsyncConnection, kind: Kind, values: dict[str, Any]) -> int:
    """Add somebody; return their id. Raises `resources.NameTaken`."""
    return await resources.add(tx, kind, values)


async def change(
    tx: AsyncConnection, resource_id: int, values: dict[str, Any], *, seen: str, now: dt.datetime
) -> list[Stranded]:
    """Change somebody's entry; raises as `resources.change` does."""
    await by_id(tx, resource_id)
    return await resources.change(tx, resource_id, values, seen=seen, now=now)


async def retire(tx: AsyncConnection, resource_id: int, now: dt.datetime) -> list[Stranded]:
    """Note that somebody has left; what is booked with them goes to the worklist."""
    await by_id(tx, resource_id)
    return await resources.retire(tx, resource_id, now)


async def lacks_pool(tx: AsyncConnection, resource: Resource) -> bool:
    """Tell whether somebody offers video, but has no camera, and their site has none to lend."""
    ways = [way for way in Way if not resource.ways or way in resource.ways]
    if not any(resource.borrows_camera(way) for way in ways):
        return False
    return not await catalog.resources(tx, site_id=resource.site_id, kinds=(Kind.CAMERA,))


async def skills(tx: AsyncConnection) -> list[str]:
    """Return every skill that a topic asks for or somebody has, in order."""
    found = {*await tx.scalars(select(schema.topic.c.skill))}
    for some in await tx.scalars(select(schema.resource.c.skills)):
        found |= {*some}
    return sorted(found - {""})


def lacking(kind: Kind, values: dict[str, Any], teams: Iterable[Team]) -> list[Lack]:
    """Return what an entry lacks that is otherwise well-formed.

    Ways: None where none is chosen; an empty list means all.
    """
    found = []
    if not any(letter.isalpha() for letter in values["name"]):
        found.append(Lack.NAME)
    elif len(values["name"]) > NAME_LENGTH:
        found.append(Lack.LONG_NAME)
    if values["site_id"] is None:
        found.append(Lack.SITE)
    elif values["team_id"] is not None and not any(
        (team.id, team.site_id) == (values["team_id"], values["site_id"]) for team in teams
    ):
        found.append(Lack.TEAM)
    # Without a skill no topic leads to a caseworker, without a language nobody to an interpreter.
    if kind is Kind.CASEWORKER and not values["skills"]:
        found.append(Lack.SKILL)
    if kind is Kind.INTERPRETER and not values["languages"]:
        found.append(Lack.LANGUAGE)
    if values["ways"] is None:
        found.append(Lack.WAY)
    return found


def stored_ways(ways: Iterable[str]) -> list[str] | None:
    """Return chosen ways as they are stored: all of them as an empty list, none as None."""
    chosen = sorted({*ways} & {*Way})
    if not chosen:
        return None
    return [] if len(chosen) == len(Way) else chosen


async def _people(tx: AsyncConnection, rows: Iterable[Any]) -> list[Person]:
    sites = {site.id: site for site in await catalog.sites(tx)}
    teams = {team.id: team for team in await overview.teams(tx)}
    known = [*rows]
    hours = await of_resources(tx, [row.id for row in known])
    return [
        Person(
            catalog.read_resource(row),
            row.active,
            sites[row.site_id],
            teams.get(row.team_id),
            tuple(hours.get(row.id, ())),
        )
        for row in known
    ]
