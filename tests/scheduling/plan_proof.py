"""One store beside its model: doing something to both, and comparing them after every step."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import invariants, schema
from scheduling.model import (
    NO_CAMERA,
    Appointment,
    Change,
    Feature,
    Needs,
    PlanError,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.seats import GroupSession
from scheduling.slots import SlotQuery
from scheduling.store import Store, open_store
from tests.scheduling import plan_world
from tests.scheduling.plan_model import BERLIN, ON_CAMERA, Plan, Wish, World

T = TypeVar("T")

ANY = st.integers(0, 2**16)
"""Picks one of however many there are."""

STARTS = st.tuples(st.sampled_from(plan_world.DAYS), st.integers(0, 35)).map(
    lambda found: dt.datetime.combine(
        found[0], dt.time(9 + found[1] // 12, found[1] % 12 * 5), BERLIN
    ).astimezone(dt.UTC)
)
NEEDS = st.sampled_from([
    Needs(), Needs(frozenset({Feature.STEP_FREE})), Needs(frozenset({Feature.HEARING_LOOP})),
    Needs(frozenset(Feature)), Needs(interpreter="ar"),
])  # fmt: skip
WAYS = st.sampled_from([*Way])


def one_of(found: Iterable[Any], pick: int) -> Any:
    """Return the picked one of those `found`."""
    found = [*found]
    return found[pick % len(found)]


class Proof:
    """A store with its office, for one machine after the other, and what was done in it."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.store: Store = open_store(url)
        self.world: World = self.runner.run(self._built())
        self.steps: Counter[str] = Counter()

    async def _built(self) -> World:
        async with self.store.writing() as tx:
            await schema.create_all(tx)
        return await plan_world.build(self.store)

    def close(self) -> None:
        """Let go of the store."""
        self.runner.run(self.store.close())
        self.runner.close()


