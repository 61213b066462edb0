"""Caseworkers without a camera of their own: video needs one of their site's pool."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.statements import Statements
from scheduling import (
    appointments,
    booking,
    catalog,
    changes,
    closures,
    device_uses,
    editing,
    invariants,
    loans,
    people,
    rescue,
    resources,
    schema,
    seats,
    session_terms,
    sessions,
    slots,
    together,
    waitlist,
    worklist,
)
from scheduling.desk import Desk
from scheduling.model import (
    NO_CAMERA,
    Appointment,
    Kind,
    Needs,
    Part,
    SlotTaken,
    Span,
    Way,
)
from scheduling.orders import Confirmed, Order
from scheduling.session_terms import Terms
from scheduling.slots import SlotQuery
from scheduling.store import Store
from scheduling.worklist import Reason
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, Office, add_caseworker, at, make_office, row

SITE = {"address": "Platz 2", "phone": "+49302", "state": "NW"}


@dataclass
class House:
    """An office in which nobody has a camera of their own."""

    store: Store
    office: Office
    clock: Clock
    cameras: list[int] = field(default_factory=list)

    async def book(
        self, way: Way = Way.VIDEO, hour: int = 10, minute: int = 0, **more
    ) -> Appointment:
        """Book for somebody on the phone."""
        async with self.store.writing() as tx:
            made = await booking.book(
                tx, topic=self.office.topic, way=way, start=at(hour, minute), person=PERSON,
                needs=Needs(), locale="de", now=self.clock(), actor="test",
                **{"site_id": None, **more},
            )  # fmt: skip
        return made.appointment

    async def add_camera(self, minutes: int = 0, site_id: int | None = None) -> int:
        """Put a camera into the pool that is so many minutes on its way there and back."""
        async with self.store.writing() as tx:
            camera = await resources.add(tx, Kind.CAMERA, {
                "site_id": site_id or self.office.site_id, "setup_minutes": minutes,
                "return_minutes": minutes, "name": f"Camera {len(self.cameras)}",
            })  # fmt: skip
        self.cameras.append(camera)
        return camera

    async def starts(self, way: Way = Way.VIDEO, **more) -> list[str]:
        """Return the free times of the day."""
        day = at(9).date()
        query = SlotQuery(self.office.topic, way, day, day, **more)
        async with self.store.reading() as tx:
            found = await slots.find(tx, query, self.clock())
        return [f"{one.start + dt.timedelta(hours=2):%H:%M}" for one in found]

    async def set_camera(self, person: int, *, own: bool) -> list[worklist.Stranded]:
        """Note whether somebody has a camera of their own."""
        async with self.store.writing() as tx:
            seen = editing.fingerprint(await editing.stored(tx, schema.resource, person))
            wanted = {"features": [] if own else [NO_CAMERA]}
            return await people.change(tx, person, wanted, seen=seen, now=self.clock())

    async def claimed(self) -> set[int]:
        """Return the ids of everybody and everything that is claimed."""
        async with self.store.reading() as tx:
            assert await invariants.broken(tx) == []
            return {*await tx.scalars(select(schema.claim.c.resource_id))}


async def _house(
    store: Store, clock: Clock, *, caseworkers: int = 1, cameras: int = 1, minutes: int = 0
) -> House:
    house = House(store, await make_office(store, caseworkers=caseworkers), clock)
    for person in house.office.caseworkers:
        await house.set_camera(person, own=False)
    for _ in range(cameras):
        await house.add_camera(minutes)
    return house


async def _with_branch(house: House) -> int:
    """Add a branch with a room and a tablet, and video from it."""
    async with house.store.writing() as tx:
        branch = await row(tx, schema.site, key="branch", name="Zweigstelle", **SITE)
        topic = house.office.topic.id
        await row(tx, schema.topic_way, topic_id=topic, way="branch_video", minutes=30, **TERMS)
        for kind in (Kind.ROOM, Kind.TABLET):
            await resources.add(tx, kind, {
                "site_id": branch, "name": kind, "setup_minutes": 0, "return_minutes": 0,
            })  # fmt: skip
        house.office.topic = await catalog.topic(tx, "money")
    return branch


async def test_video_is_possible_only_while_a_camera_is_free(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, caseworkers=2, minutes=10)

    made = await house.book(hour=10)
    left, by_phone = await house.starts(step_minutes=5), await house.starts(Way.PHONE)

    assert made.camera is not None
    assert made.camera.id == house.cameras[0]
    # Each has half an hour, and the camera ten minutes before and after.
    assert [one for one in left if "09:00" < one < "11:00"] == ["09:05", "09:10", "10:50", "10:55"]
    assert "10:00" in by_phone


async def test_who_has_a_camera_needs_none_of_the_pool(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, cameras=1)
    await house.set_camera(house.office.caseworkers[0], own=True)

    made = await house.book()

    assert made.camera is None
    assert house.cameras[0] not in await house.claimed()


async def test_a_site_without_a_camera_offers_no_video_with_those_who_have_none(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, cameras=0)

    seen, heard = await house.starts(), await house.starts(Way.PHONE)

    assert not seen
    assert heard


async def test_a_camera_of_another_site_is_of_no_use(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, cameras=0)
    branch = await _with_branch(house)
    await house.add_camera(site_id=branch)

    assert not await house.starts()
    assert not await house.starts(Way.BRANCH_VIDEO, site_id=branch)


async def test_video_from_a_branch_needs_a_tablet_there_and_a_camera_here(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    branch = await _with_branch(house)

    made = await house.book(Way.BRANCH_VIDEO, site_id=branch)

    assert made.tablet is not None
    assert made.camera is not None
    assert (made.tablet.site_id, made.camera.site_id) == (branch, house.office.site_id)
    parts = {made.caseworker, *made.equipment}
    assert await house.claimed() == {one.id for one in parts}
    assert len(parts) == 4


async def test_another_way_gives_the_camera_back_and_video_takes_it_again(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    made = await house.book()

    async with store.writing() as tx:
        phoned = await changes.rearrange(tx, made.id, way=Way.PHONE, actor="a", now=clock())
    freed = await house.claimed()
    async with store.writing() as tx:
        seen = await changes.rearrange(tx, made.id, way=Way.VIDEO, actor="a", now=clock())

    assert phoned.camera is None
    assert freed == {made.caseworker.id}
    assert seen.camera == made.camera
    assert seen.uid == made.uid


async def test_an_appointment_keeps_its_camera_when_it_moves(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, cameras=3)
    made = await house.book()

    async with store.writing() as tx:
        moved = [
            (await changes.rearrange(tx, made.id, start=at(hour), actor="a", now=clock())).camera
            for hour in (9, 11, 10)
        ]

    assert moved == [made.camera] * 3


async def test_who_takes_over_with_a_camera_of_their_own_frees_the_other(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, caseworkers=2)
    first, second = house.office.caseworkers
    await house.set_camera(second, own=True)
    made = await house.book(caseworker_id=first)

    async with store.writing() as tx:
        given = await changes.rearrange(
            tx, made.id, caseworker_id=second, actor="a", now=clock(), for_staff=True
        )
    freed = await house.claimed()

    assert made.camera is not None
    assert given.camera is None
    assert freed == {second}


async def test_a_held_camera_is_the_one_that_is_booked(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, caseworkers=2)
    async with store.writing() as tx:
        token, held = await booking.hold(
            tx, topic=house.office.topic, way=Way.VIDEO, start=at(10), now=clock()
        )

    with pytest.raises(SlotTaken):
        await house.book()
    async with store.writing() as tx:
        confirmed = await booking.confirm(
            tx, token, person=PERSON, needs=Needs(), locale="de", now=clock()
        )
    async with store.reading() as tx:
        stored = await appointments.by_id(tx, confirmed.appointment.id)

    assert held.camera_id == house.cameras[0]
    assert held.camera_id in held.resource_ids
    assert stored == confirmed.appointment
    assert stored.camera is not None
    assert await house.claimed() == {stored.caseworker.id, stored.camera.id}


async def test_a_camera_that_becomes_free_is_offered_to_who_waits(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, caseworkers=2)
    clock.forward(hours=24)
    early, late = await house.book(hour=9), await house.book(hour=11)
    async with store.writing() as tx:
        await waitlist.join(tx, late.id, clock())
        # Another of the two works then, but there is one camera only.
        at_nine = [one.start for one in await waitlist.offer(tx, clock()) if one.start == at(9)]
        await waitlist.leave(tx, late.id)
        await changes.cancel(tx, early.id, actor="a", now=clock())
        await waitlist.join(tx, late.id, clock())

    async with store.writing() as tx:
        (offer,) = await waitlist.offer(tx, clock())
        moved = await waitlist.accept(tx, offer.token, actor="claimant", now=clock())

    assert not at_nine
    assert offer.start == at(9)
    assert moved.camera == early.camera
    assert await house.claimed() == {moved.caseworker.id, house.cameras[0]}


async def test_a_colleague_who_takes_part_needs_no_camera(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, caseworkers=2)
    made = await house.book()
    (other,) = {*house.office.caseworkers} - {made.caseworker.id}

    async with store.writing() as tx:
        kept = await together.invite(tx, made, [other], "a", clock())

    assert kept.camera == made.camera
    assert await house.claimed() == {*house.office.caseworkers, house.cameras[0]}


@pytest.mark.parametrize("spare", [0, 1])
async def test_a_broken_camera_is_exchanged_or_the_way_is_changed(
    store: Store, clock: Clock, spare: int
) -> None:
    house = await _house(store, clock, cameras=1 + spare)
    made = await house.book()
    assert made.camera is not None
    async with store.writing() as tx:
        span = Span(at(8), at(18))
        await closures.close(tx, span, resource_id=made.camera.id, kind="outage")
        hit = await closures.affected(tx, clock())
        (proposal,) = await rescue.propose(tx, hit, clock())

    async with store.writing() as tx:
        after = await rescue.carry_out(tx, proposal, actor="a", now=clock())
        left = await closures.affected(tx, clock())

    assert hit == [made]
    assert not left
    assert (after.way, after.span.start) == (Way.VIDEO if spare else Way.PHONE, at(10))
    assert after.caseworker == made.caseworker
    assert after.camera != made.camera
    assert (after.camera is not None) is bool(spare)


async def test_a_retired_camera_puts_what_is_booked_with_it_on_the_worklist(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    made = await house.book()

    async with store.writing() as tx:
        listed = await resources.retire(tx, house.cameras[0], clock())

    assert [(one.appointment.id, one.reason) for one in listed] == [(made.id, Reason.RETIRED)]


async def test_who_loses_the_camera_of_their_own_has_video_on_the_worklist_until_it_has_one(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    (person,) = house.office.caseworkers
    await house.set_camera(person, own=True)
    seen, heard = await house.book(), await house.book(Way.PHONE, hour=11)

    listed = await house.set_camera(person, own=False)
    async with store.writing() as tx:
        before = await worklist.stranded(tx, clock())
        (proposal,) = await rescue.propose(tx, [one.appointment for one in before], clock())
        after = await rescue.carry_out(tx, proposal, actor="a", now=clock())
        left = await worklist.stranded(tx, clock())

    assert [(one.appointment.id, one.reason) for one in listed] == [(seen.id, Reason.CAMERA)]
    assert [one.appointment.id for one in before] == [seen.id]
    assert heard.id not in {one.appointment.id for one in before}
    assert after.camera is not None
    assert (after.span, after.way, after.caseworker.id) == (seen.span, Way.VIDEO, person)
    assert not left


async def test_a_camera_stays_behind_when_the_caseworker_goes_to_another_house(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    branch = await _with_branch(house)
    made = await house.book()

    async with store.writing() as tx:
        seen = editing.fingerprint(await editing.stored(tx, schema.resource, made.caseworker.id))
        listed = await people.change(
            tx, made.caseworker.id, {"site_id": branch}, seen=seen, now=clock()
        )

    assert [(one.resource.id, one.reason) for one in listed] == [(house.cameras[0], Reason.PLACE)]


@pytest.mark.parametrize("overlap", [0, 15], ids=["same time", "overlapping times"])
async def test_of_two_who_reach_for_the_last_camera_exactly_one_gets_it(
    store: Store, clock: Clock, overlap: int
) -> None:
    house = await _house(store, clock, caseworkers=2)
    wanted = [
        (person, at(10) + dt.timedelta(minutes=later))
        for person, later in zip(house.office.caseworkers, (0, overlap), strict=True)
    ] * 10
    found = []
    async with store.reading() as tx:
        for person, start in wanted:
            day = start.date()
            query = SlotQuery(house.office.topic, Way.VIDEO, day, day, caseworker_id=person)
            found.append(await slots.options(tx, query, start, clock()))

    async def reach(number: int) -> bool:
        person, start = wanted[number]
        try:
            async with store.writing() as tx:
                await booking.book(
                    tx, topic=house.office.topic, way=Way.VIDEO, start=start, site_id=None,
                    person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test",
                    caseworker_id=person, found=found[number],
                )  # fmt: skip
        except SlotTaken:
            return False
        return True

    won = await asyncio.gather(*(reach(number) for number in range(len(wanted))))

    assert all(found)
    assert sum(won) == 1
    async with store.reading() as tx:
        assert await tx.scalar(select(func.count()).select_from(schema.appointment)) == 1
    assert len(await house.claimed()) == 2


async def _at_the_desk(house: House, hour: int, *, people: int = 1) -> list[object]:
    order = Order(
        house.office.topic, Way.VIDEO, at(hour), None, PERSON, Needs(), "de", house.clock(), "test"
    )

    async def ask(_tx: AsyncConnection) -> Order:
        return order

    desk = Desk(house.store)
    return await asyncio.gather(
        *(desk.book(ask) for _ in range(people)), return_exceptions=True
    )  # fmt: skip


async def test_who_comes_together_gets_different_cameras_while_there_are_any(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, caseworkers=4, cameras=2)

    answers = await _at_the_desk(house, 10, people=4)

    made = [one.appointment for one in answers if isinstance(one, Confirmed)]
    assert {one.camera.id for one in made if one.camera} == {*house.cameras}
    assert len({one.caseworker for one in made}) == len(made) == 2
    assert sum(isinstance(one, SlotTaken) for one in answers) == 2
    assert len(await house.claimed()) == 4


async def test_a_camera_costs_a_booking_no_further_statement(store: Store, clock: Clock) -> None:
    house = await _house(store, clock, caseworkers=2)
    (person, _), counted = house.office.caseworkers, []
    await _at_the_desk(house, 9)

    for hour, own in ((10, False), (11, True)):
        await house.set_camera(person, own=own)
        await house.set_camera(house.office.caseworkers[1], own=own)
        await house.starts()
        statements = Statements()
        with statements.of(store):
            await _at_the_desk(house, hour)
        counted.append(statements.most)

    assert counted[0] == counted[1]


async def _hand_out(house: House, camera: int) -> None:
    async with house.store.writing() as tx:
        due = house.clock() + dt.timedelta(hours=1)
        await loans.hand_out(tx, camera, house.office.caseworkers[0], due, house.clock())
    house.clock.forward(hours=2)


async def test_an_overdue_camera_is_replaced_for_whoever_needs_it_next(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, cameras=2)
    first, second = await house.book(hour=10), await house.book(hour=11)
    assert first.camera is not None
    await _hand_out(house, first.camera.id)

    async with store.writing() as tx:
        (helped,), stuck = await loans.cover_overdue(tx, clock(), actor="a")
        uses = await device_uses.upcoming(tx, house.cameras, clock())

    assert not stuck
    assert isinstance(helped, Appointment)
    assert helped.camera not in {None, first.camera}
    assert (helped.id, helped.span) == (first.id, first.span)
    (other,) = {*house.cameras} - {first.camera.id}
    assert first.id in [one.id for one in uses[other]]
    assert [one.id for some in uses.values() for one in some].count(second.id) == 1


async def _gather(house: House) -> seats.GroupSession:
    async with house.store.writing() as tx:
        (lead,) = (await catalog.resources_by_id(tx, house.office.caseworkers[:1])).values()
        terms = Terms(Way.VIDEO, Span(at(10), at(11)), lead, None, 3)
        return await sessions.create(tx, house.office.topic, terms, now=house.clock())


async def test_a_group_by_video_has_a_camera_for_whoever_leads_it(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, caseworkers=2, minutes=10)

    session = await _gather(house)
    taken = await house.claimed()
    left = await house.starts(step_minutes=5)
    async with store.writing() as tx:
        await sessions.cancel(tx, session.id, actor="a", now=clock())

    assert session.camera is not None
    assert taken == {session.caseworker.id, session.camera.id}
    # Ten minutes before and after for the camera, five after for whoever advises.
    assert left == ["09:00", "09:05", "09:10", "11:20", "11:25"]
    assert not await house.claimed()


async def test_a_group_by_video_is_refused_where_no_camera_is_free(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, caseworkers=2)
    await house.book(caseworker_id=house.office.caseworkers[1])

    with pytest.raises(SlotTaken):
        await _gather(house)

    assert house.office.caseworkers[0] not in await house.claimed()


async def test_a_group_whose_camera_is_broken_is_listed_until_it_has_another(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, cameras=2)
    session = await _gather(house)
    assert session.camera is not None
    async with store.writing() as tx:
        await closures.close(tx, Span(at(8), at(18)), resource_id=session.camera.id)
        before = await sessions.affected(tx, clock())

    async with store.writing() as tx:
        told = await sessions.change(
            tx, session.id, Terms.of(session), sequence=session.sequence, actor="a", now=clock()
        )
        after = await seats.by_id(tx, session.id)
        left = await sessions.affected(tx, clock())

    assert [one.id for one in before] == [session.id]
    assert not told
    assert not left
    assert after.camera not in {None, session.camera}


async def test_a_group_whose_leader_loses_their_camera_is_listed(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock)
    await house.set_camera(house.office.caseworkers[0], own=True)
    session = await _gather(house)

    await house.set_camera(house.office.caseworkers[0], own=False)
    async with store.reading() as tx:
        listed = await sessions.affected(tx, clock())
        stranded = await worklist.stranded(tx, clock())
        terms = Terms.of(await seats.by_id(tx, session.id))
        equipped = await session_terms.equipped(tx, terms, clock(), session.id)

    assert session.camera is None
    assert [one.id for one in listed] == [session.id]
    assert not stranded
    assert terms.lacks_camera
    assert equipped.camera is not None


@pytest.mark.parametrize("spare", [0, 1])
async def test_an_overdue_camera_is_replaced_for_a_group_or_the_group_is_listed(
    store: Store, clock: Clock, spare: int
) -> None:
    house = await _house(store, clock, cameras=1 + spare)
    session = await _gather(house)
    assert session.camera is not None
    await _hand_out(house, session.camera.id)

    async with store.writing() as tx:
        before = await device_uses.upcoming(tx, house.cameras, clock())
        helped, stuck = await loans.cover_overdue(tx, clock(), actor="a")

    assert before[session.camera.id] == [session]
    assert len(helped) == spare
    assert len(stuck) == 1 - spare
    if spare:
        assert helped[0].camera not in {None, session.camera}
    assert len(await house.claimed()) == 2


async def test_only_the_caseworkers_house_counts_where_one_of_another_house_advises(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, cameras=0)
    branch = await _with_branch(house)
    async with store.writing() as tx:
        there = await add_caseworker(tx, branch, "Person of the branch")
        await catalog.changed(tx, branch)
    await house.set_camera(there, own=False)
    await house.add_camera(site_id=branch)

    made = await house.book(Way.BRANCH_VIDEO, site_id=branch)

    assert made.caseworker.id == there
    assert made.camera is not None
    assert made.camera.id == house.cameras[0]


async def test_a_link_of_a_companion_is_kept_when_the_camera_changes(
    store: Store, clock: Clock
) -> None:
    house = await _house(store, clock, cameras=2)
    made = await house.book()
    assert made.camera is not None
    async with store.writing() as tx:
        await changes.add_link(tx, made.id, part=Part.COMPANION, name="Sam", actor="a", now=clock())
        after = await changes.rearrange(
            tx, made.id, without=frozenset({made.camera.id}), actor="a", now=clock()
        )
        links = await appointments.links(tx, made.id)

    assert after.camera not in {None, made.camera}
    assert [one.name for one in links][-1] == "Sam"
