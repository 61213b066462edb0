"""What claimants and staff do to single appointments, against the model of a plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from scheduling import booking, changes, slots
from scheduling.model import (
    Appointment,
    Change,
    Closed,
    HoldExpired,
    Needs,
    NeedUnmet,
    NotFound,
    Person,
    SlotTaken,
    Status,
    Way,
)
from tests.scheduling.plan_model import Kept, Wish
from tests.scheduling.plan_proof import ANY, NEEDS, STARTS, WAYS, Compared, fits, one_of, said

PERSON = Person("Kim Beispiel", "kim@example.org", "+4930123456")
WISHES = {"topic": ANY, "way": WAYS, "start": STARTS, "site": ANY, "needs": NEEDS}


class Bookings(Compared):
    """Holding, confirming, booking, looking, moving, shifting, reassigning, cancelling."""

    @initialize(found=st.lists(st.fixed_dictionaries(WISHES), max_size=10))
    def begin(self, found: list[dict[str, Any]]) -> None:
        """Begin with an office in which something is booked."""
        self.empty()
        for one in found:
            self.book(**one)

    @rule(**WISHES)
    def book(self, topic: int, way: Way, start: dt.datetime, site: int, needs: Needs) -> None:
        """Book for a claimant who is on the phone."""
        self._book(self.wish(topic, way, start, site, needs, staff=True))

    def _book(self, wish: Wish) -> None:
        keepers = self.plan.keepers(wish)
        made = self.do("book", lambda tx: booking.book(
            tx, topic=wish.topic, way=wish.way, start=wish.start, site_id=wish.site_id,
            person=PERSON, needs=wish.needs, locale="de", now=self.plan.now, actor="staff",
        ))  # fmt: skip
        if not keepers:
            assert isinstance(made, SlotTaken), wish
            return
        assert isinstance(made, booking.Confirmed), (made, wish)
        assert made.created
        assert made.appointment.caseworker.id in keepers
        assert fits(made.appointment, wish), (made.appointment, wish)
        self.learned(made.appointment, Change.BOOKED)

    @rule(**WISHES, staff=st.booleans(), minutes=st.sampled_from([5, 10, 60]))
    def hold(
        self, topic: int, way: Way, start: dt.datetime, site: int, needs: Needs, *,
        staff: bool, minutes: int,
    ) -> None:  # fmt: skip
        """Keep a slot while somebody types."""
        self._hold(self.wish(topic, way, start, site, needs, staff=staff), minutes)

    def _hold(self, wish: Wish, minutes: int) -> None:
        keepers = self.plan.keepers(wish)
        made = self.do("hold", lambda tx: booking.hold(
            tx, topic=wish.topic, way=wish.way, start=wish.start, now=self.plan.now,
            site_id=wish.site_id, needs=wish.needs, minutes=minutes, for_staff=wish.staff,
        ))  # fmt: skip
        if not keepers:
            assert isinstance(made, SlotTaken), wish
            return
        assert not isinstance(made, Exception), (made, wish)
        token, held = made
        assert held.caseworker.id in keepers
        assert held.span == wish.span
        self.plan.holds[token] = Kept(token, held, wish.topic, wish.needs)

    @rule(topic=ANY, way=WAYS, site=ANY, needs=NEEDS, staff=st.booleans(), pick=ANY)
    def look(
        self, topic: int, way: Way, site: int, needs: Needs, *, staff: bool, pick: int
    ) -> None:
        """Look at all free times, and hold one of them: nobody came between."""
        anywhen = self.wish(topic, way, self.plan.now, site, needs, staff=staff)
        found = self.read(lambda tx: slots.find(tx, said(anywhen), self.plan.now))
        self.proof.steps["look"] += 1
        offered = [slot.start for slot in found]
        assert offered == [
            start for start in self.quarters() if self.plan.keepers(replace(anywhen, start=start))
        ]
        if offered:
            self._hold(replace(anywhen, start=one_of(offered, pick)), 10)

    @precondition(lambda self: self.plan.holds)
    @rule(pick=ANY, more=NEEDS)
    def confirm(self, pick: int, more: Needs) -> None:
        """Confirm a hold, in time or late, perhaps with needs that were not known before."""
        kept: Kept = one_of(self.plan.holds.values(), pick)
        held, needs = kept.hold, more if more != Needs() else kept.needs
        keep_site = held.site.id if held.topic.ways[held.way].at_site else None
        wish = Wish(
            kept.topic, held.way, held.span.start, keep_site, held.caseworker.id, needs
        )  # fmt: skip
        before = self.plan.confirmed.get(kept.token)
        demanding = needs.features or needs.interpreter
        met = before or not demanding or self.plan.keepers(wish, kept)
        untouched = self.plan.unclaimed(kept)
        made = self.do("confirm", lambda tx: booking.confirm(
            tx, kept.token, person=PERSON, needs=needs, locale="de", now=self.plan.now,
        ))  # fmt: skip
        if isinstance(made, HoldExpired):
            assert before is None
            assert held.expires_at <= self.plan.now
        elif isinstance(made, NeedUnmet):
            assert not met, wish
        elif isinstance(made, NotFound):
            assert held.expires_at <= self.plan.now - dt.timedelta(hours=1)
        else:
            assert isinstance(made, booking.Confirmed), made
            assert made.created == (before is None)
            if before is not None:
                assert made.appointment == self.plan.appointments[before]
                return
            assert met, wish
            assert untouched
            wish = replace(wish, site_id=held.site.id)
            assert fits(made.appointment, wish), (made.appointment, wish)
            self.plan.confirmed[kept.token] = made.appointment.id
            self.learned(made.appointment, Change.BOOKED)

    @precondition(lambda self: self.plan.holds)
    @rule(pick=ANY)
    def release(self, pick: int) -> None:
        """Give a held slot back; what was confirmed stays."""
        kept: Kept = one_of(self.plan.holds.values(), pick)
        done = self.do("release", lambda tx: booking.release(tx, kept.token, self.plan.now))
        if kept.token not in self.plan.confirmed and not isinstance(done, NotFound):
            self.plan.holds[kept.token] = replace(
                kept, hold=replace(kept.hold, expires_at=self.plan.now)
            )

    @precondition(lambda self: self.booked())
    @rule(pick=ANY, start=STARTS, staff=st.booleans())
    def move(self, pick: int, start: dt.datetime, *, staff: bool) -> None:
        """Move an appointment to another time."""
        self.rearrange("move", one_of(self.booked(), pick), staff=staff, start=start)

    @precondition(lambda self: self.booked())
    @rule(pick=ANY, way=WAYS, site=ANY, staff=st.booleans())
    def shift(self, pick: int, way: Way, site: int, *, staff: bool) -> None:
        """Change the way of an appointment, at the same time."""
        before: Appointment = one_of(self.booked(), pick)
        site_id = one_of([None, *self.world.sites], site)
        self.rearrange("shift", before, staff=staff, way=way, site_id=site_id)

    @precondition(lambda self: self.booked())
    @rule(pick=ANY, to=ANY, site=ANY)
    def reassign(self, pick: int, to: int, site: int) -> None:
        """Give an appointment to another caseworker."""
        keeper = one_of(self.world.of("caseworker"), to)
        site_id = one_of([None, keeper.site_id], site)
        before: Appointment = one_of(self.booked(), pick)
        self.rearrange("reassign", before, staff=True, keeper=keeper.id, site_id=site_id)

    def rearrange(
        self, name: str, before: Appointment, *, staff: bool, start: dt.datetime | None = None,
        way: Way | None = None, site_id: int | None = None, keeper: int | None = None,
    ) -> None:  # fmt: skip
        """Change an appointment and compare what it has become."""
        if way is not None and way not in before.topic.ways:
            way = None
        wish = self.plan.wish_for(before, start=start, way=way, site_id=site_id, keeper=keeper)
        wish = replace(wish, staff=staff)
        keepers = self.plan.keepers(wish, before)
        after = self.do(name, lambda tx: changes.rearrange(
            tx, before.id, start=start, way=way, site_id=site_id, caseworker_id=keeper,
            actor="staff", now=self.plan.now, for_staff=staff,
        ))  # fmt: skip
        if not keepers:
            assert isinstance(after, SlotTaken), wish
            return
        assert isinstance(after, Appointment), (after, wish)
        self.changed(before, after, wish, keepers)

    def changed(
        self, before: Appointment, after: Appointment, wish: Wish, keepers: list[int]
    ) -> None:
        """Compare an appointment with what it was, and with what was asked for."""
        same = ("id", "uid", "reference", "topic", "person", "needs", "locale", "status")
        assert all(getattr(after, name) == getattr(before, name) for name in same)
        assert after.sequence == before.sequence + 1
        assert after.delete_after - after.span.end == before.delete_after - before.span.end
        stays = before.caseworker.id in keepers
        allowed = [before.caseworker.id] if stays else keepers
        assert after.caseworker.id in allowed, (after, wish, self.plan.shut)
        assert fits(after, wish), (after, wish)
        if before.span.start != after.span.start:
            self.learned(after, Change.MOVED)
        else:
            self.learned(after, Change.REASSIGNED if before.way is after.way else Change.SHIFTED)

    @precondition(lambda self: self.booked())
    @rule(pick=ANY)
    def cancel(self, pick: int) -> None:
        """Cancel an appointment; a second time is refused, and so is a move."""
        before: Appointment = one_of(self.booked(), pick)
        after = self.do("cancel", lambda tx: changes.cancel(
            tx, before.id, actor="claimant", now=self.plan.now,
        ))  # fmt: skip
        assert isinstance(after, Appointment)
        assert after == replace(
            before, status=Status.CANCELLED, sequence=before.sequence + 1,
            changed_at=self.plan.now,
        )  # fmt: skip
        self.learned(after, Change.CANCELLED)
        refused = self.do("move", lambda tx: changes.rearrange(
            tx, before.id, start=before.span.start, actor="staff", now=self.plan.now,
        ))  # fmt: skip
        assert isinstance(refused, Closed)

    @precondition(lambda self: any(one.span.start <= self.plan.now for one in self.booked()))
    @rule(pick=ANY)
    def end(self, pick: int) -> None:
        """End a consultation that has begun."""
        begun = [one for one in self.booked() if one.span.start <= self.plan.now]
        before: Appointment = one_of(begun, pick)
        after = self.do("end", lambda tx: changes.end(
            tx, before.id, actor="caseworker", now=self.plan.now,
        ))  # fmt: skip
        assert after == replace(before, status=Status.ENDED, changed_at=self.plan.now)
        assert isinstance(after, Appointment)
        self.learned(after, Change.ENDED)
