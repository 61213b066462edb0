"""When is this possible? The one answer, for the booking page, staff, moves and holds.

A start is possible when a caseworker is free for the consultation and its buffer and, for
everything else that the way needs, one of its kind is free as well: a room where the claimant
comes to, a tablet for video from a branch, a camera of the pool for a caseworker who has none, an
interpreter, a colleague who takes part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

from sqlalchemy import bindparam, false, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema, supply, taken
from scheduling.candidates import Candidate, Search, kinds_needed, may_be_needed, pick
from scheduling.enquiry import STAFF_HORIZON_DAYS, Option, SlotQuery
from scheduling.grid import TICK_SECONDS, Horizon, local_date
from scheduling.model import Kind, Slot, Way
from scheduling.supply import Supply
from scheduling.taken import Claimed

__all__ = [
    "STAFF_HORIZON_DAYS", "Option", "SlotQuery", "find", "nearest", "options",
]  # fmt: skip

SITES_AT_ONCE = 8
"""How many sites are looked through together where the site does not matter."""

GROUPS_READ = (2, 6, 24)
"""How many such groups of sites are read in one statement, first, second and third."""

_ITS_OWN = union_all(
    select(schema.claim.c.resource_id, schema.claim.c.starts_at, schema.claim.c.ends_at).where(
        schema.claim.c.appointment_id == bindparam("id")
    ),
    select(schema.colleague.c.resource_id, null(), null()).where(
        schema.colleague.c.appointment_id == bindparam("id")
    ),
)


async def find(tx: AsyncConnection, query: SlotQuery, now: dt.datetime) -> list[Slot]:
    """Return every start that can be booked now, in order of time.

    Where the site does not matter, a large office is not looked through to the end: as soon as
    some more sites have added no start, the remaining ones are left out.
    """
    horizon = query.within_terms(now)
    possible = 0
    async for candidates in _candidates(tx, horizon, query, now):
        before = possible
        for candidate in candidates:
            possible |= candidate.bitmap
        if before == possible != 0:
            break
    possible &= horizon.grid(query.step_minutes)
    length = dt.timedelta(minutes=query.offer.minutes)
    starts_at = horizon.instants(possible)
    # As `Slot` itself does, without a call of Python's for each of what may be a thousand.
    made = partial(tuple.__new__, Slot)
    return [*map(made, zip(starts_at, [start + length for start in starts_at], strict=True))]


async def nearest(
    tx: AsyncConnection, query: SlotQuery, wanted: dt.datetime, now: dt.datetime, count: int = 6
) -> list[Slot]:
    """Return the `count` starts nearest to `wanted`, in order of time."""
    slots = sorted(await find(tx, query, now), key=lambda slot: abs(slot.start - wanted))
    return sorted(slots[:count], key=lambda slot: slot.start)


async def options(
    tx: AsyncConnection, query: SlotQuery, start: dt.datetime, now: dt.datetime, *, turn: int = 0
) -> list[Option]:
    """Return who could take the `start`: best for the claimant's needs, least loaded first.

    Where the site does not matter, those are the people of the first sites that have any. Which
    of several equals comes first, is decided by their ids and `turn`, any number from 0 on.
    """
    date = local_date(start)
    # With the next day, since a consultation and its buffer may reach over midnight.
    query = replace(query, first=date, last=date + dt.timedelta(days=1))
    horizon = query.within_terms(now)
    tick = horizon.tick(start)
    if start.timestamp() % TICK_SECONDS or not 0 <= tick < horizon.ticks:
        return []
    found: list[Candidate] = []
    async for candidates in _candidates(tx, horizon, query, now):
        found = [candidate for candidate in candidates if candidate.bitmap >> tick & 1]
        if found:
            break
    found.sort(
        key=lambda one: (
            query.needs.interpreter not in one.caseworker.languages,
            one.load,
            one.caseworker.id ^ turn,
        )
    )
    return [
        Option(
            one.caseworker, one.place_id,
            tuple(pick(pool, tick, turn, query.keeps) for pool in one.pools),
        )
        for one in found
    ]  # fmt: skip


async def _candidates(
    tx: AsyncConnection, horizon: Horizon, query: SlotQuery, now: dt.datetime
) -> AsyncIterator[list[Candidate]]:
    """Yield who could take some start, some sites at a time."""
    if not horizon.ticks:
        return
    kinds = kinds_needed(query)
    own: list[Claimed] = []
    if query.ignore_appointment is not None:
        own, colleagues = await _its_own(tx, query.ignore_appointment)
        query = replace(query, with_people=tuple({*query.with_people, *colleagues}))
    in_time = query.after_notice(horizon, now)
    for groups in _reads(await _sites(tx, query, horizon.first)):
        read = await supply.load(
            tx, horizon, now, site_ids={site_id for group in groups for site_id in group},
            kinds=kinds, only=partial(may_be_needed, query, kinds),
        )  # fmt: skip
        busy = taken.without(read.busy, horizon, own)
        for group in groups:
            houses = tuple(house for house in read.houses if house.site.id in group)
            yield [*Search(Supply(houses, busy), horizon, query, in_time, now).candidates()]


async def _its_own(tx: AsyncConnection, appointment_id: int) -> tuple[list[Claimed], list[int]]:
    """Return what an appointment has claimed, and which colleagues take part in it."""
    rows = (await tx.execute(_ITS_OWN, {"id": appointment_id})).all()
    own = [(row.resource_id, row.starts_at, row.ends_at) for row in rows if row.starts_at]
    return own, [row.resource_id for row in rows if not row.starts_at]


def _reads(groups: list[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
    """Yield which groups of sites are read together: more each time, the last time all others."""
    # So an office of any size is read to its end in as few statements as a small one.
    remaining = iter(groups)
    for size in GROUPS_READ:
        if some := [*islice(remaining, size)]:
            yield some
    if others := [*remaining]:
        yield others


async def _sites(tx: AsyncConnection, query: SlotQuery, date: dt.date) -> list[tuple[int, ...]]:
    """Return the sites to look through, those to be looked through together side by side."""
    # An interpreter may sit in any house, and for video from a branch so may the caseworker.
    anywhere = query.way is Way.BRANCH_VIDEO or query.needs.interpreter or query.with_people
    if query.site_id is not None and not anywhere:
        return [(query.site_id,)]
    catalogue = catalog.known(tx)
    if catalogue is not None and query.site_id is None and not (anywhere or query.caseworker_id):
        return _in_turn([], [*catalogue.versions], date)
    site, person = schema.site.c, schema.resource.c
    needed = select(person.site_id).where(
        person.active,
        or_(
            person.id.in_([*query.with_people, query.caseworker_id or 0]),
            person.kind == Kind.INTERPRETER if query.needs.interpreter else false(),
        ),
    )
    rows = (
        await tx.execute(select(site.id, site.id.in_(needed).label("needed")).order_by(site.id))
    ).all()
    always = [row.id for row in rows if row.needed or row.id == query.site_id]
    others = [row.id for row in rows if not row.needed and row.id != query.site_id]
    advised_there = query.site_id is not None and query.way is not Way.BRANCH_VIDEO
    if advised_there or query.caseworker_id is not None:
        return [tuple(always)] if always else []
    return _in_turn(always, others, date)


def _in_turn(always: list[int], others: list[int], date: dt.date) -> list[tuple[int, ...]]:
    # Another day begins with other sites, so that the first ones do not get all the work.
    turn = date.toordinal() * SITES_AT_ONCE % max(len(others), 1)
    others = [*others[turn:], *others[:turn]]
    room = max(SITES_AT_ONCE - len(always), 1)
    return [
        (*always, *others[first : first + room]) for first in range(0, max(len(others), 1), room)
    ]
