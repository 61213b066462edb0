"""The life of an appointment: held, confirmed, moved, cancelled, ended, forgotten."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from scheduling import appointments, booking, changes, invariants, outbox, retention, schema
from scheduling.booking import Confirmed
from scheduling.model import (
    Change,
    Closed,
    Feature,
    HoldExpired,
    Needs,
    NeedUnmet,
    NotFound,
    Part,
    SlotTaken,
    Status,
    Way,
)
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

TUESDAY = dt.date(2026, 10, 13)
STEP_FREE = Needs(frozenset({Feature.STEP_FREE}))


async def _hold(
    store: Store, office: Office, clock: Clock, start: dt.datetime, way: Way = Way.VIDEO
) -> str:
    async with store.writing() as tx:
        token, _ = await booking.hold(tx, topic=office.topic, way=way, start=start, now=clock())
    return token


async def _confirm(store: Store, token: str, clock: Clock, needs: Needs | None = None) -> Confirmed:
    async with store.writing() as tx:
        return await booking.confirm(
            tx, token, person=PERSON, needs=needs or Needs(), locale="de", now=clock()
        )


async def _booked(store: Store, clock: Clock, way: Way = Way.VIDEO) -> tuple[Office, Confirmed]:
    office = await make_office(store)
    return office, await _confirm(store, await _hold(store, office, clock, at(9), way), clock)


async def _rows(store: Store, table: schema.Table) -> int:
    async with store.reading() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)) or 0)


async def _check(store: Store) -> None:
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_a_held_slot_is_refused_to_everybody_else(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    await _hold(store, office, clock, at(9))

    with pytest.raises(SlotTaken):
        await _hold(store, office, clock, at(9, 15))

    assert await _rows(store, schema.hold) == 1


async def test_confirming_makes_an_appointment_with_a_link(store: Store, clock: Clock) -> None:
    _, made = await _booked(store, clock)

    async with store.reading() as tx:
        found, link = await appointments.by_token(tx, made.link_token, clock())
        by_reference = await appointments.by_reference(
            tx, made.appointment.reference.lower().replace("-", " ")
        )

    assert found == by_reference == made.appointment
    assert (link.part, link.name) == (Part.CLAIMANT, "Kim Beispiel")
    assert (found.span.start, found.sequence, found.status) == (at(9), 0, Status.BOOKED)
    await _check(store)


async def test_two_tabs_that_confirm_the_same_hold_make_one_appointment(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))

    both = await asyncio.gather(*(_confirm(store, token, clock) for _ in range(2)))

    assert {made.appointment.id for made in both} == {1}
    assert len({made.link_token for made in both}) == 1
    assert sorted(made.created for made in both) == [False, True]
    assert await _rows(store, schema.appointment) == 1


async def test_an_expired_hold_is_confirmed_while_nobody_has_taken_the_slot(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))
    clock.forward(minutes=11)

    async with store.reading() as tx:
        with pytest.raises(HoldExpired):
            await booking.read_hold(tx, token, clock())
    made = await _confirm(store, token, clock)

    assert made.created


async def test_an_expired_hold_whose_slot_was_taken_is_refused(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    late = await _hold(store, office, clock, at(9))
    clock.forward(minutes=11)
    await _confirm(store, await _hold(store, office, clock, at(9, 15)), clock)

    with pytest.raises(HoldExpired):
        await _confirm(store, late, clock)

    assert await _rows(store, schema.appointment) == 1
    await _check(store)


async def test_a_released_hold_frees_the_slot_at_once(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))

    async with store.writing() as tx:
        await booking.release(tx, token, clock())

    assert await _hold(store, office, clock, at(9))


async def test_unknown_tokens_are_not_found(store: Store, clock: Clock) -> None:
    await make_office(store)

    async with store.reading() as tx:
        with pytest.raises(NotFound):
            await booking.read_hold(tx, "nothing", clock())
        with pytest.raises(NotFound):
            await appointments.by_token(tx, "nothing", clock())
        with pytest.raises(NotFound):
            await appointments.by_reference(tx, "")


async def test_the_hearing_loop_stays_with_the_appointment_wherever_it_goes(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2, rooms=3)
    room = schema.resource
    async with store.writing() as tx:
        await tx.execute(
            update(room).where(room.c.id == office.rooms[2]).values(features=["hearing_loop"])
        )
    needs = Needs(frozenset({Feature.HEARING_LOOP}))
    made = await _confirm(
        store, await _hold(store, office, clock, at(9), Way.IN_PERSON), clock, needs
    )

    async with store.writing() as tx:
        number = made.appointment.id
        moved = await changes.rearrange(tx, number, start=at(10), actor="test", now=clock())
        away = await changes.rearrange(tx, number, way=Way.VIDEO, actor="test", now=clock())
        back = await changes.rearrange(tx, number, way=Way.IN_PERSON, actor="test", now=clock())
        with pytest.raises(SlotTaken):
            await changes.rearrange(
                tx, number, without=frozenset({office.rooms[2]}), actor="test", now=clock()
            )

    assert [one.room and one.room.id for one in (made.appointment, moved, away, back)] == [
        office.rooms[2], office.rooms[2], None, office.rooms[2],
    ]  # fmt: skip
    assert back.needs == needs


async def test_step_free_asked_at_the_end_changes_the_room(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9), Way.IN_PERSON)

    made = await _confirm(store, token, clock, STEP_FREE)

    assert made.appointment.room.id == office.rooms[1]
    await _check(store)


async def test_step_free_that_cannot_be_had_is_said_and_the_hold_stays(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    first = await _hold(store, office, clock, at(9), Way.IN_PERSON)
    second = await _hold(store, office, clock, at(9), Way.IN_PERSON)

    with pytest.raises(NeedUnmet):
        await _confirm(store, first, clock, STEP_FREE)

    async with store.reading() as tx:
        assert (await booking.read_hold(tx, first, clock())).appointment_id is None
        assert await booking.read_hold(tx, second, clock())


async def test_moving_keeps_identity_and_raises_the_sequence(store: Store, clock: Clock) -> None:
    office, made = await _booked(store, clock, Way.IN_PERSON)

    async with store.writing() as tx:
        moved = await booking.rearrange(
            tx, made.appointment.id, start=at(9, 15), actor="claimant", now=clock()
        )

    before = made.appointment
    assert (moved.id, moved.uid, moved.reference) == (before.id, before.uid, before.reference)
    assert (moved.span.start, moved.sequence) == (at(9, 15), 1)
    assert await _rows(store, schema.claim) == 2
    async with store.reading() as tx:
        entries = await appointments.history(tx, moved.id)
    assert [entry.change for entry in entries] == [Change.BOOKED, Change.MOVED]
    assert entries[1].detail == {"before": at(9).isoformat(), "start": at(9, 15).isoformat()}
    assert await _hold(store, office, clock, at(10))
    await _check(store)


async def test_a_move_that_fails_changes_nothing(store: Store, clock: Clock) -> None:
    office, made = await _booked(store, clock)
    await _hold(store, office, clock, at(11))

    with pytest.raises(SlotTaken):
        async with store.writing() as tx:
            await booking.rearrange(
                tx, made.appointment.id, start=at(11), actor="claimant", now=clock()
            )

    async with store.reading() as tx:
        assert await appointments.by_id(tx, made.appointment.id) == made.appointment
    await _check(store)


async def test_moves_that_swap_two_appointments_do_not_wait_for_each_other_for_ever(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    made = [
        await _confirm(store, await _hold(store, office, clock, start), clock)
        for start in (at(9), at(11), at(9), at(11))
    ]

    async def move(appointment: Confirmed) -> bool:
        start = at(11) if appointment.appointment.span.start == at(9) else at(9)
        try:
            async with store.writing() as tx:
                await booking.rearrange(
                    tx, appointment.appointment.id, start=start, actor="test", now=clock()
                )
        except SlotTaken:
            return False
        return True

    await asyncio.gather(*(move(one) for one in made))

    await _check(store)


async def test_cancelling_frees_the_slot_and_closes_the_appointment(
    store: Store, clock: Clock
) -> None:
    office, made = await _booked(store, clock)

    async with store.writing() as tx:
        cancelled = await booking.cancel(tx, made.appointment.id, actor="claimant", now=clock())

    assert (cancelled.status, cancelled.sequence) == (Status.CANCELLED, 1)
    assert await _hold(store, office, clock, at(9))
    for change in (
        lambda tx: booking.cancel(tx, cancelled.id, actor="x", now=clock()),
        lambda tx: booking.rearrange(tx, cancelled.id, start=at(10), actor="x", now=clock()),
    ):
        with pytest.raises(Closed):
            async with store.writing() as tx:
                await change(tx)
    await _check(store)


async def test_ending_is_noted_once_and_sends_nothing_to_calendars(
    store: Store, clock: Clock
) -> None:
    _, made = await _booked(store, clock)

    for _ in range(2):
        async with store.writing() as tx:
            ended = await booking.end(tx, made.appointment.id, actor="staff:1", now=clock())

    assert (ended.status, ended.sequence) == (Status.ENDED, 0)
    async with store.reading() as tx:
        assert len(await appointments.history(tx, ended.id)) == 2


async def test_a_companion_gets_a_link_of_their_own(store: Store, clock: Clock) -> None:
    _, made = await _booked(store, clock)

    async with store.writing() as tx:
        token = await booking.add_link(
            tx, made.appointment.id, part=Part.COMPANION, name="Toni", actor="claimant", now=clock()
        )

    async with store.reading() as tx:
        _, link = await appointments.by_token(tx, token, clock())
        assert [one.part for one in await appointments.links(tx, link.appointment_id)] == [
            Part.CLAIMANT, Part.COMPANION,
        ]  # fmt: skip
    assert token != made.link_token


async def test_links_die_after_the_appointment_and_follow_a_move(
    store: Store, clock: Clock
) -> None:
    _, made = await _booked(store, clock)
    later = at(9, day=15)
    async with store.writing() as tx:
        await booking.rearrange(tx, made.appointment.id, start=later, actor="claimant", now=clock())

    async with store.reading() as tx:
        last = later + dt.timedelta(minutes=29) + changes.LINK_OUTLIVES
        await appointments.by_token(tx, made.link_token, last)
        with pytest.raises(NotFound):
            await appointments.by_token(tx, made.link_token, last + dt.timedelta(minutes=1))


async def test_no_token_is_stored(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))
    made = await _confirm(store, token, clock)

    async with store.reading() as tx:
        for table in schema.metadata.sorted_tables:
            stored = str((await tx.execute(select(table))).all())
            assert token not in stored
            assert made.link_token not in stored


async def test_personal_data_go_at_their_deletion_date(store: Store, clock: Clock) -> None:
    _, made = await _booked(store, clock)
    last_day = made.appointment.delete_after

    async with store.writing() as tx:
        await retention.purge(tx, last_day - dt.timedelta(seconds=1))
    kept = await _rows(store, schema.appointment)
    async with store.writing() as tx:
        await retention.purge(tx, last_day)

    assert kept == 1
    for table in (schema.appointment, schema.claim, schema.participant_link, schema.history):
        assert await _rows(store, table) == 0


async def test_letters_go_after_a_month_also_those_nobody_would_take(
    store: Store, clock: Clock
) -> None:
    async with store.writing() as tx:
        await outbox.post(tx, "kim@example.org", b"To: kim@example.org", clock())
        (letter,) = await outbox.due(tx, clock())
        await outbox.failed(tx, letter.id, "550 unknown", clock(), for_good=True)

    clock.forward(days=30)
    async with store.writing() as tx:
        await retention.purge(tx, clock())

    assert await _rows(store, schema.outbox) == 0


async def test_the_day_lists_appointments_of_the_site_and_the_caseworker(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store, caseworkers=2)
    for start in (at(11), at(9), at(9, day=14)):
        await _confirm(store, await _hold(store, office, clock, start), clock)

    async with store.reading() as tx:
        site = await appointments.day(tx, TUESDAY, site_id=office.site_id)
        one = await appointments.day(tx, TUESDAY, caseworker_id=office.caseworkers[0])
        nowhere = await appointments.day(tx, TUESDAY, site_id=99)

    assert [appointment.span.start for appointment in site] == [at(9), at(11)]
    assert [appointment.caseworker.id for appointment in one] == office.caseworkers[:1]
    assert nowhere == []


async def test_a_hundred_at_once_for_overlapping_starts_leave_one_winner(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    async def attempt(number: int) -> bool:
        try:
            await _hold(store, office, clock, at(9, 5 * (number % 6)))
        except SlotTaken:
            return False
        return True

    won = await asyncio.gather(*(attempt(number) for number in range(100)))

    assert sum(won) == 1
    await _check(store)


async def test_the_check_finds_what_was_broken_behind_its_back(store: Store, clock: Clock) -> None:
    _, made = await _booked(store, clock)

    async with store.writing() as tx:
        await tx.execute(schema.claim.delete())
        found = await invariants.broken(tx)

    assert found == [f"appointment {made.appointment.id} has no claim on its caseworker"]


async def test_needs_and_person_travel_with_the_booking(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))
    needs = Needs(frozenset({*Feature}), interpreter="ar", companion=True)

    made = await _confirm(store, token, clock, needs)

    assert made.appointment.needs == needs
    assert made.appointment.person == replace(PERSON)


async def test_a_hold_needs_no_transaction_around_it(store: Store, clock: Clock) -> None:
    office = await make_office(store)

    async def attempt(number: int) -> bool:
        try:
            async with store.writing_once() as tx:
                await booking.hold(
                    tx, topic=office.topic, way=Way.IN_PERSON, start=at(9, 5 * (number % 6)),
                    now=clock(),
                )  # fmt: skip
        except SlotTaken:
            return False
        return True

    won = await asyncio.gather(*(attempt(number) for number in range(40)))

    assert sum(won) == 1
    assert await _rows(store, schema.hold) == 1
    await _check(store)


async def test_confirming_writes_the_letter_and_the_companion_s_link_with_it(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9))

    async with store.writing() as tx:
        made = await booking.confirm(
            tx, token, person=PERSON, needs=Needs(companion=True), locale="de", now=clock(),
            companion="Companion", letter=lambda booked: booked.companion_token.encode(),
        )  # fmt: skip

    async with store.reading() as tx:
        (letter,) = await tx.scalars(select(schema.outbox.c.message))
        opened, link = await appointments.by_token(tx, letter.decode(), clock())
    assert opened == made.appointment
    assert (link.part, link.name) == (Part.COMPANION, "Companion")


async def test_the_letter_names_the_room_that_the_needs_led_to(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    token = await _hold(store, office, clock, at(9), Way.IN_PERSON)

    async with store.writing() as tx:
        await booking.confirm(
            tx, token, person=PERSON, needs=STEP_FREE, locale="de", now=clock(),
            letter=lambda booked: str(booked.appointment.room).encode(),
        )  # fmt: skip

    async with store.reading() as tx:
        (letter,) = await tx.scalars(select(schema.outbox.c.message))
    assert b"step_free" in letter
