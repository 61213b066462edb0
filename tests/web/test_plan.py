"""The schedulers' console without scripts: see, search, change, undo, book by phone."""

from __future__ import annotations

import asyncio
import datetime as dt
import re

import pytest

from scheduling import appointments, booking, closures
from scheduling.model import Appointment, Change, Needs, Span, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, add_caseworker, at
from tests.web.conftest import PASSWORD, House
from tests.web.visitor import Page, Visitor

DAY = "/plan?date=2026-10-13"
CALLER = {"name": "Amira Çelik", "phone": "030 901820"}


async def booked(
    house: House, clock: Clock, way: Way = Way.IN_PERSON, hour: int = 9
) -> Appointment:
    async with house.store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=house.office.topic, way=way, start=at(hour), site_id=None,
            person=PERSON, needs=Needs(), locale="en", now=clock(), actor="test",
            caseworker_id=house.office.caseworkers[0],
        )  # fmt: skip
    return confirmed.appointment


async def hired(house: House, name: str = "Colleague") -> int:
    async with house.store.writing() as tx:
        return await add_caseworker(tx, house.office.site_id, name)


async def signed_in(house: House, role: str = "scheduler") -> Visitor:
    visitor = house.visitor()
    await visitor.sign_in(await house.hire(role), PASSWORD)
    return visitor


async def present(house: House, appointment: Appointment) -> Appointment:
    async with house.store.reading() as tx:
        return await appointments.by_id(tx, appointment.id)


async def changed(visitor: Visitor, appointment: Appointment, **fields: str) -> Page:
    page = await visitor.get(f"/plan/appointments/{appointment.id}")
    return await visitor.send(page.form(f"/plan/appointments/{appointment.id}/change"), **fields)


async def test_the_console_lists_everybody_and_everything_with_what_is_booked(
    small_house: House, clock: Clock
) -> None:
    await booked(small_house, clock)
    visitor = await signed_in(small_house)

    page = await visitor.get(DAY)

    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.text.count(">Kim Beispiel</a>") == 2  # the caseworker's lane and the room's
    assert "19 % booked" in page.text  # 35 minutes with buffer of three hours


async def test_a_day_off_is_named_beside_the_name_and_not_by_the_clock(
    small_house: House, clock: Clock
) -> None:
    made = await booked(small_house, clock)
    async with small_house.store.writing() as tx:
        midnight = at(8, day=13) - dt.timedelta(hours=8)
        off = Span(midnight, midnight + dt.timedelta(days=1))
        await closures.close(tx, off, resource_id=made.caseworker.id, kind="absence")
    visitor = await signed_in(small_house)

    page = await visitor.get(DAY)
    lanes = await (await visitor.client.get(DAY.replace("/plan", "/plan/timeline.json"))).json()

    assert "Tue 13 Oct, all day" in " ".join(page.text.split())
    notes = {lane["title"]: lane["extendedProps"]["note"] for lane in lanes["resources"]}
    assert notes.pop(made.caseworker.name) == "away"
    assert {*notes.values()} == {""}


async def test_the_title_of_a_week_names_its_days(small_house: House) -> None:
    visitor = await signed_in(small_house)

    page = await visitor.get(f"{DAY}&span=week")

    (title,) = re.findall("<title>(.+?)</title>", page.text)
    assert "Plan, Mon 12 Oct" in title
    assert "Sun 18 Oct" in title


@pytest.mark.parametrize(
    ("role", "seeing", "changing"),
    [("caseworker", 403, 403), ("reception", 200, 403), ("scheduler", 200, 200)],
)
async def test_roles_decide_who_sees_the_plan_and_who_changes_it(
    small_house: House, clock: Clock, role: str, seeing: int, changing: int
) -> None:
    appointment = await booked(small_house, clock)
    visitor = await signed_in(small_house, role)
    token = (await visitor.get("/staff")).form("/staff/sign-out").fields

    seen = [
        (await visitor.get(address)).status
        for address in ("/plan", "/plan/timeline.json", "/plan/book", "/plan?q=Kim")
    ]
    change = await visitor.post(
        f"/plan/appointments/{appointment.id}/change", {**token, "start": at(10).isoformat()}
    )

    assert seen == [seeing] * 4
    assert change.status == changing


async def test_a_stranger_is_led_to_the_sign_in_and_back_to_the_plan(small_house: House) -> None:
    visitor = small_house.visitor()
    email = await small_house.hire("scheduler")

    asked = await visitor.get("/plan")
    page = await visitor.send(asked.form("/staff/sign-in"), email=email, password=PASSWORD)

    assert page.path == "/plan"


