"""The rescue list: appointments that a closure makes impossible, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, changes, closures, rescue, sessions, worklist
from scheduling.model import Appointment, Closed, NotFound, PlanError, SlotTaken
from scheduling.rescue import Proposal
from web import access, forms, rescue_list, telling
from web.arrangement import Arrangement
from web.keys import CLOCK, STORE
from web.sign_in import Staff
from web.templating import render
from web.translations import N_

_REASONS: Mapping[str, str] = {
    "taken": N_("What was proposed has been taken meanwhile. This is a new proposal."),
    "changed": N_("Somebody has changed this appointment meanwhile. Please look at it again."),
}


class ChangedMeanwhile(PlanError):
    """The appointment is not any more as the scheduler saw it."""


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
            "call": self.unreachable[: rescue_list.AT_ONCE],
            "taken": self.taken[: rescue_list.AT_ONCE],
            "changed": self.changed[: rescue_list.AT_ONCE],
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
        for one in rescue_list.numbers(request.query.get(name, ""))
    }
    groups = await rescue_list.groups(request.app[STORE], now, _closure(request), reasons)
    async with request.app[STORE].reading() as tx:
        groups_hit = await sessions.affected(tx, now)
        to_call = await appointments.by_ids(tx, rescue_list.numbers(request.query.get("call", "")))
    rescued = request.query.get("rescued", "")
    return render(
        request,
        "office/rescue.html",
        section="rescue",
        groups=groups,
        gatherings=groups_hit,
        stranded=rescue_list.STRANDED,
        total=sum(len(group.rows) + group.later for group in groups),
        solvable=any(row.proposed or row.others for group in groups for row in group.rows),
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
    chosen = rescue_list.numbers(",".join(str(one) for one in form.getall("apply", [])))
    now = request.app[CLOCK]()
    async with request.app[STORE].reading() as tx:
        affected = {one.id: one for one in await closures.affected(tx, now)}
        affected |= {
            one.appointment.id: one.appointment for one in await worklist.stranded(tx, now)
        }
    outcome = Outcome(changed=[one for one in chosen if one not in affected])
    try:
        wanted = {
            one: rescue_list.decode(forms.text(form, f"change-{one}"), affected[one])
            for one in chosen
            if one in affected
        }
    except ValueError:
        raise web.HTTPBadRequest from None
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
    await changes.lock(tx, proposal.appointment.id)
    before = await appointments.by_id(tx, proposal.appointment.id)
    if before.sequence != sequence:
        raise ChangedMeanwhile
    after = await rescue.carry_out(tx, proposal, actor=actor, now=request.app[CLOCK]())
    # Who else takes part is the office's affair, as is which tablet or camera it has.
    unheard = Arrangement.of(after).news(Arrangement.of(before)) is None
    return unheard or await tell(request, tx, after, actor)


def _closure(request: web.Request) -> int | None:
    return next(iter(rescue_list.numbers(request.query.get("closure", ""))), None)
