"""Devices on the pages: who may hand out what, the code on the device, overdue ones."""

from __future__ import annotations

import datetime as dt

import pytest

from scheduling import appointments, booking, catalog, loans, schema
from scheduling.model import Appointment, Needs, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, at, row
from tests.web.conftest import PASSWORD, House
from tests.web.test_staff import signed_in


async def tablets(house: House, count: int = 1) -> list[int]:
    office = house.office
    async with house.store.writing() as tx:
        await row(
            tx, schema.topic_way, topic_id=office.topic.id, way="branch_video", minutes=30, **TERMS
        )
        office.topic = await catalog.topic(tx, "money")
        return [
            await row(
                tx, schema.resource, site_id=office.site_id, kind="tablet", name=f"Tablet {n}",
                features=[], skills=[], languages=[], active=True,
            )
            for n in range(count)
        ]  # fmt: skip


async def at_a_branch(house: House, clock: Clock, hour: int) -> Appointment:
    async with house.store.writing() as tx:
        made = await booking.book(
            tx, topic=house.office.topic, way=Way.BRANCH_VIDEO, start=at(hour, day=12),
            site_id=house.office.site_id, person=PERSON, needs=Needs(), locale="en", now=clock(),
            actor="test",
        )  # fmt: skip
    return made.appointment


async def lend(house: House, clock: Clock, device: int, **until: float) -> None:
    async with house.store.writing() as tx:
        due = clock() + dt.timedelta(**(until or {"hours": 1}))
        await loans.hand_out(tx, device, house.office.caseworkers[0], due, clock())


async def out(house: House) -> list[loans.Loan]:
    async with house.store.reading() as tx:
        return await loans.out(tx)


async def test_reception_hands_out_and_takes_back(house: House) -> None:
    (tablet,) = await tablets(house)
    person = house.office.caseworkers[0]
    reception = await signed_in(house, "reception")
    page = await reception.get(f"/plan/devices/{tablet}")

    lent = await reception.send(page.form(f"/plan/devices/{tablet}/hand-out"), borrower=str(person))
    (loan,) = await out(house)
    back = await reception.send(lent.form(f"/plan/devices/{tablet}/return"))

    assert "Handed out." in lent.text
    assert (loan.borrower.id, loan.due_at) == (person, at(18, day=12))
    assert "Taken back." in back.text
    assert await out(house) == []


async def test_a_scanned_code_leads_through_the_sign_in_to_one_button(small_house: House) -> None:
    (tablet,) = await tablets(small_house)
    person = small_house.office.caseworkers[0]
    email = await small_house.hire("caseworker", resource_id=person)
    phone = small_house.visitor()

    asked = await phone.get(f"/plan/devices/{tablet}")
    page = await phone.send(asked.form("/staff/sign-in"), email=email, password=PASSWORD)
    lent = await phone.send(page.form(f"/plan/devices/{tablet}/hand-out"))

    assert page.path == f"/plan/devices/{tablet}"
    assert "Hand out to me" in page.text
    assert "Take back" in lent.text
    assert [loan.borrower.id for loan in await out(small_house)] == [person]


async def test_caseworkers_take_and_return_for_themselves_alone(
    small_house: House, clock: Clock
) -> None:
    first, second = await tablets(small_house, 2)
    await small_house.open_branch()
    person = small_house.office.caseworkers[0]
    await lend(small_house, clock, first)
    async with small_house.store.reading() as tx:
        people = await catalog.resources(tx)
    other = next(one.id for one in people if one.name == "Person of the branch")
    visitor = await signed_in(small_house, "caseworker", other)
    fields = (
        (await visitor.get(f"/plan/devices/{second}"))
        .form(f"/plan/devices/{second}/hand-out")
        .fields
    )

    page = await visitor.get(f"/plan/devices/{first}")
    refused = await visitor.post(f"/plan/devices/{first}/return", fields)
    await visitor.post(f"/plan/devices/{second}/hand-out", {**fields, "borrower": str(person)})

    assert f"/plan/devices/{first}/return" not in [form.action for form in page.forms]
    assert refused.status == 403
    assert {loan.device.id: loan.borrower.id for loan in await out(small_house)} == {
        first: person,
        second: other,
    }
    assert (await visitor.post("/plan/devices/cover", fields)).status == 403


