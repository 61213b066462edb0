"""The best way out for appointments that a closure has made impossible.

Proposals are found by trying: each is carried out in a transaction that is then taken back, so
that together they never promise the same colleague or room twice.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import changes, claims, slots
from scheduling.grid import local_date
from scheduling.model import Appointment, Closed, SlotTaken, Way

SEARCH_DAYS = 14
"""How far ahead another time is looked for."""

_ACTOR = "proposal"


class Remedy(enum.StrEnum):
    """What is proposed, from the least to the greatest change for the claimant."""

    COLLEAGUE = "colleague"
    OTHER_WAY = "other_way"
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One appointment and what would become of it; no `remedy` where none was found."""

    appointment: Appointment
    remedy: Remedy | None = None
    start: dt.datetime | None = None
    way: Way | None = None
    site_id: int | None = None
    caseworker_id: int | None = None
    turn: int = 0
    """When it is to be carried out: what an earlier one gives up may be what a later one gets."""


async def propose(
    tx: AsyncConnection, affected: Sequence[Appointment], now: dt.datetime
) -> list[Proposal]:
    """Return a proposal for each of the `affected`, which fit together.

    `tx` is left as it was.
    """
    trial = await tx.begin_nested()
    found: dict[int, Proposal] = {}
    try:
        await claims.give_way(tx)
        # Whoever can keep their time gets it before anybody is moved into a free slot.
        for candidates in (_at_the_same_time, _moves):
            for appointment in affected:
                if appointment.id not in found:
                    tried = await _first_that_works(tx, await candidates(tx, appointment, now), now)
                    if tried is not None:
                        found[appointment.id] = replace(tried, turn=len(found))
    finally:
        await trial.rollback()
    return [found.get(one.id, Proposal(one)) for one in affected]


async def carry_out(
    tx: AsyncConnection, proposal: Proposal, *, actor: str, now: dt.datetime
) -> Appointment:
    """Do what is proposed. Raises `SlotTaken` or `Closed` when that has become impossible."""
    return await changes.rearrange(
        tx, proposal.appointment.id, start=proposal.start, way=proposal.way,
        site_id=proposal.site_id, caseworker_id=proposal.caseworker_id,
        actor=actor, now=now, for_staff=True,
    )  # fmt: skip


async def _first_that_works(
    tx: AsyncConnection, candidates: Sequence[Proposal], now: dt.datetime
) -> Proposal | None:
    for proposal in candidates:
        try:
            async with tx.begin_nested():
                after = await carry_out(tx, proposal, actor=_ACTOR, now=now)
        except (SlotTaken, Closed):
            continue
        except DBAPIError as error:
            if claims.is_contended(error):
                continue
            raise
        return replace(
            proposal,
            start=after.span.start,
            way=after.way,
            site_id=after.site.id,
            caseworker_id=after.caseworker.id,
        )
    return None


async def _at_the_same_time(
    _tx: AsyncConnection, appointment: Appointment, _now: dt.datetime
) -> list[Proposal]:
    start = appointment.span.start
    other_ways = [
        Proposal(appointment, Remedy.OTHER_WAY, start, way, caseworker_id=caseworker_id)
        for caseworker_id in (appointment.caseworker.id, None)
        for way in (Way.PHONE, Way.VIDEO)
        if way is not appointment.way
        and way in appointment.topic.ways
        # Who left no number cannot be phoned.
        and (way is not Way.PHONE or appointment.person.phone)
    ]
    return [Proposal(appointment, Remedy.COLLEAGUE, start), *other_ways]


async def _moves(tx: AsyncConnection, appointment: Appointment, now: dt.datetime) -> list[Proposal]:
    # Only later: nobody can be expected to be free earlier than they had planned.
    start = appointment.span.start
    first = local_date(start)
    last = first + dt.timedelta(days=SEARCH_DAYS)
    query = changes.elsewhere(appointment, first, last, for_staff=True)
    later = [slot for slot in await slots.find(tx, query, now) if slot.start > start]
    return [Proposal(appointment, Remedy.MOVE, slot.start) for slot in later[:8]]
