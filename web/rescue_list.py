"""What stands on the rescue list: who is affected by what, and what can become of each.

What can be chosen is a form's value that says all of it, so that exactly what a scheduler has
seen is carried out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from scheduling import catalog, changes, closures, rescue, suitable, worklist
from scheduling.grid import local_date
from scheduling.model import Appointment, Resource, Way
from scheduling.rescue import Proposal, Remedy
from scheduling.store import Store
from scheduling.suitable import Lack
from scheduling.worklist import Reason
from web.closures import Line, lines
from web.translations import N_

AT_ONCE = 40
"""For how many appointments proposals are sought on one page; the rest follows after them."""

STRANDED: Mapping[Reason, str] = {
    Reason.RETIRED: N_("Somebody or something they need has left the plan"),
    Reason.HOURS: N_("Outside the hours as they are now"),
    Reason.SKILL: N_("Whom or what they have does not fit their needs any more"),
    Reason.PLACE: N_("Whom or what they have belongs to another house now"),
    Reason.CAMERA: N_("Whoever advises has no camera for them any more"),
}
"""What is said of appointments that no longer fit although no closure affects them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that can become of an appointment, with the names of those concerned.

    `code` is what the form says where it is chosen.
    """

    proposal: Proposal
    code: str
    caseworker: Resource | None
    excused: list[Resource]


@dataclass(frozen=True, slots=True)
class Row:
    """An affected appointment, what is proposed, what else is possible, and what went wrong.

    `proposed` is None where nothing was found that fits with all other proposals; `lack` says why
    where no room of its site will ever do.
    """

    appointment: Appointment
    proposed: Choice | None
    others: list[Choice]
    problem: str
    lack: Lack | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A closure, or a reason without one, with the appointments it affects.

    `later` are those that wait their turn.
    """

    line: Line | None
    reason: Reason | None
    rows: list[Row]
    later: int


async def groups(
    store: Store, now: dt.datetime, closure: int | None, problems: Mapping[int, str]
) -> list[Group]:
    """Return what a `closure` affects, or all that is affected, with proposals that fit together.

    `problems` say by appointment why an earlier proposal came to nothing.
    """
    async with store.reading() as tx:
        current = await lines(
            tx,
            [one for one in await closures.current(tx, now) if closure in {None, one.id}],
        )
        hit: list[tuple[Line | None, Reason | None, list[Appointment]]] = [
            (line, None, await closures.affected(tx, now, line.closed.id)) for line in current
        ]
        if closure is None:
            lost = worklist.by_reason(await worklist.stranded(tx, now))
            hit += [(None, reason, lost[reason]) for reason in STRANDED if reason in lost]
    waiting: dict[int, Appointment] = {}
    mine: list[list[int]] = []
    for _, _, affected in hit:
        # Who is hit twice stands once on the list.
        mine.append([one.id for one in affected if one.id not in waiting])
        waiting |= {one.id: one for one in affected}
    rows = await _rows(store, [*waiting.values()][:AT_ONCE], now, problems)
    return [
        Group(
            line,
            reason,
            [rows[one] for one in ids if one in rows],
            sum(one not in rows for one in ids),
        )
        for (line, reason, _), ids in zip(hit, mine, strict=True)
        if ids or closure is not None
    ]


async def _rows(
    store: Store, affected: list[Appointment], now: dt.datetime, problems: Mapping[int, str]
) -> dict[int, Row]:
    if not affected:
        return {}
    # Proposals are found by trying, so the transaction must be one that may write.
    async with store.writing() as tx:
        proposals = await rescue.propose(tx, affected, now)
    async with store.reading() as tx:
        others = {one.id: await rescue.alternatives(tx, one, now) for one in affected}
        ids = {
            one
            for proposal in (*proposals, *chain.from_iterable(others.values()))
            for one in (proposal.caseworker_id, *proposal.excused)
            if one is not None
        }
        names = await catalog.resources_by_id(tx, ids)
        lacks = {
            one.id: await suitable.lack(tx, changes.elsewhere(one, local_date(one.span.start)))
            for one in affected
        }
    return {
        one.appointment.id: Row(
            one.appointment,
            _choice(one, names) if one.remedy else None,
            [
                _choice(other, names)
                for other in others[one.appointment.id]
                if not _is_same(one, other)
            ],
            problems.get(one.appointment.id, ""),
            lacks[one.appointment.id],
        )
        for one in proposals
    }


def _choice(proposal: Proposal, names: Mapping[int, Resource]) -> Choice:
    excused = [names[one] for one in proposal.excused]
    return Choice(proposal, encode(proposal), names.get(proposal.caseworker_id or 0), excused)


def _is_same(one: Proposal, other: Proposal) -> bool:
    """Tell whether two come to the same; a move names whoever is free, at last."""
    if one.excused != other.excused or one.start != other.start:
        return False
    free = other.caseworker_id is None
    return free or (one.way, one.caseworker_id) == (other.way, other.caseworker_id)


def encode(proposal: Proposal) -> str:
    """Return what a scheduler sees as a form's value; `decode` reads it."""
    return "|".join((
        str(proposal.appointment.sequence), proposal.remedy or "",
        proposal.start.isoformat() if proposal.start else "", proposal.way or "",
        str(proposal.site_id or ""), str(proposal.caseworker_id or ""),
        ",".join(map(str, proposal.excused)),
    ))  # fmt: skip


def decode(value: str, appointment: Appointment) -> tuple[int, Proposal]:
    """Return what was chosen, and the sequence of the appointment when it was shown.

    Raises `ValueError` for what this page never said.
    """
    sequence, remedy, start, way, site, caseworker, excused = value.split("|")
    instant = dt.datetime.fromisoformat(start)
    if instant.tzinfo is None or not sequence.isdecimal():
        raise ValueError(value)
    site_ids, people = numbers(site), numbers(caseworker)
    return int(sequence), Proposal(
        appointment, Remedy(remedy), instant, Way(way) if way else None,
        site_ids[0] if site_ids else None, people[0] if people else None,
        tuple(numbers(excused)),
    )  # fmt: skip


def numbers(value: str) -> list[int]:
    """Return the numbers of a list in an address; what is none is left out."""
    found = [one for one in value.split(",") if one.isascii() and one.isdigit()]
    return [int(one) for one in dict.fromkeys(found) if len(one) <= 18]
