"""Group sessions on the pages: a seat for everybody who is in time, and one letter for each."""

from __future__ import annotations

import asyncio
import re

import pytest
from sqlalchemy import update

from scheduling import appointments, catalog, closures, invariants, schema, seats, sessions
from scheduling.model import Span, Status, Way
from scheduling.seats import GroupSession
from scheduling.session_terms import Terms
from tests.conftest import Clock
from tests.scheduling.office import at
from tests.web.conftest import PASSWORD, House
from tests.web.test_plan import CALLER, signed_in
from tests.web.visitor import CLAIMANT, Page, Visitor


async def gather(
    house: House, clock: Clock, *, capacity: int = 3, hour: int = 9, way: Way = Way.IN_PERSON
) -> GroupSession:
    async with house.store.writing() as tx:
        await tx.execute(update(schema.topic).values(in_groups=True))
        topic = await catalog.topic(tx, "money")
        found = await catalog.resources_by_id(
            tx, [house.office.caseworkers[0], house.office.rooms[1]]
        )
        room = found[house.office.rooms[1]] if way is Way.IN_PERSON else None
        span = Span(at(hour), at(hour + 1))
        terms = Terms(way, span, found[house.office.caseworkers[0]], room, capacity)
        return await sessions.create(tx, topic, terms, now=clock())


async def enrol(visitor: Visitor, session: GroupSession, **fields: str) -> Page:
    page = await visitor.get(f"/groups/money/{session.id}")
    return await visitor.send(page.form(page.path), **{**CLAIMANT, **fields})


async def now_of(house: House, session: GroupSession) -> GroupSession:
    async with house.store.reading() as tx:
        assert await invariants.broken(tx) == []
        return await seats.by_id(tx, session.id)


async def test_a_seat_is_booked_in_four_pages_without_scripts(house: House, clock: Clock) -> None:
    session = await gather(house, clock)
    visitor = house.visitor()

    start = await visitor.get("/")
    listed = await visitor.get("/book/money")
    booked = await enrol(visitor, session)

    assert "/book/money" in start.links
    assert listed.path == "/groups/money"
    assert f"/groups/money/{session.id}" in listed.links
    assert "3 seats free" in listed.text
    assert "step-free" in listed.text
    assert booked.title == "Your appointment is confirmed"
    (letter,) = await house.letters()
    assert "text/calendar" in [part.get_content_type() for part in letter.walk()]
    assert (await now_of(house, session)).free == 2


async def test_a_topic_for_groups_has_no_single_times(small_house: House, clock: Clock) -> None:
    await gather(small_house, clock)
    visitor = small_house.visitor()

    single = await visitor.get("/book/money/in_person")

    assert single.status == 404


async def test_of_fifty_at_once_for_the_last_seats_the_others_are_offered_other_sessions(
    house: House, clock: Clock
) -> None:
    session = await gather(house, clock, capacity=5)
    other = await gather(house, clock, hour=11)
    visitor = house.visitor()
    form = (await visitor.get(f"/groups/money/{session.id}")).form(f"/groups/money/{session.id}")

    answers = await asyncio.gather(
        *(visitor.send(form, **CLAIMANT, key=f"a form's own key {n}") for n in range(50))
    )

    booked = [page for page in answers if page.status == 200]
    late = [page for page in answers if page.status == 409]
    assert (len(booked), len(late)) == (5, 45)
    assert all(page.form(f"/groups/money/{other.id}") for page in late)
    assert (await now_of(house, session)).free == 0
    moved_on = await visitor.send(late[0].form(f"/groups/money/{other.id}"))
    assert moved_on.title == "Your appointment is confirmed"


async def test_a_second_tap_takes_no_second_seat(house: House, clock: Clock) -> None:
    session = await gather(house, clock)
    visitor = house.visitor()
    page = await visitor.get(f"/groups/money/{session.id}")
    form = page.form(page.path)

    both = await asyncio.gather(*(visitor.send(form, **CLAIMANT) for _ in range(2)))

    assert both[0].path == both[1].path
    assert len(await house.letters()) == 1
    assert (await now_of(house, session)).seats == 1


