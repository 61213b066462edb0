"""The rescue list: appointments that a closure makes impossible, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, closures, rescue, sessions, worklist
from scheduling.model import (
    Appointment,
    Closed,
    NotFound,
    PlanError,
    Resource,
    SlotTaken,
    Way,
)
from scheduling.rescue import Proposal, Remedy
from scheduling.store import Store
from scheduling.worklist import Reason
from web import access, telling
from web.closures import Line, lines
from web.keys import CLOCK, STORE
from web.sign_in import Staff
from web.templating import render
from web.translations import N_

AT_ONCE = 40
"""For how many appointments proposals are sought on one page; the rest follows after them."""

_REASONS: Mapping[str, str] = {
    "taken": N_("What was proposed has been taken meanwhile. This is a new proposal."),
    "changed": N_("Somebody has changed this appointment meanwhile. Please look at it again."),
}

STRANDED: Mapping[Reason, str] = {
    Reason.RETIRED: N_("Somebody or something they need has left the plan"),
    Reason.HOURS: N_("Outside the hours as they are now"),
    Reason.SKILL: N_("Whom or what they have does not fit their needs any more"),
    Reason.PLACE: N_("Whom or what they have belongs to another house now"),
}
"""What is said of appointments that no longer fit although no closure affects them."""


class ChangedMeanwhile(PlanError):
    """The appointment is not any more as the scheduler saw it."""


@dataclass(frozen=True, slots=True)
class Row:
    """An affected appointment, its proposal, and why an earlier one came to nothing."""

    appointment: Appointment
    proposal: Proposal
    caseworker: Resource | None
    code: str
    problem: str


@dataclass(frozen=True, slots=True)
class Group:
    """A closure, or a reason without one, with the appointments it affects.

    `later` are those that wait their turn.
    """

    line: Line | None
    reason: Reason | None
    rows: list[Row]
    later: int


@dataclass(slots=True)
class Outcome:
    """What came of carrying out: how many were rearranged, and the ids of the others."""

    done: int = 0
    unreachable: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)

    def query(self) -> str:
        """Return it as the query of an address."""
        ids = {
            "call": self.unreachable[:AT_ONCE],
            "taken": self.taken[:AT_ONCE],
            "changed": self.changed[:AT_ONCE],
        }
        listed = {name: ",".join(map(str, one)) for name, one in ids.items() if one}
        return urlencode({"rescued": self.done, **listed}, safe=",")


async def show(request: web.Request) -> web.Response:
    """Show every affected appointment with the best proposal, closure by closure."""
    staff = access.plan_reader(request)
    now = request.app[CLOCK]()
    reasons = {
        one: reason
        for name, reason in _REASONS.items()
        for one in _ids(request.query.get(name, ""))
    }
    groups = await _groups(request.app[STORE], now, _closure(request), reasons)
    async with request.app[STORE].reading() as tx:
        groups_hit = await sessions.affected(tx, now)
        to_call = await appointments.by_ids(tx, _ids(request.query.get("call", "")))
    rescued = request.query.get("rescued", "")
    return render(
        request,
        "office/rescue.html",
        section="rescue",
        groups=groups,
        gatherings=groups_hit,
        stranded=STRANDED,
        total=sum(len(group.rows) + group.later for group in groups),
        solvable=sum(row.proposal.remedy is not None for group in groups for row in group.rows),
        closure=_closure(request),
        entered=request.query.get("done") == "closed",
        rescued=int(rescued) if rescued.isascii() and rescued.isdigit() else None,
        to_call=to_call,
        left=len(reasons),
        may_plan=access.may_plan(staff),
    )


async def apply(request: web.Request) -> web.Response:
    """Carry out what was chosen, one transaction and one letter for each appointment."""
    staff = access.planner(request)
    form = await request.post()
    chosen = _ids(",".join(str(one) for one in form.getall("apply", [])))
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        affected = {one.id: one for one in await closures.affected(tx, now)}
        affected |= {
            one.appointment.id: one.appointment for one in await worklist.stranded(tx, now)
        }
    outcome = Outcome(changed=[one for one in chosen if one not in affected])
    wanted = {
        one: _decode(str(form.get(f"change-{one}", "")), affected[one])
        for one in chosen
        if one in affected
    }
    # One may be to get what another gives up: whoever came too early is tried again after all.
    while wanted:
        early = [
            one for one in wanted if not await _is_settled(request, staff, wanted[one], outcome)
        ]
        if len(early) == len(wanted):
            outcome.taken.extend(early)
            break
        wanted = {one: wanted[one] for one in early}
    kept = f"&closure={closure}" if (closure := _closure(request)) else ""
    raise web.HTTPSeeOther(f"/plan/rescue?{outcome.query()}{kept}")


async def tell(
    request: web.Request, tx: AsyncConnection, appointment: Appointment, actor: str
) -> bool:
    """Write what has just happened; False where no address of the claimant is known."""
    latest = (await appointments.history(tx, appointment.id))[-1]
    return await telling.tell(request, tx, appointment, latest.change, actor=actor)


def actor_of(staff: Staff) -> str:
    """Name somebody in the history by role and number: histories outlive names."""
    return f"{staff.role}:{staff.id}"


async def _is_settled(
    request: web.Request, staff: Staff, wanted: tuple[int, Proposal], outcome: Outcome
) -> bool:
    """Carry out one of them; False where what it needs is taken at present."""
    sequence, proposal = wanted
    appointment_id = proposal.appointment.id
    try:
        async with request.app[STORE].writing() as tx:
            told = await _carry_out(request, tx, proposal, sequence, actor_of(staff))
    except (SlotTaken, NotFound):
        return False
    except (ChangedMeanwhile, Closed):
        outcome.changed.append(appointment_id)
    else:
        outcome.done += 1
        if not told:
            outcome.unreachable.append(appointment_id)
    return True


async def _carry_out(
    request: web.Request, tx: AsyncConnection, proposal: Proposal, sequence: int, actor: str
) -> bool:
    after = await rescue.carry_out(tx, proposal, actor=actor, now=request.app[CLOCK]())
    # The row is locked by now: one step further means that nobody came between.
    if after.sequence != sequence + 1:
        raise ChangedMeanwhile
    return await tell(request, tx, after, actor)


async def _groups(
    store: Store, now: dt.datetime, closure: int | None, reasons: Mapping[int, str]
) -> list[Group]:
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
    rows = await _rows(store, [*waiting.values()][:AT_ONCE], now, reasons)
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
    store: Store, affected: list[Appointment], now: dt.datetime, reasons: Mapping[int, str]
) -> dict[int, Row]:
    if not affected:
        return {}
    # Proposals are found by trying, so the transaction must be one that may write.
    async with store.writing() as tx:
        proposals = await rescue.propose(tx, affected, now)
        people = {one.caseworker_id for one in proposals if one.caseworker_id is not None}
        names = await catalog.resources_by_id(tx, people)
    return {
        one.appointment.id: Row(
            one.appointment,
            one,
            names.get(one.caseworker_id or 0),
            _encode(one),
            reasons.get(one.appointment.id, ""),
        )
        for one in proposals
    }


def _encode(proposal: Proposal) -> str:
    """Return what the scheduler sees as a form's value, so that exactly that is carried out."""
    if proposal.start is None:
        return ""
    return "|".join((
        str(proposal.appointment.sequence), proposal.remedy or "", proposal.start.isoformat(),
        proposal.way or "", str(proposal.site_id or ""), str(proposal.caseworker_id or ""),
    ))  # fmt: skip


def _decode(value: str, appointment: Appointment) -> tuple[int, Proposal]:
    try:
        sequence, remedy, start, way, site, caseworker = value.split("|")
        instant = dt.datetime.fromisoformat(start)
        proposal = Proposal(
            appointment, Remedy(remedy), instant, Way(way), int(site), int(caseworker)
        )
        seen = int(sequence)
    except ValueError:
        raise web.HTTPBadRequest from None
    if instant.tzinfo is None:
        raise web.HTTPBadRequest
    return seen, proposal


def _closure(request: web.Request) -> int | None:
    return next(iter(_ids(request.query.get("closure", ""))), None)


def _ids(value: str) -> list[int]:
    """Return the numbers of a list in an address; what is none is left out."""
    found = [one for one in value.split(",") if one.isascii() and one.isdigit()]
    return [int(one) for one in dict.fromkeys(found) if len(one) <= 18]
