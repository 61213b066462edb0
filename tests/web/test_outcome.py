"""What became of an appointment, as staff note it; branches for claimants; one booking a form."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from scheduling import appointments, booking, figures, outcomes
from scheduling.figures import By
from scheduling.model import Closed, Needs, Outcome, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at, make_office
from tests.web.conftest import House
from tests.web.test_plan import CALLER, booked, present, signed_in


async def test_staff_note_what_became_of_an_appointment_and_correct_it(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    visitor = await signed_in(house, "reception")
    address = f"/staff/appointments/{appointment.id}/outcome"
    early = await visitor.get("/staff/day/2026-10-13")
    clock.now = at(9, 10)
    visitor = await signed_in(house, "scheduler")

    day = await visitor.get("/staff/day/2026-10-13")
    await visitor.send(day.form(address), outcome="missed")
    missed = (await present(house, appointment)).outcome
    shown = await visitor.get(f"/staff/appointments/{appointment.id}")
    corrected = await visitor.send(shown.form(address), outcome="held")

    assert address not in {form.action for form in early.forms}
    assert missed is Outcome.MISSED
    assert (await present(house, appointment)).outcome is Outcome.HELD
    assert "Noted what became of it: did not come" in corrected.text
    assert "Noted what became of it: took place" in corrected.text


async def test_neither_cancelled_nor_coming_appointments_can_be_marked(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)

    async with store.writing() as tx:
        one, other = [
            (
                await booking.book(
                    tx, topic=office.topic, way=Way.VIDEO, start=at(hour), site_id=None,
                    person=PERSON, needs=Needs(), locale="de", now=clock(), actor="test",
                )
            ).appointment
            for hour in (9, 10)
        ]  # fmt: skip
        await booking.cancel(tx, one.id, actor="test", now=clock())
        clock.now = at(9, 30)
        for appointment in (one, other):
            with pytest.raises(Closed):
                await outcomes.mark(
                    tx, appointment.id, Outcome.MISSED, actor="staff:1", now=clock()
                )


async def test_a_failed_connection_is_no_missed_appointment(store: Store, clock: Clock) -> None:
    office = await make_office(store, caseworkers=2)
    async with store.writing() as tx:
        ids = []
        for number in range(8):
            made = await booking.book(
                tx, topic=office.topic, way=(Way.VIDEO, Way.PHONE)[number % 2],
                start=at(9) + dt.timedelta(minutes=45 * (number // 2)), site_id=None, person=PERSON,
                needs=Needs(), locale="de", now=clock(), actor="test",
            )  # fmt: skip
            ids.append(made.appointment.id)
        clock.now = at(13)
        marks = [Outcome.HELD] * 4 + [Outcome.MISSED] * 2 + [Outcome.FAILED] * 2
        for one, outcome in zip(ids, marks, strict=True):
            await outcomes.mark(tx, one, outcome, actor="staff:1", now=clock())
            await outcomes.mark(tx, one, outcome, actor="staff:1", now=clock())
        history = await appointments.history(tx, ids[0])
        found = await figures.read(tx, By.WEEK, at(9).date(), at(9).date(), clock())

    assert found.total.missed == pytest.approx(2 / 6)
    assert len(history) == 2


async def test_a_claimant_comes_to_another_branch_instead(house: House, clock: Clock) -> None:
    await house.open_branch()
    visitor = house.visitor()
    own = (await visitor.book("in_person")).path
    before = await present_of(house)

    ways = await visitor.get(f"{own}/way")
    moving = await visitor.get(f"{own}/move?site=branch")
    form = moving.form(f"{own}/move")
    moved = await visitor.send(form, start=form.starts()[0])

    after = await present_of(house)
    assert f"{own}/move" in ways.links
    assert f"{own}/move?site=branch" in moving.links
    assert moved.title == "Your appointment has been moved"
    assert (after.site.key, after.reference) == ("branch", before.reference)
    assert len(await house.letters()) == 2


async def present_of(house: House) -> appointments.Appointment:
    async with house.store.reading() as tx:
        return await appointments.by_id(tx, 1)


async def test_a_branch_that_has_just_filled_up_offers_its_own_nearest_times(
    house: House, clock: Clock
) -> None:
    await house.open_branch()
    visitor, other = house.visitor(), house.visitor()
    own, faster = [(await one.book("in_person")).path for one in (visitor, other)]
    page = await visitor.get(f"{own}/move?site=branch&day=2026-10-14")
    form, start = page.form(f"{own}/move"), at(9, day=14).isoformat()
    there = (await other.get(f"{faster}/move?site=branch")).form(f"{faster}/move")
    await other.send(there, start=start)

    late = await visitor.send(form, start=start)

    assert late.status == 409
    assert late.form(f"{own}/move").fields["site"] == "branch"


async def test_a_form_of_the_office_sent_twice_at_once_books_once(
    house: House, clock: Clock
) -> None:
    await house.open_branch()
    visitor = await signed_in(house, "reception")
    form = (await visitor.get("/plan/book?topic=money&way=phone")).form("/plan/book")

    both = await asyncio.gather(*(visitor.send(form, **CALLER) for _ in range(2)))
    again = await visitor.send(form, **CALLER)

    assert all("Reference to read out" in one.text for one in (*both, again))
    async with house.store.reading() as tx:
        assert len(await appointments.day(tx, at(9, day=12).date())) == 1
