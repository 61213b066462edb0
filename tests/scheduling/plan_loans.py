"""What happens to devices on loan, against the model of a plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduling import loans
from scheduling.device_uses import Use
from scheduling.model import Appointment, NotFound, Resource, Status
from scheduling.seats import GroupSession
from tests.scheduling.plan_bookings import Bookings
from tests.scheduling.plan_proof import ANY, one_of


class Loans(Bookings):
    """Adds handing out, taking back, and what to do when a device is overdue."""

    @rule(device=ANY, to=ANY, minutes=st.integers(1, 120))
    def hand_out(self, device: int, to: int, minutes: int) -> None:
        """Lend a device; nobody gets one that somebody else still has."""
        thing, borrower = (
            one_of(self.world.of("tablet", "camera"), device),
            one_of(self.world.of("caseworker"), to),
        )
        due = self.plan.now + dt.timedelta(minutes=minutes, seconds=len(self.plan.loans))
        done = self.do("hand out", lambda tx: loans.hand_out(
            tx, thing.id, borrower.id, due, self.plan.now,
        ))  # fmt: skip
        assert isinstance(done, loans.AlreadyOut) == (thing.id in self.plan.loans)
        self.plan.loans.setdefault(thing.id, due)

    @rule(device=ANY)
    def take_back(self, device: int) -> None:
        """Take a device back."""
        thing = one_of(self.world.of("tablet", "camera"), device)
        done = self.do("take back", lambda tx: loans.take_back(tx, thing.id, self.plan.now))
        assert isinstance(done, NotFound) == (thing.id not in self.plan.loans)
        self.plan.loans.pop(thing.id, None)

    @precondition(lambda self: any(due <= self.plan.now for due in self.plan.loans.values()))
    @rule()
    def cover(self) -> None:
        """Give what each overdue device is needed for next another device."""
        now = self.plan.now
        done = self.do("cover", lambda tx: loans.cover_overdue(tx, now, actor="staff"))
        assert isinstance(done, tuple)
        helped, stuck = ({(type(one), one.id): one for one in found} for found in done)
        late = {device for device, due in self.plan.loans.items() if due <= now}
        for device in sorted(late, key=self.plan.loans.__getitem__):
            before = self._next_with(device)
            if before is None:
                continue
            key = (type(before), before.id)
            if self._covered(before, late, helped.get(key)):
                del helped[key]
            else:
                self._stayed(stuck.pop(key), before)
        assert not helped
        assert not stuck

    def _next_with(self, device: int) -> Use | None:
        sessions = [one for one in self.plan.sessions.values() if one.status is Status.BOOKED]
        coming = [
            one for one in (*self.booked(), *sessions)
            if device in self.plan.claims_of(one) and one.span.start > self.plan.now
        ]  # fmt: skip
        return min(coming, key=lambda one: one.span.start, default=None)

    def _covered(self, before: Use, late: set[int], after: Use | None) -> bool:
        """Compare what a use has become; tell whether it could have been helped."""
        if isinstance(before, GroupSession):
            cameras = self.plan.cameras(before, before, late)
            if cameras == []:
                return False
            assert isinstance(after, GroupSession), before
            self.has_camera(after.camera, None, cameras)
            self.plan.sessions[before.id] = replace(
                before, camera=after.camera, sequence=before.sequence + 1
            )
            return True
        wish = self.plan.wish_for(before, keeper=before.caseworker.id)
        wish = replace(wish, without=frozenset(late))
        keepers = self.plan.keepers(wish, before)
        if keepers:
            assert isinstance(after, Appointment), before
            self.changed(before, after, wish, keepers)
        return bool(keepers)

    @staticmethod
    def _stayed(after: Use, before: Use) -> None:
        """Compare a use that could not be helped; seats are counted after every step."""
        if isinstance(after, GroupSession) and isinstance(before, GroupSession):
            before = replace(before, seats=after.seats)
        assert after == before

    @staticmethod
    def has_camera(
        camera: Resource | None, before: GroupSession | None, possible: list[int] | None
    ) -> None:
        """Compare the camera of a session with those it could have; it keeps its own if it can."""
        if possible is None:
            assert camera is None
            return
        assert camera is not None
        assert camera.id in possible
        if before is not None and before.camera is not None and before.camera.id in possible:
            assert camera == before.camera
