"""Everything that can happen to a plan, in any order, against a model of it.

Run ``python -m tests.scheduling.plan_machine --steps 100000 --engine postgresql`` for a long
proof; the tests do a short one.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from scheduling import booking, closures, rescue, retention, waitlist
from scheduling.model import (
    Appointment,
    Closed,
    HoldExpired,
    NotFound,
    Span,
    Status,
    Way,
)
from tests.postgresql import running_server
from tests.scheduling.plan_groups import Groups
from tests.scheduling.plan_model import Kept, Shut, Waiting
from tests.scheduling.plan_proof import ANY, STARTS, Proof, one_of

STEPS_IN_A_ROW = 50
STEPS_IN_A_ROUND = 2000


class PlanMachine(Groups):
    """Adds time, closures and rescue, the waiting list, and the purge."""

    @rule(minutes=st.sampled_from([1, 5, 10, 11, 30, 60, 61]))
    def expire(self, minutes: int) -> None:
        """Let time go by; holds and offers run out."""
        self.plan.now += dt.timedelta(minutes=minutes)
        self.proof.steps["expire"] += 1

    @precondition(lambda self: self.plan.holds)
    @rule()
    def purge(self) -> None:
        """Forget what is long spent; nothing that counts may go."""
        self.do("purge", lambda tx: retention.purge(tx, self.plan.now))

    @rule(
        pick=ANY, start=STARTS, fives=st.integers(1, 24),
        ways=st.sampled_from([(), (), (Way.IN_PERSON,), (Way.VIDEO, Way.BRANCH_VIDEO)]),
    )  # fmt: skip
    def close(self, pick: int, start: dt.datetime, fives: int, ways: tuple[Way, ...]) -> None:
        """Close a site or a room, or let a person or a device be absent."""
        subjects = [(site, None) for site in self.world.sites]
        subjects += [(None, thing) for thing in self.world.things]
        site_id, thing_id = one_of(subjects, pick)
        span = Span(start, start + dt.timedelta(minutes=5 * fives))
        made = self.do("close", lambda tx: closures.close(
            tx, span, site_id=site_id, resource_id=thing_id, ways=ways,
        ))  # fmt: skip
        assert isinstance(made, int)
        self.plan.shut[made] = Shut(made, span, site_id, thing_id, frozenset(ways))
        self._worklists(self.plan.shut[made])

    @precondition(lambda self: self.booked())
    @rule(pick=ANY, fives=st.integers(1, 36))
    def fall_out(self, pick: int, fives: int) -> None:
        """Let somebody or something that is needed fall out, and rescue what can be."""
        broken: Appointment = one_of(self.booked(), pick)
        needed = [*self.plan.claims_of(broken)]
        thing = [*self.world.things].index(one_of(needed, pick))
        self.close(len(self.world.sites) + thing, broken.span.start, fives, ())
        if self.plan.affected():
            self.rescue()

    @precondition(lambda self: self.plan.shut)
    @rule(pick=ANY)
    def lift(self, pick: int) -> None:
        """Take a closure back."""
        closure_id = one_of(self.plan.shut, pick)
        self.do("lift", lambda tx: closures.lift(tx, closure_id))
        del self.plan.shut[closure_id]
        self._worklists(None)

    def _worklists(self, shut: Shut | None) -> None:
        now = self.plan.now
        found = self.read(lambda tx: closures.affected(tx, now, shut.id if shut else None))
        assert {one.id for one in found} == self.plan.affected(shut)
        assert all(one == self.plan.appointments[one.id] for one in found)

    @precondition(lambda self: self.plan.affected())
    @rule()
    def rescue(self) -> None:
        """Carry out every proposal for what closures have made impossible: they fit together."""
        now = self.plan.now
        found = self.read(lambda tx: closures.affected(tx, now))
        proposals = self.do("propose", lambda tx: rescue.propose(tx, found, now))
        assert isinstance(proposals, list)
        assert [one.appointment for one in proposals] == found
        self.agrees()
        for proposal in sorted(proposals, key=lambda one: one.turn):
            if proposal.remedy is None:
                continue
            before = self.plan.appointments[proposal.appointment.id]
            wish = self.plan.wish_for(
                before, start=proposal.start, way=proposal.way, site_id=proposal.site_id,
                keeper=proposal.caseworker_id,
            )  # fmt: skip
            keepers = self.plan.keepers(wish, before)
            after = self.do("rescue", lambda tx, one=proposal: rescue.carry_out(
                tx, one, actor="staff", now=now,
            ))  # fmt: skip
            assert isinstance(after, Appointment), (after, proposal)
            self.changed(before, after, wish, keepers)
            assert after.id not in self.plan.affected()

    @precondition(lambda self: self.booked())
    @rule(pick=ANY)
    def join(self, pick: int) -> None:
        """Begin to wait for an earlier slot."""
        one: Appointment = one_of(self.booked(), pick)
        self.do("join", lambda tx: waitlist.join(tx, one.id, self.plan.now))
        self.plan.waiting.setdefault(one.id, Waiting())

    @precondition(lambda self: self.plan.waiting)
    @rule(pick=ANY)
    def leave(self, pick: int) -> None:
        """Stop waiting; what was offered is free again."""
        appointment_id = one_of(self.plan.waiting, pick)
        self.do("leave", lambda tx: waitlist.leave(tx, appointment_id))
        del self.plan.waiting[appointment_id]

    @precondition(lambda self: self.booked())
    @rule(pick=ANY, minutes=st.sampled_from([10, 60]))
    def offer(self, pick: int, minutes: int) -> None:
        """Let one more wait, then offer earlier slots in the order in which people began to."""
        self.join(pick)
        now = self.plan.now
        made = self.do("offer", lambda tx: waitlist.offer(tx, now, minutes))
        assert isinstance(made, list)
        offers = {one.appointment.id: one for one in made}
        for appointment_id, waiting in self.plan.waiting.items():
            appointment = self.plan.appointments[appointment_id]
            open_offer = waiting.offer and waiting.offer.hold.expires_at > now
            due = appointment.status is Status.BOOKED and appointment.span.start > now
            if open_offer or not due:
                assert appointment_id not in offers
                continue
            expected = self.plan.earlier(appointment, self.quarters())
            offer = offers.pop(appointment_id, None)
            assert (offer and offer.start) == expected
            if offer is not None:
                self._offered(waiting, offer)
        assert not offers

    def _offered(self, waiting: Waiting, offer: waitlist.Offer) -> None:
        held = self.read(lambda tx: booking.read_hold(tx, offer.token, self.plan.now))
        appointment = offer.appointment
        assert held.way is appointment.way
        waiting.offer = Kept(offer.token, held, appointment.topic, appointment.needs)
        waiting.declined.add(offer.start)

    @precondition(lambda self: any(one.offer for one in self.plan.waiting.values()))
    @rule(pick=ANY)
    def accept(self, pick: int) -> None:
        """Take the earlier slot, in time or late."""
        offered = [one for one, waiting in self.plan.waiting.items() if waiting.offer]
        before = self.plan.appointments[one_of(offered, pick)]
        waiting = self.plan.waiting[before.id]
        kept = waiting.offer
        assert kept is not None
        late = kept.hold.expires_at <= self.plan.now
        wish = self.plan.wish_for(
            before, start=kept.hold.span.start, keeper=kept.hold.caseworker.id,
            site_id=kept.hold.site.id,
        )  # fmt: skip
        waiting.offer = None
        keepers = self.plan.keepers(wish, before)
        waiting.offer = kept
        after = self.do("accept", lambda tx: waitlist.accept(
            tx, kept.token, actor="claimant", now=self.plan.now,
        ))  # fmt: skip
        if late:
            assert isinstance(after, (HoldExpired, NotFound))
        elif before.status is not Status.BOOKED:
            assert isinstance(after, Closed)
        elif not keepers:
            assert isinstance(after, HoldExpired)
        else:
            assert isinstance(after, Appointment), (after, wish)
            del self.plan.waiting[before.id]
            self.changed(before, after, wish, keepers)


def prove(url: str, steps: int, *, begin: int = 1) -> tuple[Counter[str], int]:
    """Do at least `steps` steps on the empty store at `url`, or raise.

    Rounds are drawn from the seeds `begin`, `begin` + 1 and so on. Returns how often what was
    done, and the next seed.
    """
    proof = Proof(url)
    machine = type("PlanMachine", (PlanMachine,), {"proof": proof})
    try:
        # Some examples end early, and how many depends on the constants of the modules that are
        # loaded, which Hypothesis draws from too: steps are counted, not foreseen.
        while (left := steps - proof.steps.total()) > 0:
            how = settings(
                max_examples=1 + left // STEPS_IN_A_ROW,
                stateful_step_count=STEPS_IN_A_ROW,
                deadline=None,
                database=None,
                suppress_health_check=[*HealthCheck],
            )
            run_state_machine_as_test(seed(begin)(machine), settings=how)
            begin += 1
    finally:
        proof.close()
    return proof.steps, begin


@contextlib.contextmanager
def empty_store(engine: str) -> Iterator[str]:
    """Yield the URL of an empty store of an engine, gone afterwards."""
    if engine == "postgresql":
        with running_server() as server:
            yield server + "postgres"
    else:
        with tempfile.TemporaryDirectory(prefix="sprechzeit-plan-") as folder:
            yield f"sqlite+prompt:///{folder}/plan.db"


def main() -> None:
    """Prove in rounds until there were enough steps; print how often what was done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    done: Counter[str] = Counter()
    began, number = time.monotonic(), chosen.seed
    while (left := chosen.steps - done.total()) > 0:
        with empty_store(chosen.engine) as url:
            steps, number = prove(url, min(left, STEPS_IN_A_ROUND), begin=number)
        done += steps
        seconds = time.monotonic() - began
        sys.stderr.write(f"{done.total()} steps in {seconds:.0f} s, next seed {number}\n")
    for what, times in sorted(done.items()):
        sys.stdout.write(f"{what:24} {times}\n")


if __name__ == "__main__":
    main()
