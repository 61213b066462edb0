"""The rescue list: one transaction and one letter each, and what came between stays on it."""

from __future__ import annotations

import pytest

from scheduling import appointments, booking, closures, invariants, together
from scheduling.model import Appointment, Change, Needs, Person, Span, Status, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, add_caseworker, at
from tests.web.conftest import House
from tests.web.test_staff import signed_in
from tests.web.visitor import Form, Visitor

ALL_DAY = Span(at(8, day=12), at(18, day=12))


async def book(
    house: House, clock: Clock, hour: int, minute: int = 0, *, way: Way = Way.VIDEO,
    person: Person = PERSON, caseworker: int | None = None,
) -> Appointment:  # fmt: skip
    async with house.store.writing() as tx:
        made = await booking.book(
            tx, topic=house.office.topic, way=way, start=at(hour, minute, day=12), site_id=None,
            person=person, needs=Needs(), locale="en", now=clock(), actor="test",
            caseworker_id=caseworker or house.office.caseworkers[0],
        )  # fmt: skip
    return made.appointment


async def colleague(house: House) -> int:
    async with house.store.writing() as tx:
        return await add_caseworker(tx, house.office.site_id, "Colleague")


async def away(house: House) -> int:
    async with house.store.writing() as tx:
        return await closures.close(
            tx, ALL_DAY, resource_id=house.office.caseworkers[0], kind="absence"
        )


async def now_is(house: House, appointment: Appointment) -> Appointment:
    async with house.store.reading() as tx:
        return await appointments.by_id(tx, appointment.id)


async def carry_out(visitor: Visitor, form: Form, *chosen: Appointment) -> str:
    fields = [*form.fields.items(), *(("apply", str(one.id)) for one in chosen)]
    page = await visitor.post(
        form.action, [(name, value) for name, value in fields if name != "apply" or value]
    )
    assert page.status == 200, page.text
    return page.text


def without_choices(form: Form) -> Form:
    fields = {name: one for name, one in form.fields.items() if name != "apply"}
    return Form(form.action, fields, choices=form.choices)


async def the_form(visitor: Visitor) -> Form:
    return without_choices((await visitor.get("/plan/rescue")).form("/plan/rescue"))


async def test_one_button_gives_all_to_a_colleague_and_each_claimant_one_letter(
    house: House, clock: Clock
) -> None:
    other = await colleague(house)
    hit = [await book(house, clock, 9), await book(house, clock, 10)]
    await away(house)
    scheduler = await signed_in(house, "scheduler")

    page = await scheduler.get("/plan/rescue")
    text = await carry_out(scheduler, without_choices(page.form("/plan/rescue")), *hit)

    assert page.text.count(">Colleague, same time<") == 2
    assert "2 appointments rearranged" in text
    assert "No appointment is affected" in text
    letters = await house.letters()
    assert [letter["To"].addresses[0].addr_spec for letter in letters] == [PERSON.email] * 2
    after = [await now_is(house, one) for one in hit]
    assert [one.caseworker.id for one in after] == [other, other]
    assert [(one.uid, one.reference, one.span) for one in after] == [
        (one.uid, one.reference, one.span) for one in hit
    ]
    async with house.store.reading() as tx:
        assert [one.change for one in await appointments.history(tx, hit[0].id)] == [
            Change.BOOKED, Change.REASSIGNED,
        ]  # fmt: skip
        assert await invariants.broken(tx) == []


async def test_the_letters_link_opens_the_appointment(small_house: House, clock: Clock) -> None:
    await colleague(small_house)
    hit = await book(small_house, clock, 9)
    await away(small_house)
    scheduler = await signed_in(small_house, "scheduler")

    await carry_out(scheduler, await the_form(scheduler), hit)

    (letter,) = await small_house.letters()
    words = letter.get_body(("plain",)).get_content()
    token = words.partition("/appointment/")[2].split()[0]
    page = await small_house.visitor().get(f"/appointment/{token}")
    assert hit.reference in page.text


async def test_who_is_left_out_is_left_alone(small_house: House, clock: Clock) -> None:
    await colleague(small_house)
    chosen, left_out = await book(small_house, clock, 9), await book(small_house, clock, 10)
    await away(small_house)
    scheduler = await signed_in(small_house, "scheduler")

    text = await carry_out(scheduler, await the_form(scheduler), chosen)

    assert "1 appointment rearranged" in text
    assert "1 booked appointment cannot take place" in text
    assert await now_is(small_house, left_out) == left_out


