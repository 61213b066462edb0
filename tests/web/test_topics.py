"""Forms of topics: from the entry to the booking page, withdrawn ways, order, conflicts."""

from __future__ import annotations

import pytest

from scheduling import catalog, sessions
from scheduling.model import Appointment, Topic, Way
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.test_groups import gather
from tests.web.test_staff import booked, signed_in
from tests.web.visitor import CLAIMANT, Visitor
from web import topic_form

NEW = {
    "title-de": "Ich brauche Möbel", "title-en": "I need furniture",
    "official_name-de": "Erstausstattung", "skill": "money", "audience": "public",
    "phone": "yes", "phone-minutes": "15",
}  # fmt: skip


async def topic_of(house: House, key: str) -> Topic:
    async with house.store.reading() as tx:
        return await catalog.topic(tx, key)


async def add(house: House, visitor: Visitor, **fields: str) -> str:
    """Send the form of a new topic; return the text of the answer."""
    form = (await visitor.get("/plan/topics/new")).form("/plan/topics/new")
    return (await visitor.send(form, **{**NEW, **fields})).text


async def own_page(house: House, clock: Clock, way: Way) -> tuple[Visitor, str, Appointment]:
    """Book as a claimant does; return the claimant and the address of the appointment's page."""
    claimant = house.visitor()
    page = await claimant.book(way)
    return claimant, page.path, await booked(house, clock, way, 11)


async def test_a_new_topic_can_be_booked_at_once(house: House) -> None:
    scheduler, claimant = await signed_in(house, "scheduler"), house.visitor()
    before = await claimant.get("/")

    said = await add(house, scheduler)
    listed = await claimant.get("/")
    times = await claimant.get("/book/ich-brauche-moebel/phone")
    form = times.form("/hold")
    details = await claimant.send(form, start=form.starts()[0])
    page = await claimant.send(details.form(details.path), **CLAIMANT)

    assert "/book/ich-brauche-moebel" not in before.links
    assert "Added." in said
    assert "Open points" not in said
    assert "I need furniture" in listed.text
    assert "Your appointment is confirmed" in page.text or page.path.startswith("/appointment/")
    topic = await topic_of(house, "ich-brauche-moebel")
    assert [(one.way, one.minutes) for one in topic.ways.values()] == [(Way.PHONE, 15)]


async def test_a_new_branch_with_its_own_room_can_be_booked_at_once(house: House) -> None:
    scheduler, claimant = await signed_in(house, "scheduler"), house.visitor()
    await claimant.get("/book/money/in_person")  # so that the old plan is remembered
    await house.open_branch()
    async with house.store.reading() as tx:
        _, branch = await catalog.sites(tx)
    form = (await scheduler.get("/plan/resources/new")).form("/plan/resources/new")

    await scheduler.send(form, name="Beratung 1", site=str(branch.id))
    times = await claimant.get("/book/money/in_person?site=branch")

    assert "Zweigstelle" in times.text
    assert times.form("/hold").starts()


