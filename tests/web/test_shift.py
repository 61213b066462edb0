"""Changing the way: from the claimant's link and by the office, at the same time or another."""

from __future__ import annotations

import icalendar
import pytest
from sqlalchemy import select

from scheduling import appointments, booking, invariants, schema
from scheduling.model import Change, Needs, Person, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, at, row
from tests.web.conftest import PASSWORD, House
from tests.web.visitor import CLAIMANT, Form, Page


async def open_branch(house: House) -> int:
    """Open a branch with a room and a tablet, and offer video from it; return its id."""
    async with house.store.writing() as tx:
        branch = await row(
            tx, schema.site, key="branch", name="Zweigstelle", address="Gasse 2", phone="+49302",
            state="NW",
        )  # fmt: skip
        for kind, name in (("room", "Raum 7"), ("tablet", "Tablet 7")):
            await row(
                tx, schema.resource, site_id=branch, kind=kind, name=name, features=[], skills=[],
                languages=[], active=True, setup_minutes=0, return_minutes=0,
            )  # fmt: skip
        await row(
            tx, schema.topic_way, topic_id=house.office.topic.id, way="branch_video", minutes=30,
            **TERMS,
        )  # fmt: skip
    return branch


def form_of(page: Page, way: str) -> Form:
    return next(form for form in page.forms if form.action.endswith(f"/way/{way}"))


