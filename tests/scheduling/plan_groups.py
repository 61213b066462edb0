"""What happens to group sessions and their seats, against the model of a plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from scheduling import booking, catalog, changes, enrolment, seats, session_terms, sessions
from scheduling.model import Appointment, Change, NotFound, SlotTaken, Span, Status, Topic, Way
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from scheduling.sessions import Overtaken, TooFewSeats
from tests.scheduling.plan_bookings import PERSON
from tests.scheduling.plan_loans import Loans
from tests.scheduling.plan_proof import ANY, STARTS, one_of

TERMS = {
    "start": STARTS, "fives": st.integers(4, 18), "way": st.sampled_from(session_terms.WAYS),
    "leader": ANY, "room": ANY, "capacity": st.integers(1, 3),
}  # fmt: skip


class Groups(Loans):
    """Adds making, changing, cancelling and ending sessions; taking, moving, returning seats."""

    def _open(self) -> list[GroupSession]:
        return [one for one in self.plan.sessions.values() if one.status is Status.BOOKED]

    def _seats(self, session: GroupSession) -> list[Appointment]:
        """Return the seats that are taken, those of people who have taken part as well."""
        return [
            one for one in self.plan.appointments.values()
            if one.session_id == session.id and one.status is not Status.CANCELLED
        ]  # fmt: skip

    def _all_seats(self, *, booked: bool = False) -> list[Appointment]:
        return [
            one for one in self.plan.appointments.values()
            if one.session_id is not None and (one.status is Status.BOOKED or not booked)
        ]  # fmt: skip

    def _terms(
        self, start: dt.datetime, fives: int, way: Way, leader: int, room: int, capacity: int
    ) -> Terms:
        ids = [
            one_of(self.world.of("caseworker"), leader).id,
            one_of(self.world.of("room"), room).id,
        ]
        found = self.read(lambda tx: catalog.resources_by_id(tx, ids))
        span = Span(start, start + dt.timedelta(minutes=5 * fives))
        place = found[ids[1]] if way is Way.IN_PERSON else None
        return Terms(way, span, found[ids[0]], place, capacity)

    def _possible(self, topic: Topic, terms: Terms, own: GroupSession | None = None) -> bool:
        """Compare what is said to be in the way; tell whether all that is needed is free."""
        wanted = [one.id for one in (terms.caseworker, terms.room) if one]
        taken = self.plan.taken(own)
        blocked = {one for one, span in taken if one in wanted and span.overlaps(terms.span)}
        blocked |= {
            one for one in wanted for shut in self.plan.shut.values()
            if shut.hits(self.world.things[one], terms.span, terms.way)
        }  # fmt: skip
        now, own_id = self.plan.now, own.id if own else None
        found = self.read(lambda tx: session_terms.in_the_way(tx, terms, now, own_id))
        assert {one.id for one in found} == blocked
        needed = self.plan.claims_of_terms(topic, terms)
        if self.plan.cameras(terms, own) == []:
            return False
        return not any(
            one == other and span.overlaps(theirs)
            for one, span in needed.items()
            for other, theirs in taken
        )

    @rule(topic=ANY, **TERMS)
    def gather(
        self, topic: int, start: dt.datetime, fives: int, way: Way, leader: int, room: int,
        capacity: int,
    ) -> None:  # fmt: skip
        """Make a group session, over closures too: people decide that."""
        chosen: Topic = one_of(self.world.topics, topic)
        terms = self._terms(start, fives, way, leader, room, capacity)
        possible, cameras = self._possible(chosen, terms), self.plan.cameras(terms, None)
        made = self.do("gather", lambda tx: sessions.create(tx, chosen, terms, now=self.plan.now))
        if not possible:
            assert isinstance(made, SlotTaken), terms
            return
        assert isinstance(made, GroupSession), (made, terms)
        assert Terms.of(made) == replace(terms, camera=made.camera)
        self.has_camera(made.camera, None, cameras)
        assert (made.topic, made.seats, made.sequence) == (chosen, 0, 0)
        self.plan.sessions[made.id] = made
        self._enrol(made, staff=True)

    @precondition(lambda self: self.plan.sessions)
    @rule(pick=ANY, staff=st.booleans(), people=st.integers(1, 4))
    def enrol(self, pick: int, people: int, *, staff: bool) -> None:
        """Let some people, one after the other, take a seat: each twice with one form."""
        session: GroupSession = one_of(self.plan.sessions.values(), pick)
        for _ in range(people):
            self._enrol(session, staff=staff)

    def _enrol(self, session: GroupSession, *, staff: bool) -> None:
        key = f"form {len(self.plan.appointments)} of {self.plan.now} and {session.id}"
        now, free = self.plan.now, session.capacity - len(self._seats(session))
        notice = dt.timedelta(minutes=session.topic.ways[session.way].notice_minutes)
        in_time = now < session.span.end if staff else now <= session.span.start - notice
        for again in (False, True):
            made = self.do("enrol", lambda tx: enrolment.enrol(
                tx, session.id, key=key, person=PERSON, locale="de", now=now, actor="staff",
                for_staff=staff,
            ))  # fmt: skip
            if session.status is not Status.BOOKED or not free or not in_time:
                assert isinstance(made, SlotTaken), session
                return
            assert isinstance(made, booking.Confirmed), (made, session)
            assert made.created is not again
            if not again:
                self._is_in(made.appointment, session)
                self.learned(made.appointment, Change.BOOKED)
            assert made.appointment == self.plan.appointments[made.appointment.id]

    @precondition(lambda self: self._all_seats(booked=True))
    @rule(pick=ANY)
    def give_back(self, pick: int) -> None:
        """Cancel a seat: somebody else can have it."""
        before: Appointment = one_of(self._all_seats(booked=True), pick)
        after = self.do("give back", lambda tx: changes.cancel(
            tx, before.id, actor="claimant", now=self.plan.now,
        ))  # fmt: skip
        self._cancelled(before, after)

    @precondition(lambda self: self._all_seats(booked=True))
    @rule(pick=ANY, to=ANY)
    def change_seats(self, pick: int, to: int) -> None:
        """Exchange a seat for one in another session."""
        before: Appointment = one_of(self._all_seats(booked=True), pick)
        target: GroupSession = one_of(self.plan.sessions.values(), to)
        after = self.do("change seats", lambda tx: enrolment.move(
            tx, before.id, target.id, actor="staff", now=self.plan.now, for_staff=True,
        ))  # fmt: skip
        free = target.capacity - len(self._seats(target))
        if target.id == before.session_id:
            assert after == before
        elif target.topic != before.topic:
            assert isinstance(after, NotFound)
        elif target.status is not Status.BOOKED or not free or self.plan.now >= target.span.start:
            assert isinstance(after, SlotTaken), target
        else:
            assert isinstance(after, Appointment), (after, target)
            self._settled(before, after, target)

    @precondition(lambda self: self._open())
    @rule(pick=ANY, late=st.booleans(), **TERMS)
    def change_session(
        self, pick: int, start: dt.datetime, fives: int, way: Way, leader: int, room: int,
        capacity: int, *, late: bool,
    ) -> None:  # fmt: skip
        """Change a session with all who take part, perhaps from a form that is out of date."""
        before: GroupSession = one_of(self._open(), pick)
        terms = self._terms(start, fives, way, leader, room, capacity)
        possible, taken = self._possible(before.topic, terms, before), self._seats(before)
        cameras = self.plan.cameras(terms, before)
        done = self.do("change session", lambda tx: sessions.change(
            tx, before.id, terms, sequence=before.sequence - late, actor="staff",
            now=self.plan.now,
        ))  # fmt: skip
        if late:
            assert isinstance(done, Overtaken)
        elif terms.capacity < len(taken):
            assert isinstance(done, TooFewSeats)
        elif not possible:
            assert isinstance(done, SlotTaken), terms
        else:
            assert isinstance(done, list), (done, terms)
            camera = self.read(lambda tx: seats.by_id(tx, before.id)).camera
            self.has_camera(camera, before, cameras)
            after = replace(
                before, way=terms.way, site=next(
                    one for one in self.read(catalog.sites) if one.id == terms.site_id
                ), caseworker=terms.caseworker, room=terms.room, camera=camera, span=terms.span,
                capacity=terms.capacity, sequence=before.sequence + 1,
                delete_after=before.delete_after + (terms.span.end - before.span.end),
            )  # fmt: skip
            self.plan.sessions[before.id] = after
            told = replace(terms, capacity=before.capacity, camera=before.camera)
            same = told == Terms.of(before)
            assert [one.before for one in done] == ([] if same else taken)
            for one in done:
                self._settled(one.before, one.after, after)

    @precondition(lambda self: self._open())
    @rule(pick=ANY)
    def cancel_session(self, pick: int) -> None:
        """Cancel a session with all seats; a second time there is nothing to do."""
        before: GroupSession = one_of(self._open(), pick)
        taken = self._seats(before)
        for expected in (taken, []):
            done = self.do("cancel session", lambda tx: sessions.cancel(
                tx, before.id, actor="staff", now=self.plan.now,
            ))  # fmt: skip
            assert isinstance(done, list)
            assert [one.id for one in done] == [one.id for one in expected]
            for old, new in zip(expected, done, strict=True):
                self._cancelled(old, new)
        self.plan.sessions[before.id] = replace(
            before, status=Status.CANCELLED, sequence=before.sequence + 1
        )

    @precondition(lambda self: any(one.span.start <= self.plan.now for one in self._open()))
    @rule(pick=ANY)
    def end_session(self, pick: int) -> None:
        """End a session that has begun, for all who take part."""
        begun = [one for one in self._open() if one.span.start <= self.plan.now]
        before: GroupSession = one_of(begun, pick)
        self.do("end session", lambda tx: sessions.end(
            tx, before.id, actor="caseworker", now=self.plan.now,
        ))  # fmt: skip
        for one in self._seats(before):
            self.learned(replace(one, status=Status.ENDED, changed_at=self.plan.now), Change.ENDED)
        self.plan.sessions[before.id] = replace(
            before, status=Status.ENDED, sequence=before.sequence + 1
        )

    def _cancelled(self, before: Appointment, after: object) -> None:
        assert after == replace(
            before, status=Status.CANCELLED, sequence=before.sequence + 1,
            changed_at=self.plan.now,
        )  # fmt: skip
        assert isinstance(after, Appointment)
        self.learned(after, Change.CANCELLED)

    def _settled(self, before: Appointment, after: Appointment, session: GroupSession) -> None:
        """Compare a seat with what it was; who it is for and how it is known never change."""
        same = ("id", "uid", "reference", "topic", "person", "needs", "locale", "status")
        assert all(getattr(after, name) == getattr(before, name) for name in same)
        assert after.sequence == before.sequence + 1
        self._is_in(after, session)
        if before.span.start != after.span.start:
            self.learned(after, Change.MOVED)
        else:
            self.learned(after, Change.REASSIGNED if before.way is after.way else Change.SHIFTED)

    @staticmethod
    def _is_in(seat: Appointment, session: GroupSession) -> None:
        same = ("topic", "way", "site", "caseworker", "room", "span", "delete_after")
        assert all(getattr(seat, name) == getattr(session, name) for name in same)
        assert seat.session_id == session.id
        assert seat.status is Status.BOOKED