async def test_an_appointment_is_moved_and_given_away_at_once_with_one_letter(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    colleague = await hired(house)
    visitor = await signed_in(house)

    page = await changed(visitor, appointment, time="10:30", caseworker=str(colleague))

    after = await present(house, appointment)
    assert "Changed" in page.text
    assert after.span.start == at(10, 30)
    assert after.caseworker.id == colleague
    assert len(await house.letters()) == 1


async def test_undoing_brings_back_time_person_and_room(house: House, clock: Clock) -> None:
    appointment = await booked(house, clock)
    colleague = await hired(house)
    visitor = await signed_in(house)
    page = await changed(
        visitor, appointment, time="10:30", caseworker=str(colleague),
        room=str(next(room for room in house.office.rooms if room != appointment.room.id)),
    )  # fmt: skip

    between = await present(house, appointment)
    undone = await visitor.send(page.form(f"/plan/appointments/{appointment.id}/change"))

    after = await present(house, appointment)
    assert between.room != appointment.room
    assert "As it was before" in undone.text
    assert (after.span, after.caseworker, after.room) == (
        appointment.span, appointment.caseworker, appointment.room,
    )  # fmt: skip
    assert after.sequence == appointment.sequence + 2


async def test_the_way_changes_and_the_room_is_given_back(house: House, clock: Clock) -> None:
    appointment = await booked(house, clock)
    visitor = await signed_in(house)

    await changed(visitor, appointment, way="video")

    after = await present(house, appointment)
    async with house.store.reading() as tx:
        history = await appointments.history(tx, appointment.id)
    assert after.way is Way.VIDEO
    assert after.room is None
    assert history[-1].change is Change.SHIFTED


async def test_what_is_impossible_is_refused_with_colleagues_and_nearest_times(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock, Way.VIDEO)
    await booked(house, clock, Way.VIDEO, 10)
    await hired(house)
    visitor = await signed_in(house)

    page = await changed(visitor, appointment, time="10:00")

    assert page.status == 409
    assert "Person 0 is not free" in page.text
    assert "Colleague" in page.text
    assert (await present(house, appointment)).sequence == appointment.sequence
    chosen = await visitor.send(page.forms[-1], start=page.forms[-1].starts()[0])
    assert "Changed" in chosen.text


async def test_the_later_of_two_schedulers_sees_what_changed_and_decides(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock)
    visitor = await signed_in(small_house)
    address = f"/plan/appointments/{appointment.id}/change"
    stale = (await visitor.get(f"/plan/appointments/{appointment.id}")).form(address)
    await visitor.send(stale, time="10:00")

    late = await visitor.send(stale, time="11:00")
    insisted = await visitor.send(late.form(address))

    assert late.status == 409
    assert "Somebody else has just changed" in late.text
    assert insisted.status == 200
    assert (await present(small_house, appointment)).span.start == at(11)


async def test_nothing_is_written_when_nothing_changes(small_house: House, clock: Clock) -> None:
    appointment = await booked(small_house, clock)
    visitor = await signed_in(small_house)

    await changed(visitor, appointment)

    assert (await present(small_house, appointment)).sequence == appointment.sequence
    assert await small_house.letters() == []


async def test_an_appointment_is_found_by_its_reference_and_by_part_of_a_name(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    visitor = await signed_in(house, "reception")

    by_reference = await visitor.get(f"/plan?q={appointment.reference.lower()}")
    by_name = await visitor.get("/plan?q=beisp+kim")
    nothing = await visitor.get("/plan?q=%25")

    link = f"/plan/appointments/{appointment.id}"
    assert link in by_reference.links
    assert link in by_name.links
    assert link not in nothing.links


async def test_a_caller_without_an_address_gets_a_reference_and_no_letter(
    house: House, clock: Clock
) -> None:
    visitor = await signed_in(house, "reception")
    page = await visitor.get("/plan/book?topic=money&way=phone")
    form = page.form("/plan/book")

    done = await visitor.send(form, **CALLER)
    again = await visitor.send(form, **CALLER)

    assert "Reference to read out" in done.text
    assert done.text.count('class="reference"') == 1
    assert await house.letters() == []
    async with house.store.reading() as tx:
        listed = await appointments.day(tx, at(9, day=12).date())
    assert [one.person.name for one in listed] == ["Amira Çelik"]
    assert again.status == 200


async def test_a_caller_with_an_address_gets_a_letter(small_house: House, clock: Clock) -> None:
    visitor = await signed_in(small_house, "reception")
    form = (await visitor.get("/plan/book?topic=money&way=in_person")).form("/plan/book")

    await visitor.send(form, **CALLER, email="amira@example.org")

    (letter,) = await small_house.letters()
    assert "amira@example.org" in letter["To"]


async def test_other_times_are_shown_without_losing_what_was_typed(small_house: House) -> None:
    visitor = await signed_in(small_house, "reception")
    form = (await visitor.get("/plan/book")).form("/plan/book")

    page = await visitor.send(form, **CALLER, show="times", way="phone")
    wrong = await visitor.send(page.form("/plan/book"), name="", phone="12")

    assert page.status == 200
    assert page.form("/plan/book").fields["name"] == CALLER["name"]
    assert wrong.status == 400
    assert "Enter your first and last name." in wrong.text


async def test_a_time_that_was_taken_meanwhile_is_said_and_others_are_offered(
    house: House, clock: Clock
) -> None:
    visitor = await signed_in(house)
    form = (await visitor.get("/plan/book?topic=money&way=video&from=2026-10-13")).form(
        "/plan/book"
    )
    await booked(house, clock, Way.VIDEO)

    page = await visitor.send(form, **CALLER, start=at(9).isoformat())

    assert page.status == 409
    assert page.form("/plan/book").fields["name"] == CALLER["name"]


async def test_the_timeline_tells_lanes_appointments_and_closures_in_the_offices_time(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock)
    async with small_house.store.writing() as tx:
        await closures.close(
            tx, Span(at(11), at(12)), resource_id=small_house.office.caseworkers[0], kind="absence"
        )
    visitor = await signed_in(small_house, "reception")

    answer = await visitor.client.get("/plan/timeline.json?date=2026-10-13")
    plan = await answer.json()

    lanes = {lane["id"]: lane for lane in plan["resources"]}
    events = {event["id"]: event for event in plan["events"]}
    shown = events[str(appointment.id)]
    assert len(lanes) == 3
    assert shown["start"] == "2026-10-13T09:00:00"
    assert shown["editable"] is False
    assert set(shown["resourceIds"]) == {
        str(appointment.caseworker.id), str(appointment.room.id),
    }  # fmt: skip
    assert [event["title"] for event in plan["events"] if event.get("display")] == ["away"]


async def test_every_open_console_hears_of_a_change(house: House, clock: Clock) -> None:
    appointment = await booked(house, clock)
    watcher, scheduler = await signed_in(house, "reception"), await signed_in(house)
    stream = await watcher.client.get("/plan/events")

    async def next_event() -> bytes:
        while (line := await stream.content.readline()) != b"event: plan\n":
            pass
        return line

    await asyncio.wait_for(next_event(), 5)  # the state at the beginning
    await changed(scheduler, appointment, time="10:00")

    assert await asyncio.wait_for(next_event(), 5)
    stream.close()


async def test_a_console_hears_of_what_another_process_has_changed(
    house: House, clock: Clock
) -> None:
    watcher = await signed_in(house, "reception")
    stream = await watcher.client.get("/plan/events")

    async def next_event() -> bytes:
        while (line := await stream.content.readline()) != b"event: plan\n":
            pass
        return line

    await asyncio.wait_for(next_event(), 5)
    await booked(house, clock)  # past the server, as another process would

    assert await asyncio.wait_for(next_event(), 5)
    stream.close()


async def test_the_timeline_tells_when_people_are_not_there(small_house: House) -> None:
    scheduler = await signed_in(small_house)

    answer = await scheduler.client.get("/plan/timeline.json?date=2026-10-13&kind=people")
    page = await scheduler.get("/plan?date=2026-10-13&kind=people")

    plan = await answer.json()
    assert [(one["start"], one["end"], one["classNames"]) for one in plan["hours"]] == [
        ("2026-10-13T00:00:00", "2026-10-13T09:00:00", ["off"]),
        ("2026-10-13T12:00:00", "2026-10-14T00:00:00", ["off"]),
    ]
    assert "There 09:00" in page.text


async def test_a_public_holiday_is_named_and_a_search_in_vain_tells_how_to_search(
    small_house: House,
) -> None:
    scheduler = await signed_in(small_house)

    # The house stands in North Rhine-Westphalia.
    day = await scheduler.get("/plan?date=2026-11-01")
    week = await scheduler.get("/plan?date=2026-10-30&span=week")
    vain = await scheduler.get("/plan?q=Niemand")

    assert "Allerheiligen" in day.text
    assert "Sun 1 Nov: Allerheiligen" in week.text
    assert "0 appointments found" in vain.text
    assert "a name by its parts" in vain.text
