"""What happens to devices on loan, against the model of a plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduling import loans
from scheduling.model import NotFound
from tests.scheduling.plan_bookings import Bookings
from tests.scheduling.plan_proof import ANY, one_of


class Loans(Bookings):
    """Adds handing out, taking back, and what to do when a device is overdue."""

    @rule(device=ANY, to=ANY, minutes=st.integers(1, 120))
    def hand_out(self, device: int, to: int, minutes: int) -> None:
        """Lend a device; nobody gets one that somebody else still has."""
        thing, borrower = (
            one_of(self.world.of("tablet"), device), one_of(self.world.of("caseworker"), to),
        )  # fmt: skip
        due = self.plan.now + dt.timedelta(minutes=minutes, seconds=len(self.plan.loans))
        done = self.do("hand out", lambda tx: loans.hand_out(
            tx, thing.id, borrower.id, due, self.plan.now,
        ))  # fmt: skip
        assert isinstance(done, loans.AlreadyOut) == (thing.id in self.plan.loans)
        self.plan.loans.setdefault(thing.id, due)

    @rule(device=ANY)
    def take_back(self, device: int) -> None:
        """Take a device back."""
        thing = one_of(self.world.of("tablet"), device)
        done = self.do("take back", lambda tx: loans.take_back(tx, thing.id, self.plan.now))
        assert isinstance(done, NotFound) == (thing.id not in self.plan.loans)
        self.plan.loans.pop(thing.id, None)

    @precondition(lambda self: any(due <= self.plan.now for due in self.plan.loans.values()))
    @rule()
    def cover(self) -> None:
        """Give the next appointment of each overdue device another device."""
        now = self.plan.now
        done = self.do("cover", lambda tx: loans.cover_overdue(tx, now, actor="staff"))
        assert isinstance(done, tuple)
        helped, stuck = ({one.id: one for one in found} for found in done)
        late = {device for device, due in self.plan.loans.items() if due <= now}
        for device in sorted(late, key=self.plan.loans.__getitem__):
            coming = [
                one for one in self.booked()
                if one.device and one.device.id == device and one.span.start > now
            ]  # fmt: skip
            if not coming:
                continue
            before = min(coming, key=lambda one: one.span.start)
            wish = self.plan.wish_for(before, keeper=before.caseworker.id)
            wish = replace(wish, without=frozenset(late))
            keepers = self.plan.keepers(wish, before)
            if keepers:
                self.changed(before, helped.pop(before.id), wish, keepers)
            else:
                assert stuck.pop(before.id) == before
        assert not helped
        assert not stuck