class Compared(RuleBasedStateMachine):
    """Does something to the store and to the model; both must agree after every step."""

    proof: ClassVar[Proof]

    def __init__(self) -> None:
        super().__init__()
        self.store = self.proof.store
        self.world = self.proof.world
        self.plan = Plan(self.world, plan_world.START)

    def empty(self) -> None:
        """Begin with an empty plan."""
        self.run(plan_world.emptied(self.store))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self.proof.runner.run(work)

    def do(self, name: str, use_case: Callable[[AsyncConnection], Awaitable[T]]) -> T | PlanError:
        """Run a use case in a transaction; return what it returned, or refused with."""

        async def transaction() -> T:
            async with self.store.writing() as tx:
                return await use_case(tx)

        try:
            done: T | PlanError = self.run(transaction())
        except PlanError as refusal:
            done = refusal
        refused = f" {type(done).__name__}" if isinstance(done, PlanError) else ""
        self.proof.steps[name + refused] += 1
        return done

    def read(self, question: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Ask the store something."""

        async def transaction() -> T:
            async with self.store.reading() as tx:
                return await question(tx)

        return self.run(transaction())

    def booked(self) -> list[Appointment]:
        """Return what can still be changed and is nobody's seat in a group session."""
        return [
            one for one in self.plan.appointments.values()
            if one.status is Status.BOOKED and one.session_id is None
        ]  # fmt: skip

    def wish(
        self, topic: int, way: Way, start: dt.datetime, site: int, needs: Needs, *, staff: bool
    ) -> Wish:
        """Put together a wish that can be said."""
        chosen: Topic = one_of(self.world.topics, topic)
        if way not in chosen.ways:
            way = Way.PHONE
        at_site = chosen.ways[way].at_site
        places = [*self.world.sites] if at_site else [*self.world.sites, None]
        return Wish(chosen, way, start, one_of(places, site), None, needs, staff)

    def learned(self, made: Appointment, *told: Change) -> None:
        """Note in the model what has become of an appointment."""
        self.plan.appointments[made.id] = made
        self.plan.told.setdefault(made.id, []).extend(told)

    @invariant()
    def agrees(self) -> None:
        """Compare everything that is stored with everything that should be."""
        self.run(self._compare())

    def quarters(self) -> list[dt.datetime]:
        """Return every start that pages offer, of all days."""
        return [
            dt.datetime.combine(day, dt.time(hour, minute), BERLIN).astimezone(dt.UTC)
            for day in plan_world.DAYS
            for hour in range(24)
            for minute in range(0, 60, 15)
        ]

    async def _compare(self) -> None:
        line = schema.history.c
        async with self.store.reading() as tx:
            rows = (await tx.execute(select(schema.appointment))).all()
            claims = (await tx.execute(select(schema.claim))).all()
            groups = (await tx.execute(select(schema.group_session))).all()
            lines = await tx.execute(select(line.appointment_id, line.change).order_by(line.id))
            told: dict[int, list[Change]] = {}
            for appointment_id, change in lines:
                told.setdefault(appointment_id, []).append(Change(change))
        assert {row.id: _stored(row) for row in rows} == {
            one.id: _known(one) for one in self.plan.appointments.values()
        }
        assert told == self.plan.told
        assert {row.id: _stored_group(row) for row in groups} == {
            one.id: self._known_group(one) for one in self.plan.sessions.values()
        }
        assert {
            (*_owner(row), row.resource_id, Span(row.starts_at, row.ends_at))
            for row in claims
            if row.expires_at is None or row.expires_at > self.plan.now
        } == self._expected_claims()  # fmt: skip

    def _expected_claims(self) -> set[tuple[str, int, int, Span]]:
        booked = {
            ("appointment", one.id, *claim)
            for one in self.plan.appointments.values()
            if one.status is not Status.CANCELLED
            for claim in self.plan.claims_of(one).items()
        }
        held = {
            ("hold", kept.hold.id, *claim)
            for kept in self.plan.alive()
            for claim in self.plan.claims_of(kept).items()
        }
        gathered = {
            ("session", one.id, *claim)
            for one in self.plan.sessions.values()
            if one.status is not Status.CANCELLED
            for claim in self.plan.claims_of(one).items()
        }
        return booked | held | gathered

    def _known_group(self, one: GroupSession) -> tuple[object, ...]:
        taken = sum(
            seat.session_id == one.id and seat.status is not Status.CANCELLED
            for seat in self.plan.appointments.values()
        )
        return (
            one.topic.id, one.way, one.site.id, one.caseworker.id, one.room and one.room.id,
            one.camera and one.camera.id, one.span, one.capacity, taken, one.status, one.sequence, one.delete_after,
        )  # fmt: skip

    def teardown(self) -> None:
        """Ask at the end what operators ask: whether the store is in order."""
        assert self.read(invariants.broken) == []


def _owner(row: Row[Any]) -> tuple[str, int]:
    owners = {"hold": row.hold_id, "appointment": row.appointment_id, "session": row.session_id}
    ((kind, owner_id),) = ((kind, one) for kind, one in owners.items() if one is not None)
    return kind, owner_id


def _stored_group(row: Row[Any]) -> tuple[object, ...]:
    return (
        row.topic_id, row.way, row.site_id, row.caseworker_id, row.room_id, row.camera_id,
        Span(row.starts_at, row.ends_at), row.capacity, row.seats, row.status, row.sequence,
        row.delete_after,
    )  # fmt: skip


def _stored(row: Row[Any]) -> tuple[object, ...]:
    return (
        row.uid, row.reference, row.topic_id, row.way, row.site_id, row.caseworker_id,
        row.room_id, row.tablet_id, row.camera_id, row.interpreter_id,
        Span(row.starts_at, row.ends_at), row.status, row.sequence, row.name, row.email, row.delete_after, row.session_id,
    )  # fmt: skip


def _known(one: Appointment) -> tuple[object, ...]:
    parts = (one.room, one.tablet, one.camera, one.interpreter)
    ids = (part.id if part else None for part in parts)
    return (
        one.uid, one.reference, one.topic.id, one.way, one.site.id, one.caseworker.id, *ids,
        one.span, one.status, one.sequence, one.person.name,
        one.person.email, one.delete_after, one.session_id,
    )  # fmt: skip


def said(wish: Wish, ignoring: Appointment | None = None) -> SlotQuery:
    """Say a wish in the words of the plan, for all days of the office."""
    return SlotQuery(
        wish.topic, wish.way, plan_world.DAYS[0], plan_world.DAYS[-1], wish.site_id, wish.needs,
        wish.keeper, ignoring.id if ignoring else None, wish.without, for_staff=wish.staff,
    )  # fmt: skip


def fits(made: Appointment, wish: Wish) -> bool:
    """Tell whether an appointment is what was asked for, at the site and with the needs asked."""
    place = wish.site_id if wish.topic.ways[wish.way].at_site else made.caseworker.site_id
    suits = made.room is None or wish.features <= made.room.features
    borrows = wish.way in ON_CAMERA and NO_CAMERA in made.caseworker.features
    understood = (
        {""}
        | made.caseworker.languages
        | (made.interpreter.languages if made.interpreter else set())
    )
    return (
        (made.way, made.span, made.site.id) == (wish.way, wish.span, place)
        and made.status is Status.BOOKED
        and (made.room is not None) == wish.topic.ways[wish.way].at_site
        and (made.tablet is not None) == (wish.way is Way.BRANCH_VIDEO)
        and (made.camera is not None) == borrows
        and (made.camera is None or made.camera.site_id == made.caseworker.site_id)
        and suits
        and wish.needs.interpreter in understood
    )