def event(letter: object) -> icalendar.Event:
    (part,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
    assert calendar["method"] == "REQUEST"
    return calendar.walk("VEVENT")[0]


async def test_one_tap_changes_the_way_and_keeps_time_identity_and_link(house: House) -> None:
    visitor = house.visitor()
    own = (await visitor.book("in_person")).path
    ways = await visitor.get(f"{own}/way")

    shifted = await visitor.send(form_of(ways, "video"))

    async with house.store.reading() as tx:
        appointment = await appointments.by_id(tx, 1)
        entries = await appointments.history(tx, 1)
        assert await invariants.broken(tx) == []
    booked, changed = [event(letter) for letter in await house.letters()]
    assert shifted.path == own
    assert shifted.title == "The way of your appointment has changed"
    assert (appointment.way, appointment.room) == (Way.VIDEO, None)
    assert [entry.change for entry in entries] == [Change.BOOKED, Change.SHIFTED]
    assert (booked["uid"], booked["dtstart"]) == (changed["uid"], changed["dtstart"])
    assert (booked["sequence"], changed["sequence"]) == (0, 1)
    assert booked["location"] == "Haupthaus, Platz 1"
    assert changed["location"].endswith(own.replace("/appointment/", "/call/"))


async def test_a_second_tap_changes_nothing_more(small_house: House) -> None:
    visitor = small_house.visitor()
    own = (await visitor.book("in_person")).path
    form = form_of(await visitor.get(f"{own}/way"), "video")

    await visitor.send(form)
    again = await visitor.send(form)

    assert (again.status, again.path) == (200, own)
    assert len(await small_house.letters()) == 2


async def test_other_times_are_offered_where_the_present_one_is_impossible(
    small_house: House,
) -> None:
    async with small_house.store.writing() as tx:
        ways = schema.topic_way
        await tx.execute(ways.update().where(ways.c.way == "in_person").values(earliest_day=1))
    visitor = small_house.visitor()
    own = (await visitor.book("video")).path

    page = await visitor.get(f"{own}/way")
    terms = await visitor.get(f"{own}/way/in_person")
    form = form_of(terms, "in_person")
    shifted = await visitor.send(form, start=form.starts()[0])

    assert "Not possible at 09:00." in page.text
    assert [form.action for form in page.forms if form.action.endswith("in_person")] == []
    assert form.starts()[0] == "2026-10-13T09:00:00+02:00"
    assert "Tuesday, 13 October 2026" in shifted.text
    assert (await small_house.letters())[1]["Subject"].startswith("New way: your appointment on")


async def test_a_branch_is_chosen_by_its_address_and_named_with_its_room(house: House) -> None:
    await open_branch(house)
    visitor = house.visitor()
    own = (await visitor.book("phone")).path
    ways = await visitor.get(f"{own}/way")
    terms = await visitor.get(f"{own}/way/branch_video")

    form = form_of(terms, "branch_video")
    shifted = await visitor.send(form, start=form.starts()[0])

    assert f"{own}/way/branch_video" in ways.links
    assert "Zweigstelle</strong>, Gasse 2" in terms.text
    assert "Raum 7" in shifted.text
    letter = (await house.letters())[1]
    place = "By video from a branch: Zweigstelle, Gasse 2, Raum 7"
    assert event(letter)["location"] == place
    assert place in " ".join(letter.get_body(("plain",)).get_content().split())
    async with house.store.reading() as tx:
        appointment = await appointments.by_id(tx, 1)
        assert await invariants.broken(tx) == []
    assert (appointment.room.name, appointment.tablet.name) == ("Raum 7", "Tablet 7")


async def test_several_sites_are_to_be_chosen_among_first(small_house: House) -> None:
    await small_house.open_branch()
    visitor = small_house.visitor()
    own = (await visitor.book("video")).path

    undecided = await visitor.get(f"{own}/way/in_person")
    decided = await visitor.get(f"{own}/way/in_person?site=main")

    assert [form for form in undecided.forms if form.action.endswith("/in_person")] == []
    assert f"{own}/way/in_person?site=main" in undecided.links
    assert form_of(decided, "in_person").fields["site"] == "main"


async def test_the_number_is_asked_for_where_we_are_to_call_and_know_none(house: House) -> None:
    visitor = house.visitor()
    own = (await visitor.book("video", phone="")).path
    terms = await visitor.get(f"{own}/way/phone")
    form = form_of(terms, "phone")

    wrong = await visitor.send(form, start=form.starts()[0], phone="12")
    right = await visitor.send(form, start=form.starts()[0], phone="030 901820")

    assert wrong.status == 400
    assert "#phone" in wrong.links
    assert form_of(wrong, "phone").fields["phone"] == "12"
    assert "030 901820" in right.text
    async with house.store.reading() as tx:
        assert (await appointments.by_id(tx, 1)).person.phone == "+4930901820"


async def test_a_time_taken_meanwhile_changes_nothing_and_offers_others(house: House) -> None:
    visitor, other = house.visitor(), house.visitor()
    own = (await visitor.book("video", nth=0)).path
    form = form_of(await visitor.get(f"{own}/way/phone"), "phone")
    wanted = form.starts()[-1]
    free = (await other.get("/book/money/video")).form("/hold").starts()
    await other.book("video", nth=free.index(wanted))

    taken = await visitor.send(form, start=wanted)

    assert taken.status == 409
    assert "The appointment has not been changed." in taken.text
    assert form_of(taken, "phone").starts()
    assert wanted not in form_of(taken, "phone").starts()
    async with house.store.reading() as tx:
        assert (await appointments.by_id(tx, 1)).way is Way.VIDEO


async def test_a_companion_gets_a_link_once_the_appointment_is_by_video(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    own = (await visitor.book("in_person", companion="yes")).path

    await visitor.send(form_of(await visitor.get(f"{own}/way"), "video"))

    text = (await small_house.letters())[1].get_body(("plain",)).get_content()
    assert "Link for your companion" in text
    assert text.count("/call/") == 2


async def test_ways_that_are_not_offered_or_chosen_already_are_not_found(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    own = (await visitor.book("video")).path

    for way in ("branch_video", "pigeon", "video"):
        assert (await visitor.get(f"{own}/way/{way}")).status == 404
    form = form_of(await visitor.get(f"{own}/way"), "phone")
    assert (await visitor.post(f"{own}/way/pigeon", form.fields)).status == 404
    assert (await visitor.send(form, start="soon")).status == 400


async def test_an_appointment_that_has_begun_keeps_its_way(
    small_house: House, clock: Clock
) -> None:
    visitor = small_house.visitor()
    own = (await visitor.book("in_person")).path
    form = form_of(await visitor.get(f"{own}/way"), "video")
    clock.forward(hours=1, minutes=5)

    assert (await visitor.get(f"{own}/way")).status == 409
    assert (await visitor.send(form)).status == 409


@pytest.mark.parametrize("email", ["kim@example.org", ""])
async def test_the_office_changes_the_way_at_short_notice(
    house: House, clock: Clock, email: str
) -> None:
    async with house.store.writing() as tx:
        await booking.book(
            tx, topic=house.office.topic, way=Way.IN_PERSON, start=at(9, day=12), site_id=None,
            person=Person(PERSON.name, email, PERSON.phone), needs=Needs(), locale="en",
            now=clock(), actor="test",
        )  # fmt: skip
    clock.forward(minutes=50)
    visitor = house.visitor()
    await visitor.sign_in(await house.hire("scheduler"), PASSWORD)
    page = await visitor.get("/staff/appointments/1")
    ways = await visitor.get("/staff/appointments/1/way")

    shifted = await visitor.send(form_of(ways, "phone"))

    assert "/staff/appointments/1/way" in page.links
    assert "The way has changed" in shifted.text
    async with house.store.reading() as tx:
        appointment = await appointments.by_id(tx, 1)
        entry = (await appointments.history(tx, 1))[-1]
    assert (appointment.way, appointment.span.start) == (Way.PHONE, at(9, day=12))
    assert (entry.change, entry.actor.split(":")[0]) == (Change.SHIFTED, "scheduler")
    assert [letter["To"] for letter in await house.letters()] == (
        [f"{PERSON.name} <{email}>"] if email else []
    )


async def test_the_link_in_the_offices_letter_opens_the_appointment(
    small_house: House, clock: Clock
) -> None:
    visitor = small_house.visitor()
    await visitor.book("in_person")
    staff = small_house.visitor()
    await staff.sign_in(await small_house.hire("reception"), PASSWORD)
    await staff.send(form_of(await staff.get("/staff/appointments/1/way"), "video"))

    text = (await small_house.letters())[1].get_body(("plain",)).get_content()
    link = next(word for word in text.split() if "/appointment/" in word)
    page = await visitor.get(link[link.index("/appointment/") :])

    assert page.title == "Your appointment"


async def test_strangers_and_other_sites_cannot_change_the_way(small_house: House) -> None:
    await small_house.visitor().book("in_person")
    place = await small_house.open_branch()
    stranger, colleague = small_house.visitor(), small_house.visitor()
    await colleague.sign_in(await small_house.hire("caseworker", resource_id=place), PASSWORD)

    asked = await stranger.get("/staff/appointments/1/way")
    foreign = await colleague.get("/staff/appointments/1/way")

    assert asked.path == "/staff/sign-in"
    assert foreign.status == 404


async def test_video_from_a_branch_can_be_booked_by_everybody(house: House) -> None:
    await open_branch(house)
    visitor = house.visitor()
    times = await visitor.get("/book/money/branch_video")
    form = times.form("/hold")
    details = await visitor.send(form, start=form.starts()[0])

    booked = await visitor.send(details.form(details.path), **CLAIMANT)

    assert "Zweigstelle" in times.text
    assert "Gasse 2" in details.text
    assert booked.title == "Your appointment is confirmed"
    assert "Raum 7" in booked.text
    assert f"{booked.path}/check-in.svg" in booked.text
    (letter,) = await house.letters()
    assert event(letter)["location"].endswith("Zweigstelle, Gasse 2, Raum 7")
    async with house.store.reading() as tx:
        claimed = await tx.scalars(select(schema.claim.c.resource_id))
        assert len(set(claimed)) == 3