async def test_what_was_typed_wrongly_is_said_and_nothing_is_lost(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)

    page = await enrol(small_house.visitor(), session, email="nonsense")

    assert page.status == 400
    assert page.form(page.path).fields["name"] == CLAIMANT["name"]
    assert (await now_of(small_house, session)).seats == 0


async def test_a_claimant_moves_to_another_session_and_cancels(house: House, clock: Clock) -> None:
    early, late = await gather(house, clock), await gather(house, clock, hour=11)
    visitor = house.visitor()
    own = (await enrol(visitor, early)).path

    moving = await visitor.get(f"{own}/move")
    moved = await visitor.send(moving.form(f"{own}/move"), session=str(late.id))
    ways = await visitor.get(f"{own}/way")
    between = [(await now_of(house, one)).seats for one in (early, late)]
    await visitor.send((await visitor.get(f"{own}/cancel")).form(f"{own}/cancel"))

    assert moved.title == "Your appointment has been moved"
    assert ways.path == f"{own}/move"
    assert between == [0, 1]
    assert (await now_of(house, late)).seats == 0
    subjects = [letter["Subject"].split(":")[0] for letter in await house.letters()]
    assert [subject[:8] for subject in subjects] == ["Your app", "New time", "Cancelle"]


async def test_a_session_that_filled_up_meanwhile_keeps_the_old_seat(
    house: House, clock: Clock
) -> None:
    early, late = await gather(house, clock), await gather(house, clock, hour=11, capacity=1)
    visitor = house.visitor()
    own = (await enrol(visitor, early)).path
    form = (await visitor.get(f"{own}/move")).form(f"{own}/move")
    await enrol(house.visitor(), late)

    page = await visitor.send(form, session=str(late.id))

    assert page.status == 409
    assert "No seat is free any more" in page.text
    assert (await now_of(house, early)).seats == 1


def fields_of(house: House, **changes: str) -> dict[str, str]:
    return {
        "topic": "money", "way": "in_person", "day": "2026-10-14", "from": "09:00",
        "until": "10:30", "caseworker": str(house.office.caseworkers[0]),
        "room": str(house.office.rooms[0]), "capacity": "12", **changes,
    }  # fmt: skip


async def test_a_scheduler_plans_changes_and_cancels_a_session_and_each_is_told_once(
    house: House, clock: Clock
) -> None:
    await gather(house, clock)
    scheduler = await signed_in(house)
    form = (await scheduler.get("/plan/groups")).form("/plan/groups")

    made = await scheduler.send(form, **fields_of(house))
    address = made.path
    async with house.store.reading() as tx:
        session = await seats.by_id(tx, int(address.rpartition("/")[2]))
    for n in range(3):
        await enrol(house.visitor(), session, email=f"kim{n}@example.org")
    changed = await scheduler.send(
        (await scheduler.get(address)).form(address),
        **fields_of(house, **{"from": "10:00", "until": "11:00"}),
    )
    asked = await scheduler.get(f"{address}/cancel")
    cancelled = await scheduler.send(asked.form(f"{address}/cancel"))

    assert "The group session is planned" in made.text
    assert "Everybody concerned" in changed.text
    assert "3 people lose their seats" in asked.text
    assert cancelled.status == 200
    assert (await now_of(house, session)).status is Status.CANCELLED
    letters = [(one["To"], one["Subject"][:8]) for one in await house.letters()]
    assert sorted(subject for _, subject in letters) == (
        ["Cancelle"] * 3 + ["New time"] * 3 + ["Your app"] * 3
    )
    assert len(set(letters)) == 9


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"way": "phone"}, "not offered in this way"),
        ({"until": "08:00"}, "end must be after"),
        ({"day": "2026-10-01"}, "This time is over"),
        ({"from": "09:02"}, "steps of five minutes"),
        ({"room": ""}, "Choose the room"),
        ({"caseworker": "9"}, "Choose who leads"),
        ({"capacity": "many"}, "how many people"),
        ({"way": "video", "capacity": "4"}, "A video call holds fewer people"),
        ({"day": "2026-10-13", "from": "09:30"}, "This person is taken"),
        ({"day": "2026-10-15"}, "This room is taken or closed"),
    ],
)
async def test_what_stands_in_the_way_of_a_session_is_said_at_entry(
    small_house: House, clock: Clock, changes: dict[str, str], complaint: str
) -> None:
    await gather(small_house, clock)
    async with small_house.store.writing() as tx:
        whole_day = Span(at(0 + 2, day=15), at(23, day=15))
        await closures.close(tx, whole_day, resource_id=small_house.office.rooms[0])
    scheduler = await signed_in(small_house)
    form = (await scheduler.get("/plan/groups")).form("/plan/groups")

    page = await scheduler.send(form, **fields_of(small_house, **changes))

    assert page.status == 400
    assert complaint in page.text


