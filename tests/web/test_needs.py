"""What somebody needs of a room: asked for, kept, shown, and said where no room has it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from scheduling import appointments, booking, catalog, schema
from scheduling.model import Appointment, Feature, Needs, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at, row
from tests.web.conftest import House
from tests.web.test_plan import CALLER, changed, hired
from tests.web.test_rescue import away
from tests.web.test_staff import signed_in
from tests.web.visitor import CLAIMANT

LOOP = Needs(frozenset({Feature.HEARING_LOOP}))


async def equip(house: House, *features: str, number: int = 0) -> None:
    """Let one room of the main house have those features."""
    async with house.store.writing() as tx:
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == house.office.rooms[number])
            .values(features=[*features])
        )
        await catalog.changed(tx, house.office.site_id)


async def with_loop(house: House) -> str:
    """Open a second site whose room has a hearing loop; return its key."""
    await house.open_branch()
    async with house.store.writing() as tx:
        branch = (await catalog.sites(tx))[1]
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.site_id == branch.id, schema.resource.c.kind == "room")
            .values(features=["hearing_loop"])
        )
        await catalog.changed(tx, branch.id)
    return branch.key


async def booked(house: House, clock: Clock, way: Way, needs: Needs, hour: int = 9) -> Appointment:
    async with house.store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=house.office.topic, way=way, start=at(hour, day=12),
            site_id=house.office.site_id, person=PERSON, needs=needs, locale="en", now=clock(),
            actor="test",
        )  # fmt: skip
    return confirmed.appointment


async def test_a_claimant_gets_the_room_that_they_need_and_reads_it_on_their_page(
    house: House,
) -> None:
    await equip(house, "hearing_loop")
    visitor = house.visitor()

    page = await visitor.book("in_person", hearing_loop="yes")

    async with house.store.reading() as tx:
        made = await appointments.by_id(tx, 1)
    assert made.needs == LOOP
    assert made.room is not None
    assert made.room.id == house.office.rooms[0]
    assert "A room with a hearing loop" in page.text


async def test_a_room_that_is_taken_is_said_and_other_times_are_offered(
    house: House, clock: Clock
) -> None:
    await equip(house, "hearing_loop", number=1)
    await hired(house)
    await booked(house, clock, Way.IN_PERSON, LOOP, hour=11)
    visitor = house.visitor()
    details = await visitor.send(
        (await visitor.get("/book/money/in_person")).form("/hold"), start=at(11, day=12).isoformat()
    )

    unmet = await visitor.send(details.form(details.path), **CLAIMANT, hearing_loop="yes")

    assert unmet.status == 409
    assert unmet.title == "No room with a hearing loop at this time"
    assert unmet.form("/hold").fields["hearing_loop"] == "yes"
    assert at(11, day=12).isoformat() not in unmet.form("/hold").starts()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["hearing_loop"], "No room with a hearing loop at this site"),
        (["hearing_loop", "step_free"], "No room with all that is needed at this site"),
    ],
)
async def test_what_no_room_of_a_site_has_is_said_with_the_sites_that_have_it(
    house: House, asked: list[str], said: str
) -> None:
    if len(asked) > 1:
        await equip(house, "hearing_loop")
    branch = await with_loop(house)
    visitor = house.visitor()
    details = await visitor.hold("in_person")

    unmet = await visitor.send(
        details.form(details.path), **CLAIMANT, **dict.fromkeys(asked, "yes")
    )

    assert unmet.status == 409
    assert unmet.title == said
    there = f"/book/money/in_person?site={branch}"
    assert (there in unmet.links) == (len(asked) == 1)
    assert await house.letters() == []


async def test_whoever_is_on_the_phone_is_told_at_once_what_no_room_has(house: House) -> None:
    await with_loop(house)
    reception = await signed_in(house, "reception")
    form = (await reception.get("/plan/book?way=in_person")).form("/plan/book")

    told = await reception.send(form, hearing_loop="yes", show="times")
    there = await reception.send(
        told.form("/plan/book"), hearing_loop="yes", site="branch", show="times"
    )
    done = await reception.send(
        there.form("/plan/book"), **CALLER, hearing_loop="yes",
        start=at(9, day=12).isoformat(),
    )  # fmt: skip

    assert "Haupthaus: No room with a hearing loop at this site." in told.text
    assert "Zweigstelle" in told.text.split("There is one at:")[1]
    assert "Reference to read out" in done.text
    async with house.store.reading() as tx:
        made = await appointments.by_id(tx, 1)
    assert (made.needs, made.site.key) == (LOOP, "branch")


async def test_caseworkers_and_schedulers_see_the_need_and_only_rooms_that_suit(
    house: House, clock: Clock
) -> None:
    await equip(house, "hearing_loop")
    made = await booked(house, clock, Way.IN_PERSON, LOOP)
    scheduler, reception = await signed_in(house, "scheduler"), await signed_in(house, "reception")

    panel = await scheduler.get(f"/plan/appointments/{made.id}")
    details = await reception.get(f"/staff/appointments/{made.id}")
    refused = await changed(scheduler, made, room=str(house.office.rooms[1]))

    rooms = panel.form(f"/plan/appointments/{made.id}/change").choices["room"]
    assert {*rooms} == {"Room 0, or another that is free", "Room 0"}
    assert "hearing loop" in panel.text
    assert "hearing loop" in details.text
    assert refused.status == 409
    assert "Room 1 has not all that is needed." in refused.text


async def test_a_way_for_which_no_room_has_what_is_needed_is_refused_with_the_reason(
    house: House, clock: Clock
) -> None:
    made = await booked(house, clock, Way.VIDEO, LOOP)
    scheduler = await signed_in(house, "scheduler")

    panel = await changed(scheduler, made, way="in_person")
    ways = await scheduler.get(f"/staff/appointments/{made.id}/way")
    terms = await scheduler.get(f"/staff/appointments/{made.id}/way/in_person")

    assert panel.status == 409
    for page in (panel, ways, terms):
        assert "No room with a hearing loop at this site." in page.text


async def test_whoever_comes_after_all_is_asked_what_they_need_of_a_room(house: House) -> None:
    await equip(house, "hearing_loop", number=1)
    visitor = house.visitor()
    own = (await visitor.book("video")).path
    ways = await visitor.get(f"{own}/way")
    form = (await visitor.get(f"{own}/way/in_person")).form(f"{own}/way/in_person")

    shown = await visitor.send(form, look="", hearing_loop="yes")
    asked = shown.form(f"{own}/way/in_person")
    shifted = await visitor.send(asked, start=asked.starts()[0])
    again = await visitor.get(f"{own}/way/video")

    assert "Change and say what you need" in ways.text
    assert asked.fields["hearing_loop"] == "yes"
    assert shifted.title == "The way of your appointment has changed"
    assert again.status == 200
    async with house.store.reading() as tx:
        made = await appointments.by_id(tx, 1)
    assert (made.needs, made.room.id) == (LOOP, house.office.rooms[1])


async def test_what_is_known_of_somebodys_needs_is_ticked_already_and_can_be_taken_back(
    house: House, clock: Clock
) -> None:
    made = await booked(house, clock, Way.VIDEO, LOOP)
    scheduler = await signed_in(house, "scheduler")
    address = f"/staff/appointments/{made.id}/way/in_person"

    form = (await scheduler.get(address)).form(address)
    known = dict(form.fields)
    del form.fields["hearing_loop"]
    shown = (await scheduler.send(form, look="")).form(address)
    await scheduler.send(shown, start=shown.starts()[0])

    assert known["hearing_loop"] == "yes"
    assert form.starts() == []
    async with house.store.reading() as tx:
        after = await appointments.by_id(tx, made.id)
    assert (after.needs, after.way) == (Needs(), Way.IN_PERSON)


async def test_a_time_at_which_no_room_has_what_was_ticked_changes_nothing(house: House) -> None:
    visitor = house.visitor()
    own = (await visitor.book("video")).path
    form = (await visitor.get(f"{own}/way/in_person")).form(f"{own}/way/in_person")

    refused = await visitor.send(form, start=form.starts()[0], hearing_loop="yes")

    assert refused.status == 409
    assert "Haupthaus: No room with a hearing loop at this site." in refused.text
    assert refused.form(f"{own}/way/in_person").fields["hearing_loop"] == "yes"
    async with house.store.reading() as tx:
        made = await appointments.by_id(tx, 1)
    assert (made.needs, made.way) == (Needs(), Way.VIDEO)


async def test_the_rescue_list_says_that_no_other_room_has_what_is_needed(
    house: House, clock: Clock
) -> None:
    await equip(house, "hearing_loop")
    await booked(house, clock, Way.IN_PERSON, LOOP)
    await away(house)
    scheduler = await signed_in(house, "scheduler")
    address = f"/plan/resources/{house.office.rooms[0]}"
    form = (await scheduler.get(address)).form(address)
    del form.fields["feature-hearing_loop"]

    await scheduler.send(form)
    listed = await scheduler.get("/plan/rescue")

    assert "Haupthaus: No room with a hearing loop at this site." in listed.text


async def test_programs_ask_for_it_as_forms_do(house: House, clock: Clock) -> None:
    client = house.visitor().client
    order = {
        "topic": "money", "way": "in_person", "site": "main", **CLAIMANT,
        "start": at(9, day=12).isoformat(), "hearing_loop": "yes",
    }  # fmt: skip
    refused = await client.post("/api/appointments", json=order)
    await equip(house, "hearing_loop")

    made = await client.post("/api/appointments", json=order)

    told = await refused.json(content_type=None)
    assert (refused.status, told["alternatives"]) == (409, [])
    assert told["title"] == "No room with a hearing loop at this site"
    assert made.status == 201
    async with house.store.reading() as tx:
        assert (await appointments.by_id(tx, 1)).needs == LOOP


async def test_a_group_meets_in_a_room_with_all_that_its_topic_needs(house: House) -> None:
    async with house.store.writing() as tx:
        await tx.execute(update(schema.topic).values(in_groups=True))
        await tx.execute(update(schema.topic_way).values(features=["hearing_loop"]))
        room = await row(
            tx, schema.resource, site_id=house.office.site_id, kind="room", name="Hall",
            features=["hearing_loop"], skills=[], languages=[], active=True,
        )  # fmt: skip
        await catalog.changed(tx, house.office.site_id)
    scheduler = await signed_in(house, "scheduler")
    page = await scheduler.get("/plan/groups")
    form = page.form("/plan/groups")
    times = {"day": "2026-10-13", "from": "09:00", "until": "10:00", "topic": "money"}

    refused = await scheduler.send(form, **times, room=str(house.office.rooms[0]))
    made = await scheduler.send(form, **times)

    assert form.fields["room"] == str(room)
    assert refused.status == 400
    assert "The room has not all that the topic always needs." in refused.text
    assert "The group session is planned." in made.text


async def test_two_who_change_what_a_topic_needs_see_it_in_words(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    address = f"/plan/topics/{small_house.office.topic.id}"
    mine, theirs = [(await scheduler.get(address)).form(address) for _ in range(2)]
    await scheduler.send(theirs, **{"in_person-feature-step_free": "yes"})

    page = await scheduler.send(mine, **{"in_person-feature-hearing_loop": "yes"})

    assert page.status == 409
    assert "What the room always needs: Step-free" in page.text
    assert "What the room always needs: Hearing loop" in page.text