async def test_two_who_hand_out_the_same_device_at_once_are_told(
    small_house: House, clock: Clock
) -> None:
    (tablet,) = await tablets(small_house)
    reception = await signed_in(small_house, "reception")
    form = (await reception.get(f"/plan/devices/{tablet}")).form(f"/plan/devices/{tablet}/hand-out")
    await lend(small_house, clock, tablet)

    page = await reception.send(form, borrower=str(small_house.office.caseworkers[0]))

    assert page.status == 409
    assert "taken this device meanwhile" in page.text
    assert len(await out(small_house)) == 1


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"borrower": ""}, "Choose who takes the device."),
        ({"borrower": "999"}, "Choose who takes the device."),
        ({"day": "2026-10-11"}, "later than now"),
        ({"day": "soon"}, "Enter a day"),
        ({"time": "late"}, "Enter a time"),
        ({"day": "2099-10-12"}, "Check the year"),
        ({"day": "0001-01-01", "time": "00:00"}, "Check the year"),
    ],
)
async def test_a_hand_out_that_cannot_be_is_refused_with_the_reason(
    small_house: House, fields: dict[str, str], complaint: str
) -> None:
    (tablet,) = await tablets(small_house)
    reception = await signed_in(small_house, "reception")
    form = (await reception.get(f"/plan/devices/{tablet}")).form(f"/plan/devices/{tablet}/hand-out")
    person = str(small_house.office.caseworkers[0])

    page = await reception.send(form, **{"borrower": person, **fields})

    assert page.status == 400
    assert complaint in page.text
    assert await out(small_house) == []


async def test_a_second_tap_on_take_back_is_no_error(small_house: House, clock: Clock) -> None:
    (tablet,) = await tablets(small_house)
    await lend(small_house, clock, tablet)
    reception = await signed_in(small_house, "reception")
    form = (await reception.get(f"/plan/devices/{tablet}")).form(f"/plan/devices/{tablet}/return")

    first, second = [await reception.send(form) for _ in range(2)]

    assert (first.status, second.status) == (200, 200)


async def test_the_list_shows_who_has_a_device_and_what_it_is_booked_for(
    house: House, clock: Clock
) -> None:
    (tablet,) = await tablets(house)
    await at_a_branch(house, clock, 9)
    await lend(house, clock, tablet)
    reception = await signed_in(house, "reception")

    now = await reception.get("/plan/devices")
    clock.forward(minutes=61)
    later = await reception.get("/plan/devices")

    assert "Next: Mon 12 Oct, 09:00, Person 0" in now.text
    assert "overdue" not in now.text
    assert "1 device is overdue" in later.text
    assert PERSON.name not in now.text


@pytest.mark.parametrize("spare", [0, 1])
async def test_the_next_appointment_of_an_overdue_device_gets_another_or_is_listed(
    house: House, clock: Clock, spare: int
) -> None:
    tablet, *_ = await tablets(house, 1 + spare)
    booked = await at_a_branch(house, clock, 10)
    await lend(house, clock, tablet)
    clock.forward(minutes=61)
    reception = await signed_in(house, "reception")
    form = (await reception.get("/plan/devices")).form("/plan/devices/cover")

    page = await reception.send(form)

    async with house.store.reading() as tx:
        after = await appointments.by_id(tx, booked.id)
    assert (after.tablet.id != tablet) is bool(spare)
    assert ("has another device" in page.text) is bool(spare)
    assert ("No other device is free" in page.text) is not bool(spare)
    assert await house.letters() == []


async def test_the_code_is_a_drawing_and_unknown_devices_have_none(small_house: House) -> None:
    (tablet,) = await tablets(small_house)
    reception = await signed_in(small_house, "reception")

    code = await reception.get(f"/plan/devices/{tablet}/code.svg")
    room = await reception.get(f"/plan/devices/{small_house.office.rooms[0]}/code.svg")

    assert code.headers["Content-Type"].startswith("image/svg+xml")
    assert room.status == 404
    assert (await small_house.visitor().get("/plan/devices")).path == "/staff/sign-in"