async def test_what_was_taken_meanwhile_stays_with_the_reason_and_a_new_proposal(
    house: House, clock: Clock
) -> None:
    other = await colleague(house)
    hit = [await book(house, clock, 9), await book(house, clock, 10)]
    await away(house)
    scheduler = await signed_in(house, "scheduler")
    form = await the_form(scheduler)
    await book(house, clock, 9, caseworker=other)

    text = await carry_out(scheduler, form, *hit)

    assert "1 appointment rearranged" in text
    assert "has been taken meanwhile" in text
    assert (await now_is(house, hit[0])).sequence == 0
    assert len(await house.letters()) == 1


async def test_a_second_tap_and_a_change_by_somebody_else_tell_nobody_twice(
    house: House, clock: Clock
) -> None:
    await colleague(house)
    tapped, cancelled = await book(house, clock, 9), await book(house, clock, 10)
    await away(house)
    scheduler = await signed_in(house, "scheduler")
    form = await the_form(scheduler)
    async with house.store.writing() as tx:
        await booking.cancel(tx, cancelled.id, actor="test", now=clock())

    await carry_out(scheduler, form, tapped, cancelled)
    again = await carry_out(scheduler, form, tapped, cancelled)

    assert "2 appointments could not be rearranged" in again
    assert len(await house.letters()) == 1
    assert (await now_is(house, cancelled)).status is Status.CANCELLED
    assert (await now_is(house, tapped)).sequence == 1


async def test_an_appointment_that_moved_but_is_still_affected_is_not_moved_blindly(
    house: House, clock: Clock
) -> None:
    await colleague(house)
    hit = await book(house, clock, 9)
    scheduler = await signed_in(house, "scheduler")
    await away(house)
    form = await the_form(scheduler)
    async with house.store.writing() as tx:
        (closed,) = await closures.current(tx, clock())
        await closures.lift(tx, closed.id)
        await booking.rearrange(
            tx, hit.id, start=at(11, day=12), actor="test", now=clock(), for_staff=True,
            caseworker_id=house.office.caseworkers[0],
        )  # fmt: skip
    await away(house)

    text = await carry_out(scheduler, form, hit)

    assert "Somebody has changed this appointment meanwhile" in text
    assert (await now_is(house, hit)).span.start == at(11, day=12)
    assert await house.letters() == []


async def test_who_has_no_address_is_listed_to_be_phoned(small_house: House, clock: Clock) -> None:
    await colleague(small_house)
    person = Person("Nora Ohnepost", "", "+4930901820")
    hit = await book(small_house, clock, 9, person=person)
    await away(small_house)
    scheduler = await signed_in(small_house, "scheduler")

    text = await carry_out(scheduler, await the_form(scheduler), hit)

    assert "Please phone" in text
    assert "tel:+4930901820" in text
    assert await small_house.letters() == []


async def test_without_a_colleague_the_same_person_phones_or_it_is_moved(
    small_house: House, clock: Clock
) -> None:
    visit = await book(small_house, clock, 9, way=Way.IN_PERSON)
    async with small_house.store.writing() as tx:
        await closures.close(
            tx, ALL_DAY, site_id=small_house.office.site_id,
            ways=[Way.IN_PERSON, Way.BRANCH_VIDEO],
        )  # fmt: skip
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get("/plan/rescue")
    await carry_out(scheduler, without_choices(page.form("/plan/rescue")), visit)

    assert "By phone, same time, with Person 0" in page.text
    after = await now_is(small_house, visit)
    assert (after.way, after.span.start) == (Way.PHONE, visit.span.start)


async def test_a_scheduler_who_knows_better_chooses_another_way_out(
    house: House, clock: Clock
) -> None:
    other = await colleague(house)
    hit = [await book(house, clock, 9), await book(house, clock, 10)]
    await away(house)
    scheduler = await signed_in(house, "scheduler")
    form = await the_form(scheduler)
    phone, tuesday = f"change-{hit[0].id}", f"change-{hit[1].id}"
    form.fields[phone] = form.choices[phone]["By phone, same time, with Colleague"]
    form.fields[tuesday] = form.choices[tuesday]["Tue 13 Oct, 09:00"]

    await carry_out(scheduler, form, *hit)

    after = [await now_is(house, one) for one in hit]
    assert [(one.way, one.span.start) for one in after] == [
        (Way.PHONE, hit[0].span.start),
        (Way.VIDEO, at(9)),
    ]
    assert [one.caseworker.id for one in after] == [other, house.office.caseworkers[0]]
    assert len(await house.letters()) == 2


