"""Entering absences and closures: what is refused and why, what is affected, lifting."""

from __future__ import annotations

import datetime as dt

import pytest

from scheduling import closures
from scheduling.model import Way
from tests.conftest import Clock
from tests.scheduling.office import at
from tests.web.conftest import House
from tests.web.test_staff import booked, signed_in

MIDNIGHT = dt.datetime(2026, 10, 11, 22, 0, tzinfo=dt.UTC)
ONE_DAY = dt.timedelta(days=1)


async def current(house: House, clock: Clock) -> list[closures.Closed]:
    async with house.store.reading() as tx:
        return await closures.current(tx, clock())


async def test_an_absence_shows_at_once_whom_it_affects(house: House, clock: Clock) -> None:
    person = house.office.caseworkers[0]
    await booked(house, clock, Way.VIDEO, 9)
    await booked(house, clock, Way.PHONE, 10)
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/closures")).form("/plan/closures")

    page = await scheduler.send(form, whom=str(person))
    listed = await scheduler.get("/plan/closures")

    assert form.fields["first"] == "2026-10-12"
    assert page.path == "/plan/rescue"
    assert "2 booked appointments cannot take place" in page.text
    assert "2 affected appointments" in listed.text
    (closed,) = await current(house, clock)
    assert (closed.resource_id, closed.kind) == (person, "absence")
    assert (closed.span.start, closed.span.end) == (MIDNIGHT, MIDNIGHT + ONE_DAY)


async def test_a_branch_without_network_affects_video_alone(house: House, clock: Clock) -> None:
    await booked(house, clock, Way.VIDEO, 9)
    await booked(house, clock, Way.PHONE, 10)
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/closures?form=site")).form("/plan/closures")

    page = await scheduler.send(form, whom=str(house.office.site_id), effect="network")

    assert "1 booked appointment cannot take place" in page.text
    assert "Without network" in page.text


async def test_a_closed_room_is_entered_with_times_and_a_note(house: House, clock: Clock) -> None:
    visit = await booked(house, clock, Way.IN_PERSON, 9)
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/closures?form=place")).form("/plan/closures")

    await scheduler.send(
        form, whom=str(visit.room.id), **{"from": "09:15", "until": "10:00", "note": "Painters"}
    )

    (closed,) = await current(house, clock)
    assert (closed.span.start, closed.span.end) == (at(9, 15, day=12), at(10, day=12))
    assert closed.note == "Painters"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"whom": ""}, "Choose who is away."),
        ({"whom": "999"}, "Choose who is away."),
        ({"first": ""}, "Enter a day"),
        ({"first": "tomorrow"}, "Enter a day"),
        ({"first": "0026-10-12"}, "Check the year"),
        ({"last": "2026-10-11"}, "The end must be after the beginning."),
        ({"from": "12:00", "until": "11:00"}, "The end must be after the beginning."),
        ({"first": "2026-10-11"}, "already over"),
        ({"last": "2036-10-12"}, "Check the year"),
        ({"from": "noon"}, "Enter a time"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason_and_keeps_what_was_typed(
    small_house: House, clock: Clock, fields: dict[str, str], complaint: str
) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/closures")).form("/plan/closures")
    person = str(small_house.office.caseworkers[0])

    page = await scheduler.send(form, **{"whom": person, "first": "2026-10-12", **fields})

    assert page.status == 400
    assert complaint in page.text
    assert f'value="{fields.get("first", "2026-10-12")}"' in page.text
    assert await current(small_house, clock) == []


async def test_a_second_tap_enters_nothing_twice(small_house: House, clock: Clock) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/closures")).form("/plan/closures")
    person = str(small_house.office.caseworkers[0])

    for _ in range(2):
        await scheduler.send(form, whom=person)

    assert len(await current(small_house, clock)) == 1


async def test_lifting_takes_it_off_the_list(house: House, clock: Clock) -> None:
    await booked(house, clock, Way.VIDEO, 9)
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/closures")).form("/plan/closures")
    await scheduler.send(form, whom=str(house.office.caseworkers[0]))
    (closed,) = await current(house, clock)
    action = f"/plan/closures/{closed.id}/lift"

    page = await scheduler.send((await scheduler.get("/plan/closures")).form(action))
    again = await scheduler.post(action, page.form("/plan/closures").fields)

    assert "Everybody is there" in page.text
    assert again.status == 404
    assert "No appointment is affected" in (await scheduler.get("/plan/rescue")).text


async def test_reception_reads_and_caseworkers_have_no_access(small_house: House) -> None:
    reception = await signed_in(small_house, "reception")
    caseworker = await signed_in(small_house, "caseworker")
    planner = await signed_in(small_house, "admin")
    fields = (await planner.get("/plan/closures")).form("/plan/closures").fields

    page = await reception.get("/plan/closures")

    assert page.status == 200
    assert "/plan/closures" not in [form.action for form in page.forms]
    assert (await reception.post("/plan/closures", fields)).status == 403
    assert (await caseworker.get("/plan/closures")).status == 403
    assert (await small_house.visitor().get("/plan/closures")).path == "/staff/sign-in"