async def test_the_form_of_a_first_session_needs_but_a_day_and_times(
    small_house: House, clock: Clock
) -> None:
    async with small_house.store.writing() as tx:
        await tx.execute(update(schema.topic).values(in_groups=True))
        await catalog.changed(tx, small_house.office.site_id)
    scheduler = await signed_in(small_house)
    form = (await scheduler.get("/plan/groups")).form("/plan/groups")

    made = await scheduler.send(
        form, day="2026-10-15", **{"from": "09:00", "until": "10:00"}
    )  # fmt: skip

    assert "The group session is planned" in made.text
    assert "Room 0" in made.text


async def test_the_form_of_a_further_session_begins_as_the_last_one_is(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)
    scheduler = await signed_in(small_house)
    form = (await scheduler.get("/plan/groups")).form("/plan/groups")

    made = await scheduler.send(form, day="2026-10-15")

    async with small_house.store.reading() as tx:
        another = await seats.by_id(tx, int(made.path.rpartition("/")[2]))
    assert another.span == Span(at(9, day=15), at(10, day=15))
    assert (another.room, another.capacity) == (session.room, session.capacity)


async def test_the_later_of_two_schedulers_sees_what_changed(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)
    scheduler = await signed_in(small_house)
    address = f"/plan/groups/{session.id}"
    stale = (await scheduler.get(address)).form(address)
    fields = fields_of(small_house, day="2026-10-13", until="10:00")
    await scheduler.send(stale, **{**fields, "capacity": "8"})

    late = await scheduler.send(stale, **{**fields, "capacity": "9"})
    between = await now_of(small_house, session)
    await scheduler.send(late.form(address), **{**fields, "capacity": "9"})

    assert late.status == 409
    assert "has just changed this group session" in late.text
    assert between.capacity == 8
    assert (await now_of(small_house, session)).capacity == 9


async def test_somebody_on_the_phone_gets_a_seat_and_a_reference_once(
    house: House, clock: Clock
) -> None:
    session = await gather(house, clock)
    reception = await signed_in(house, "reception")
    page = await reception.get(f"/plan/groups/{session.id}")
    form = page.form(f"/plan/groups/{session.id}/people")

    both = await asyncio.gather(*(reception.send(form, **CALLER) for _ in range(2)))

    assert all("Reference to read out" in one.text for one in both)
    assert (await now_of(house, session)).seats == 1
    assert await house.letters() == []


async def test_who_leads_a_session_sees_it_and_other_caseworkers_do_not(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)
    leader, other = small_house.visitor(), small_house.visitor()
    place = small_house.office.caseworkers[0]
    await leader.sign_in(
        await small_house.hire("caseworker", name="a", resource_id=place), PASSWORD
    )
    await other.sign_in(await small_house.hire("caseworker", name="b"), PASSWORD)

    seen = [(await one.get(f"/plan/groups/{session.id}")).status for one in (leader, other)]

    assert seen == [200, 403]


