"""The houses of the office and their teams: adding and changing them.

A record is a mapping of its columns, as `scheduling.editing` compares it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, editing, schema, worklist
from scheduling.editing import Values
from scheduling.keys import free_key
from scheduling.model import NotFound, PlanError
from scheduling.worklist import Stranded


class NameTaken(PlanError):
    """Another record of the same kind at the same place has this name."""


async def site(tx: AsyncConnection, site_id: int, *, to_change: bool = False) -> dict[str, Any]:
    """Return a site's record, or raise `NotFound`; see `editing.stored` for `to_change`."""
    return await editing.stored(tx, schema.site, site_id, to_change=to_change)


async def add_site(tx: AsyncConnection, values: Values) -> int:
    """Add a site; return its id. Raises `NameTaken`."""
    await _refuse_taken_name(tx, values["name"], None)
    key = await free_key(tx, schema.site.c.key, values["name"])
    done = await tx.execute(
        insert(schema.site).values(key=key, **values).returning(schema.site.c.id)
    )
    return int(done.scalar_one())


async def change_site(
    tx: AsyncConnection, site_id: int, values: Values, *, seen: str, now: dt.datetime
) -> list[Stranded]:
    """Store what a site is now; return the appointments that its hours no longer carry.

    `seen` is the fingerprint of what the form was filled from. Raises `NotFound`, `NameTaken`,
    or `Conflict`. Other opening hours or holidays are never refused.
    """
    editing.refuse_if_changed(seen, await site(tx, site_id, to_change=True))
    await _refuse_taken_name(tx, values["name"], site_id)
    row = schema.site
    await tx.execute(update(row).where(row.c.id == site_id).values({**values}))
    await catalog.changed(tx, site_id)
    # Its caseworkers advise for branches, too, and its holidays are theirs.
    there = {one.id for one in await catalog.resources(tx, site_id=site_id)}
    return await worklist.review(tx, now, site_id=site_id, resource_ids=there)


async def add_team(tx: AsyncConnection, site_id: int, name: str) -> None:
    """Add a team to a site. Raises `NotFound` or `NameTaken`."""
    await site(tx, site_id)
    try:
        async with tx.begin_nested():
            await tx.execute(insert(schema.team).values(site_id=site_id, name=name))
    except IntegrityError as error:
        raise NameTaken from error
    await catalog.changed(tx, site_id)


async def rename_team(tx: AsyncConnection, site_id: int, team_id: int, name: str) -> None:
    """Give a team of the site another name. Raises `NotFound` or `NameTaken`."""
    row = schema.team
    try:
        async with tx.begin_nested():
            done = await tx.execute(
                update(row).where(row.c.id == team_id, row.c.site_id == site_id).values(name=name)
            )
    except IntegrityError as error:
        raise NameTaken from error
    if not done.rowcount:
        raise NotFound
    await catalog.changed(tx, site_id)


async def remove_team(tx: AsyncConnection, site_id: int, team_id: int) -> None:
    """Remove a team; its members stay where they are. Raises `NotFound`."""
    row = schema.team
    done = await tx.execute(delete(row).where(row.c.id == team_id, row.c.site_id == site_id))
    if not done.rowcount:
        raise NotFound
    await catalog.changed(tx, site_id)


async def members(tx: AsyncConnection, site_id: int) -> dict[int, int]:
    """Return how many active people each team of the site has, by team id."""
    row = schema.resource.c
    rows = await tx.execute(
        select(row.team_id, func.count())
        .where(row.site_id == site_id, row.active, row.team_id.is_not(None))
        .group_by(row.team_id)
    )
    return {team_id: count for team_id, count in rows}  # noqa: C416  (a row is no pair to mypy)


async def _refuse_taken_name(tx: AsyncConnection, name: str, site_id: int | None) -> None:
    # Two sites of one name could not be told apart on any page; their ids would be right still,
    # so a check is enough and no constraint is needed.
    for one in await catalog.sites(tx):
        if one.name.casefold() == name.casefold() and one.id != site_id:
            raise NameTaken
