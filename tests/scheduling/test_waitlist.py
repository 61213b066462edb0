"""Waiting for an earlier slot: in order, exclusively, and never promised twice."""

from __future__ import annotations

import datetime as dt

import pytest

from scheduling import booking, invariants, together, waitlist
from scheduling.model import Appointment, HoldExpired, Needs, NotFound, SlotTaken, Way
from scheduling.store import Store
from scheduling.waitlist import Offer
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office


async def _book(
    store: Store, office: Office, clock: Clock, start: dt.datetime, caseworker_id: int | None = None
) -> Appointment:
    async with store.writing() as tx:
        made = await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=start, site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test", caseworker_id=caseworker_id,
        )  # fmt: skip
    return made.appointment


async def _full_morning(store: Store, office: Office, clock: Clock) -> list[Appointment]:
    """Book the whole of Tuesday morning and two appointments on Wednesday, who wait."""
    for minute in range(0, 150, 35):
        await _book(store, office, clock, at(9) + dt.timedelta(minutes=minute))
    waiting = [await _book(store, office, clock, at(9 + n, day=14)) for n in (0, 1)]
    async with store.writing() as tx:
        for one in waiting:
            await waitlist.join(tx, one.id, clock())
            await waitlist.join(tx, one.id, clock())
    clock.now = at(23, day=12)
    return waiting


async def _free_nine(store: Store, clock: Clock) -> None:
    async with store.writing() as tx:
        await booking.cancel(tx, 1, actor="claimant", now=clock())


async def _offer(store: Store, clock: Clock) -> list[Offer]:
    async with store.writing() as tx:
        return await waitlist.offer(tx, clock())


async def _accept(store: Store, token: str, clock: Clock) -> Appointment:
    async with store.writing() as tx:
        return await waitlist.accept(tx, token, actor="claimant", now=clock())


async def test_a_freed_slot_is_offered_to_the_first_who_waits_and_to_nobody_else(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    first, _ = await _full_morning(store, office, clock)
    nothing_yet = await _offer(store, clock)
    await _free_nine(store, clock)

    offers = await _offer(store, clock)
    again = await _offer(store, clock)

    assert nothing_yet == again == []
    assert [(one.appointment.id, one.start) for one in offers] == [(first.id, at(9))]
    with pytest.raises(SlotTaken):
        await _book(store, office, clock, at(9))


async def test_accepting_moves_the_appointment_and_frees_its_old_slot(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    first, second = await _full_morning(store, office, clock)
    await _free_nine(store, clock)
    (offer,) = await _offer(store, clock)

    moved = await _accept(store, offer.token, clock)

    assert (moved.id, moved.span.start, moved.sequence) == (first.id, at(9), 1)
    async with store.reading() as tx:
        assert not await waitlist.is_waiting(tx, first.id)
        assert await waitlist.is_waiting(tx, second.id)
        assert await invariants.broken(tx) == []
    assert [(one.appointment.id, one.start) for one in await _offer(store, clock)] == [
        (second.id, at(9, day=14))
    ]


async def test_an_offer_that_runs_out_goes_to_the_next(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    first, second = await _full_morning(store, office, clock)
    await _free_nine(store, clock)
    (offer,) = await _offer(store, clock)
    clock.forward(minutes=waitlist.OFFER_MINUTES)

    (following,) = await _offer(store, clock)

    assert following.appointment.id == second.id
    assert following.start == offer.start
    with pytest.raises(HoldExpired):
        await _accept(store, offer.token, clock)
    async with store.reading() as tx:
        assert await waitlist.is_waiting(tx, first.id)


async def test_accepting_twice_or_with_a_foreign_token_changes_nothing(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await _full_morning(store, office, clock)
    await _free_nine(store, clock)
    (offer,) = await _offer(store, clock)
    await _accept(store, offer.token, clock)

    for token in (offer.token, "nothing"):
        with pytest.raises(NotFound):
            await _accept(store, token, clock)


async def test_leaving_gives_an_offered_slot_back(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    first, _ = await _full_morning(store, office, clock)
    await _free_nine(store, clock)
    await _offer(store, clock)

    async with store.writing() as tx:
        await waitlist.leave(tx, first.id)

    assert (await _book(store, office, clock, at(9))).span.start == at(9)


async def test_an_offer_cannot_be_booked_as_a_second_appointment(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await _full_morning(store, office, clock)
    await _free_nine(store, clock)
    (offer,) = await _offer(store, clock)

    with pytest.raises(NotFound):
        async with store.writing() as tx:
            await booking.confirm(
                tx, offer.token, person=PERSON, needs=Needs(), locale="de", now=clock()
            )

    assert (await _accept(store, offer.token, clock)).span.start == at(9)


async def test_an_offer_keeps_the_time_of_the_colleague_who_takes_part_as_well(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    _, joining = office.caseworkers
    appointment = await _book(store, office, clock, at(9, day=14), office.caseworkers[0])
    async with store.writing() as tx:
        await together.invite(tx, appointment, [joining], "test", clock())
        await waitlist.join(tx, appointment.id, clock())
    clock.now = at(23, day=12)

    (offer,) = await _offer(store, clock)
    with pytest.raises(SlotTaken):
        await _book(store, office, clock, offer.start, joining)
    moved = await _accept(store, offer.token, clock)

    assert moved.span.start == offer.start
    async with store.reading() as tx:
        (kept,) = await together.colleagues(tx, moved.id)
        assert await invariants.broken(tx) == []
    assert kept.id == joining