async def test_the_console_shows_a_session_with_its_seats(small_house: House, clock: Clock) -> None:
    session = await gather(small_house, clock)
    await enrol(small_house.visitor(), session)
    scheduler = await signed_in(small_house)

    page = await scheduler.get("/plan?date=2026-10-13")
    answer = await scheduler.client.get("/plan/timeline.json?date=2026-10-13")

    (event,) = (await answer.json())["events"]
    assert (event["title"], event["editable"]) == ("1/3", False)
    assert event["extendedProps"]["address"] == f"/plan/groups/{session.id}"
    assert page.text.count("1 of 3 seats taken") == 2  # the caseworker's lane and the room's


async def test_a_session_in_a_closed_room_is_on_the_rescue_list(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)
    async with small_house.store.writing() as tx:
        await closures.close(tx, session.span, resource_id=small_house.office.rooms[1])
    scheduler = await signed_in(small_house)

    rescue = await scheduler.get("/plan/rescue")
    own = await scheduler.get(f"/plan/groups/{session.id}")

    assert f"/plan/groups/{session.id}" in rescue.links
    assert "Away or closed at that time: Room 1" in own.text


async def test_everybody_of_a_group_meets_in_one_room_by_video(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock, way=Way.VIDEO)
    for n in range(2):
        await enrol(small_house.visitor(), session, email=f"kim{n}@example.org")
    clock.now = session.span.start

    links = [
        re.search(r"/call/[\w-]+", letter.get_body(("plain",)).get_content())[0]
        for letter in await small_house.letters()
    ]
    doors = [await small_house.visitor().client.get(link) for link in links]
    shown = [await door.text() for door in doors]
    leader = small_house.visitor()
    place = small_house.office.caseworkers[0]
    await leader.sign_in(await small_house.hire("caseworker", resource_id=place), PASSWORD)
    page = await leader.get("/staff/appointments/1")
    token = page.form("/staff/sign-out").fields
    await leader.post("/staff/appointments/1/end", token)

    assert [door.status for door in doors] == [200, 200]
    assert all("socket" in page for page in shown)
    assert (await now_of(small_house, session)).status is Status.ENDED
    async with small_house.store.reading() as tx:
        ended = await appointments.of_session(tx, session.id)
    assert {one.status for one in ended} == {Status.ENDED}


async def test_the_day_shows_a_session_once_with_those_who_take_part_beneath(
    house: House, clock: Clock
) -> None:
    session = await gather(house, clock)
    await gather(house, clock, hour=11)
    for name in ("Amira Celik", "Ben Ober"):
        await enrol(house.visitor(), session, name=name)
    scheduler = await signed_in(house, "scheduler")

    before = await scheduler.get("/staff/day/2026-10-13")
    clock.now = at(9, 30)
    reception = await signed_in(house, "reception")
    during = await reception.get("/staff/day/2026-10-13")

    assert before.links.count(f"/plan/groups/{session.id}") == 1
    assert "2 of 3 seats taken" in before.text
    assert "0 of 3 seats taken" in before.text
    heading, *names = [before.text.index(one) for one in ("2 of 3", "Amira Celik", "Ben Ober")]
    assert heading < min(names)
    assert max(names) < before.text.index("0 of 3")
    outcomes = [form.action for form in during.forms if form.action.endswith("/outcome")]
    assert len(outcomes) == 2


async def test_the_day_sheet_names_a_session_once_with_those_who_take_part_beneath(
    small_house: House, clock: Clock
) -> None:
    session = await gather(small_house, clock)
    await gather(small_house, clock, hour=11)
    for name in ("Amira Celik", "Ben Ober"):
        await enrol(small_house.visitor(), session, name=name)
    scheduler = await signed_in(small_house, "scheduler")

    sheet = await scheduler.get("/staff/print/2026-10-13")

    assert sheet.text.count("2 of 3 seats taken") == 1
    assert sheet.text.count(session.topic.official_name["en"]) == 3  # twice by time, once by topic
    heading, *names = [sheet.text.index(one) for one in ("2 of 3", "Amira Celik", "Ben Ober")]
    assert heading < min(names)
    assert max(names) < sheet.text.index("0 of 3")