async def test_what_nobody_can_give_is_said_and_stored_nevertheless(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")

    unskilled = await add(small_house, scheduler, skill="furniture")
    too_long = await add(
        small_house, scheduler, **{
            "title-de": "Lange", "phone-minutes": "240", "branch_video": "yes",
            "branch_video-minutes": "30",
        },
    )  # fmt: skip

    assert "No caseworker at any site has this skill" in unskilled
    assert "By phone: longer, with the minutes after it, than anybody works" in too_long
    assert "No site has both a room and a tablet" in too_long
    assert "No caseworker at any site" in (await scheduler.get("/plan/topics")).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title-de": ""}, "title-de"),
        ({"official_name-de": ""}, "official_name-de"),
        ({"bring-en": "x" * 1001}, "bring-en"),
        ({"meeting": "both"}, "meeting"),
        ({"meeting": "groups"}, "phone"),
        ({"skill": ""}, "skill"),
        ({"skill": "x" * 41}, "skill"),
        ({"audience": "nobody"}, "audience"),
        ({"phone-minutes": "0"}, "phone-minutes"),
        ({"phone-minutes": "12"}, "phone-minutes"),
        ({"phone-minutes": "485"}, "phone-minutes"),
        ({"phone-buffer_minutes": "3"}, "phone-buffer_minutes"),
        ({"phone-notice_minutes": "20000"}, "phone-notice_minutes"),
        ({"phone-earliest_day": "400"}, "phone-earliest_day"),
        ({"phone-horizon_days": ""}, "phone-horizon_days"),
        ({"phone-earliest_day": "3", "phone-horizon_days": "2"}, "phone-horizon_days"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(fields: dict[str, str], field: str) -> None:
    _, entries = topic_form.read({**topic_form.filled(None), **NEW, **fields}, None)

    assert [error.field for error in entries.errors] == [field]


def test_terms_of_ways_that_are_not_offered_are_no_matter() -> None:
    record, entries = topic_form.read(
        {**topic_form.filled(None), **NEW, "video-minutes": "nonsense"}, None
    )

    assert entries.errors == []
    assert record["way_video"] is None


async def test_a_refused_form_keeps_what_was_typed(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/topics/new")).form("/plan/topics/new")

    page = await scheduler.send(form, **{**NEW, "phone-minutes": "12"})
    taken = await scheduler.send(form, **{**NEW, "title-de": "GELD"})

    assert (page.status, taken.status) == (400, 400)
    assert page.form("/plan/topics/new").fields["title-en"] == "I need furniture"
    assert page.form("/plan/topics/new").fields["phone-minutes"] == "12"
    assert "There is a topic of this title already." in taken.text


async def test_a_withdrawn_way_ends_for_others_but_not_for_who_has_booked_it(
    house: House, clock: Clock
) -> None:
    claimant, address, kept = await own_page(house, clock, Way.VIDEO)
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/topics/1")).form("/plan/topics/1")
    del form.fields["video"]

    await scheduler.send(form, audience="public")

    assert (await claimant.get("/book/money/video")).status == 404
    assert Way.VIDEO not in (await topic_of(house, "money")).ways
    assert (await claimant.get(address)).status == 200
    move = await claimant.get(f"{address}/move")
    moved = await claimant.send(
        move.form(f"{address}/move"), start=move.form(f"{address}/move").starts()[0]
    )
    assert moved.status == 200
    assert (await scheduler.get(f"/plan/appointments/{kept.id}")).status == 200
    assert (await scheduler.get("/plan/rescue")).status == 200


@pytest.mark.parametrize(("audience", "status"), [("invited", 200), ("staff", 404)])
async def test_topics_for_some_are_not_on_the_booking_page(
    small_house: House, audience: str, status: int
) -> None:
    scheduler, claimant = await signed_in(small_house, "scheduler"), small_house.visitor()

    said = await add(small_house, scheduler, audience=audience)
    address = "/book/ich-brauche-moebel"

    assert address not in (await claimant.get("/")).links
    assert (await claimant.get(f"{address}/phone")).status == status
    assert (f"{address}</code>" in said) is (audience == "invited")
    assert "I need furniture" in (await scheduler.get("/plan/book")).text


async def test_the_order_of_the_list_is_that_of_the_booking_page(small_house: House) -> None:
    scheduler, claimant = await signed_in(small_house, "scheduler"), small_house.visitor()
    await add(small_house, scheduler)
    listed = await scheduler.get("/plan/topics")
    (form,) = [one for one in listed.forms if one.action == "/plan/topics/2/place"]

    await scheduler.post(form.action, {**form.fields, "position": "0"})
    page = await claimant.get("/")
    wrong = await scheduler.post(form.action, {**form.fields, "position": "first"})

    assert form.buttons == [("position", "0")]
    assert page.text.index("I need furniture") < page.text.index("Money")
    assert wrong.status == 400


async def test_two_who_change_a_topic_at_once_choose_which_version_holds(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    address = "/plan/topics/1"
    mine, theirs = [(await scheduler.get(address)).form(address) for _ in range(2)]
    await scheduler.send(theirs, audience="public", **{"phone-minutes": "40"})

    page = await scheduler.send(mine, audience="staff", **{"video-minutes": "50"})
    await scheduler.send(
        page.form(address),
        **{"keep-way_video": "mine", "keep-way_phone": "theirs", "keep-audience": "mine"},
    )

    topic = await topic_of(house, "money")
    assert page.status == 409
    assert (topic.audience, topic.ways[Way.PHONE].minutes, topic.ways[Way.VIDEO].minutes) == (
        "staff", 40, 50,
    )  # fmt: skip


async def test_a_topic_is_turned_to_groups_once_no_single_appointment_lies_ahead(
    house: House,
) -> None:
    claimant = house.visitor()
    address = (await claimant.book()).path
    scheduler, topic = await signed_in(house, "scheduler"), "/plan/topics/1"
    groups = {"audience": "public", "meeting": "groups"}
    form = (await scheduler.get(topic)).form(topic)
    del form.fields["phone"]

    refused = await scheduler.send(form, **groups, **{"title-en": "Money matters"})
    await claimant.send((await claimant.get(f"{address}/cancel")).form(f"{address}/cancel"))
    changed = await scheduler.send(form, **groups)

    assert refused.status == 400
    assert "Appointments of single people lie ahead." in refused.text
    assert refused.form(topic).fields["meeting"] == "groups"
    assert refused.form(topic).fields["title-en"] == "Money matters"
    assert "Saved." in changed.text
    assert "in groups" in (await scheduler.get("/plan/topics")).text
    assert (await claimant.get("/book/money")).path == "/groups/money"


async def test_a_topic_is_turned_to_single_advice_once_no_session_lies_ahead(
    house: House, clock: Clock
) -> None:
    session = await gather(house, clock)
    scheduler, topic = await signed_in(house, "scheduler"), "/plan/topics/1"
    form = (await scheduler.get(topic)).form(topic)
    single = {"audience": "public", "meeting": "single"}

    refused = await scheduler.send(form, **single)
    async with house.store.writing() as tx:
        await sessions.cancel(tx, session.id, actor="test", now=clock())
    await scheduler.send(form, **single)

    assert form.fields["meeting"] == "groups"
    assert refused.status == 400
    assert "Sessions lie ahead in which groups are advised." in refused.text
    assert not (await topic_of(house, "money")).in_groups


async def test_whoever_holds_a_time_while_typing_is_not_left_without_it(house: House) -> None:
    scheduler, claimant = await signed_in(house, "scheduler"), house.visitor()
    topic = "/plan/topics/1"
    details = await claimant.hold()
    form = (await scheduler.get(topic)).form(topic)
    del form.fields["phone"]

    refused = await scheduler.send(form, audience="public", meeting="groups")
    booked = await claimant.send(details.form(details.path), **CLAIMANT)

    assert (refused.status, booked.status) == (400, 200)


async def test_what_a_topic_always_needs_of_a_room_is_kept_said_and_honoured(
    house: House, clock: Clock
) -> None:
    visit = await booked(house, clock, Way.IN_PERSON, 9)
    scheduler, claimant = await signed_in(house, "scheduler"), house.visitor()
    await claimant.get("/book/money/in_person")  # so that the old terms are remembered
    address = f"/plan/topics/{house.office.topic.id}"
    form = (await scheduler.get(address)).form(address)

    rescue = await scheduler.send(form, **{"in_person-feature-quiet": "yes"})
    page = await scheduler.get(address)
    times = await claimant.get("/book/money/in_person")

    assert rescue.path == "/plan/rescue"
    assert visit.person.name in rescue.text
    assert page.form(address).fields["in_person-feature-quiet"] == "yes"
    assert "no room has all that this topic always needs (Quiet" in page.text
    assert "No free times at the moment" in times.text
    topic = await topic_of(house, "money")
    assert topic.ways[Way.IN_PERSON].features == {"quiet"}
    assert topic.ways[Way.VIDEO].features == frozenset()
