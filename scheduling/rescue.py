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

from scheduling import appointments, changes, claims, slots, together
from scheduling.grid import local_date
from scheduling.model import Appointment, Closed, SlotTaken, Way

SEARCH_DAYS = 14
"""How far ahead another time is looked for."""

TRIED = 8
"""How much of one kind is tried, such as other times, before the next kind."""

PEOPLE_TO_CHOOSE, DAYS_TO_CHOOSE, TIMES_TO_CHOOSE = 4, 4, 3
"""How many people, days, and times of a day a scheduler is given to choose from."""

_ACTOR = "proposal"


class Remedy(enum.StrEnum):
    """What is proposed, from the least to the greatest change for the claimant."""

    COLLEAGUE = "colleague"
    OTHER_WAY = "other_way"
    WITHOUT = "without"
    """Nothing changes but that a colleague who was to take part is left out."""
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
    excused: tuple[int, ...] = ()
    """Colleagues who no longer take part beside the caseworker."""
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
        for candidates in (_at_the_same_time, _without_colleagues, _moves):
            for appointment in affected:
                if appointment.id not in found:
                    hopes = (await candidates(tx, appointment, now))[:TRIED]
                    tried = await _first_that_works(tx, hopes, now)
                    if tried is not None:
                        found[appointment.id] = replace(tried, turn=len(found))
    finally:
        await trial.rollback()
    return [found.get(one.id, Proposal(one)) for one in affected]


async def alternatives(
    tx: AsyncConnection, appointment: Appointment, now: dt.datetime
) -> list[Proposal]:
    """Return what else could become of one appointment, what changes least first.

    Each stands for itself: it may be what the proposal for another appointment takes.
    """
    start, found = appointment.span.start, []
    for way in _ways_at_hand(appointment):
        remedy = Remedy.COLLEAGUE if way is appointment.way else Remedy.OTHER_WAY
        query = changes.elsewhere(appointment, local_date(start), way=way, for_staff=True)
        options = await slots.options(tx, query, start, now)
        options.sort(key=lambda one: one.caseworker.id != appointment.caseworker.id)
        found += [
            Proposal(appointment, remedy, start, way, one.place_id, one.caseworker.id)
            for one in options[:PEOPLE_TO_CHOOSE]
        ]
    return found + _spread(await _moves(tx, appointment, now))


async def carry_out(
    tx: AsyncConnection, proposal: Proposal, *, actor: str, now: dt.datetime
) -> Appointment:
    """Do what is proposed. Raises `SlotTaken` or `Closed` when that has become impossible."""
    before = proposal.appointment
    for colleague in await together.colleagues(tx, before.id) if proposal.excused else ():
        if colleague.id in proposal.excused:
            await together.excuse(tx, before, colleague.id, actor, now)
    if proposal.remedy is Remedy.WITHOUT:
        if not await _holds(tx, before, now):
            raise SlotTaken
        return await appointments.by_id(tx, before.id)
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
        for way in _ways_at_hand(appointment)
        if way is not appointment.way
    ]
    return [Proposal(appointment, Remedy.COLLEAGUE, start), *other_ways]


def _ways_at_hand(appointment: Appointment) -> list[Way]:
    """Return the present way, and those for which nobody has to go anywhere else."""
    others = [
        way
        for way in (Way.PHONE, Way.VIDEO)
        if way is not appointment.way
        and way in appointment.topic.ways
        # Who left no number cannot be phoned.
        and (way is not Way.PHONE or appointment.person.phone)
    ]
    return [appointment.way, *others]


async def _without_colleagues(
    tx: AsyncConnection, appointment: Appointment, _now: dt.datetime
) -> list[Proposal]:
    """Leave out as few as possible of those who take part, or let one of them advise."""
    ids = [one.id for one in await together.colleagues(tx, appointment.id)]
    some = [(one,) for one in ids]
    start = appointment.span.start
    return [
        Proposal(appointment, remedy, start, excused=excused)
        for excused in ([*some, (*ids,)] if len(ids) > 1 else some)
        for remedy in (Remedy.WITHOUT, Remedy.COLLEAGUE)
    ]


async def _holds(tx: AsyncConnection, appointment: Appointment, now: dt.datetime) -> bool:
    """Tell whether everybody and everything that it has is there at its time."""
    start = appointment.span.start
    query = changes.elsewhere(
        appointment, local_date(start), caseworker_id=appointment.caseworker.id, for_staff=True
    )
    return any(
        query.keeps <= {one.id for one in option.others}
        for option in await slots.options(tx, query, start, now)
    )


async def _moves(tx: AsyncConnection, appointment: Appointment, now: dt.datetime) -> list[Proposal]:
    # Only later: nobody can be expected to be free earlier than they had planned.
    start = appointment.span.start
    first = local_date(start)
    last = first + dt.timedelta(days=SEARCH_DAYS)
    query = changes.elsewhere(appointment, first, last, for_staff=True)
    later = [slot for slot in await slots.find(tx, query, now) if slot.start > start]
    return [Proposal(appointment, Remedy.MOVE, slot.start) for slot in later]


def _spread(moves: Sequence[Proposal]) -> list[Proposal]:
    """Return a few of the `moves`, which are in order of time, on several days."""
    days: dict[dt.date, list[Proposal]] = {}
    for one in moves:
        if one.start is not None:
            days.setdefault(local_date(one.start), []).append(one)
    return [
        one
        for some in [*days.values()][:DAYS_TO_CHOOSE]
        for one in some[:: -(-len(some) // TIMES_TO_CHOOSE)]
    ]