async def test_who_was_to_join_and_is_ill_is_left_out_and_nobody_is_written_to(
    house: House, clock: Clock
) -> None:
    joining = await colleague(house)
    hit = await book(house, clock, 9, way=Way.IN_PERSON)
    async with house.store.writing() as tx:
        await together.invite(tx, hit, [joining], "test", clock())
        await closures.close(tx, ALL_DAY, resource_id=joining, kind="absence")
    scheduler = await signed_in(house, "scheduler")

    page = await scheduler.get("/plan/rescue")
    text = await carry_out(scheduler, without_choices(page.form("/plan/rescue")), hit)

    assert "Same time, without Colleague" in page.text
    assert "No appointment is affected" in text
    assert await now_is(house, hit) == hit
    assert await house.letters() == []
    async with house.store.reading() as tx:
        assert await together.colleagues(tx, hit.id) == []
        assert (await appointments.history(tx, hit.id))[-1].change is Change.COLLEAGUE_LEFT
        assert await invariants.broken(tx) == []


async def test_who_was_to_join_takes_over_when_the_caseworker_is_ill(
    small_house: House, clock: Clock
) -> None:
    joining = await colleague(small_house)
    hit = await book(small_house, clock, 9)
    async with small_house.store.writing() as tx:
        await together.invite(tx, hit, [joining], "test", clock())
    await away(small_house)
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get("/plan/rescue")
    await carry_out(scheduler, without_choices(page.form("/plan/rescue")), hit)

    assert "Colleague, same time" in page.text
    after = await now_is(small_house, hit)
    assert (after.caseworker.id, after.span) == (joining, hit.span)
    assert len(await small_house.letters()) == 1
    async with small_house.store.reading() as tx:
        assert await together.colleagues(tx, hit.id) == []
        assert await invariants.broken(tx) == []


async def test_whoever_keeps_the_room_is_not_sent_to_another(
    small_house: House, clock: Clock
) -> None:
    first = await book(small_house, clock, 9, way=Way.IN_PERSON)
    other = await colleague(small_house)
    second = await book(small_house, clock, 9, way=Way.IN_PERSON, caseworker=other)
    async with small_house.store.writing() as tx:
        await booking.cancel(tx, first.id, actor="test", now=clock())
        await closures.close(tx, ALL_DAY, resource_id=other, kind="absence")
    scheduler = await signed_in(small_house, "scheduler")

    await carry_out(scheduler, await the_form(scheduler), second)

    after = await now_is(small_house, second)
    assert after.caseworker.id == first.caseworker.id
    assert after.room == second.room != first.room


async def test_where_nothing_was_found_it_is_said(small_house: House, clock: Clock) -> None:
    await book(small_house, clock, 9)
    async with small_house.store.writing() as tx:
        await closures.close(
            tx, Span(ALL_DAY.start, at(18, day=12).replace(month=12)),
            site_id=small_house.office.site_id,
        )  # fmt: skip
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get("/plan/rescue")

    assert "No proposal found." in page.text
    assert "Carry out what is chosen" not in page.text


@pytest.mark.parametrize("change", ["", "1|move", "x|colleague|2026-10-12T09:00|video|1|1"])
async def test_a_broken_form_changes_nothing(small_house: House, clock: Clock, change: str) -> None:
    hit = await book(small_house, clock, 9)
    await away(small_house)
    scheduler = await signed_in(small_house, "scheduler")
    form = await the_form(scheduler)
    fields = {**form.fields, "apply": str(hit.id), f"change-{hit.id}": change}

    page = await scheduler.post("/plan/rescue", fields)

    assert page.status == 400
    assert await now_is(small_house, hit) == hit


async def test_reception_reads_the_list_and_caseworkers_do_not(
    small_house: House, clock: Clock
) -> None:
    await book(small_house, clock, 9)
    await away(small_house)
    reception = await signed_in(small_house, "reception")
    caseworker = await signed_in(small_house, "caseworker")

    page = await reception.get("/plan/rescue")
    form = page.form("/plan/rescue")

    assert PERSON.name in page.text
    assert (await reception.send(form)).status == 403
    assert (await caseworker.get("/plan/rescue")).status == 403
