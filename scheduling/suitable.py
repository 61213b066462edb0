"""Which houses have a room with what somebody needs, however busy it is.

A search that finds nothing says nothing of the reason. Here it is told whether another day would
be of any use, and where else it can be had.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.candidates import can_advise, kinds_needed
from scheduling.enquiry import SlotQuery
from scheduling.model import Kind, Resource, Site, Way
from scheduling.things import ROOMS

MOST_ELSEWHERE = 5
"""How many other sites are named at most."""


@dataclass(frozen=True, slots=True)
class Lack:
    """What no room of a site has of what is needed, and other sites that have all of it."""

    site: Site
    features: tuple[str, ...]
    elsewhere: tuple[Site, ...]


async def lack(tx: AsyncConnection, query: SlotQuery) -> Lack | None:
    """Return what the site of a search lacks at any time; None where it lacks nothing of a room."""
    if not (query.needs.features and query.offer.at_site and query.site_id is not None):
        return None
    kinds = tuple(kind for kind in ROOMS if kind in kinds_needed(query))
    rooms = await catalog.resources(tx, site_id=query.site_id, kinds=kinds)
    if _any_suits(query, rooms):
        return None
    rooms = [room for room in rooms if query.offer.features <= room.features]
    nowhere = {
        feature
        for feature in query.needs.features
        if not any(feature in room.features for room in rooms)
    }
    site = next(site for site in await catalog.sites(tx) if site.id == query.site_id)
    # Where each of them can be had, but no room has all: all of them together.
    lacking = tuple(sorted(nowhere or query.needs.features))
    return Lack(site, lacking, await _elsewhere(tx, query, kinds))


async def _elsewhere(
    tx: AsyncConnection, query: SlotQuery, kinds: tuple[Kind, ...]
) -> tuple[Site, ...]:
    by_site: dict[int, list[Resource]] = {}
    for room in await catalog.resources(tx, kinds=kinds):
        by_site.setdefault(room.site_id, []).append(room)
    found: list[Site] = []
    for site in await catalog.sites(tx):
        if len(found) == MOST_ELSEWHERE:
            break
        if _any_suits(query, by_site.get(site.id, ())) and await _kept_there(tx, query, site):
            found.append(site)
    return tuple(found)


async def _kept_there(tx: AsyncConnection, query: SlotQuery, site: Site) -> bool:
    """Tell whether a site has what its room needs beside it: an adviser, or a tablet."""
    kind = Kind.TABLET if query.way is Way.BRANCH_VIDEO else Kind.CASEWORKER
    there = await catalog.resources(tx, site_id=site.id, kinds=(kind,))
    return any(one.kind is Kind.TABLET or can_advise(query, one) for one in there)


def _any_suits(query: SlotQuery, rooms: Iterable[Resource]) -> bool:
    return any(query.features <= room.features for room in rooms)
