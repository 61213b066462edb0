"""Forms of rooms and devices: adding, changing, moving, retiring, and what follows from it."""

from __future__ import annotations

import pytest

from scheduling import booking, catalog, things, worklist
from scheduling.model import Feature, Kind, Needs, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at
from tests.web.conftest import House
from tests.web.test_loans import at_a_branch, lend, tablets
from tests.web.test_staff import booked, signed_in
from web import thing_form


async def record_of(house: House, thing_id: int) -> dict[str, object]:
    async with house.store.reading() as tx:
        return await things.thing(tx, thing_id)


async def stranded(house: House, clock: Clock) -> list[int]:
    async with house.store.reading() as tx:
        return [one.appointment.id for one in await worklist.stranded(tx, clock())]


async def used(house: House, kind: Kind) -> list[str]:
    async with house.store.reading() as tx:
        return [one.name for one in await catalog.resources(tx, kinds=(kind,))]


async def test_a_room_and_a_tablet_are_added(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    rooms = (await scheduler.get("/plan/resources/new")).form("/plan/resources/new")
    devices = (await scheduler.get("/plan/resources/new?kind=tablet")).form("/plan/resources/new")
    site = str(house.office.site_id)

    page = await scheduler.send(
        rooms, name="Zimmer 7", site=site, **{"feature-step_free": "yes", "feature-quiet": "yes"}
    )
    await scheduler.send(devices, name="Tablet 7", site=site, setup="15")

    assert "Added." in page.text
    async with house.store.reading() as tx:
        room, tablet = [one for one in await catalog.resources(tx) if one.name.endswith("7")]
    assert room.features == {"step_free", "quiet"}
    assert (tablet.kind, tablet.setup_minutes, tablet.return_minutes) == (Kind.TABLET, 15, 10)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"site": "9"}, "site"),
        ({"setup": "7"}, "setup"),
        ({"setup": "245"}, "setup"),
        ({"return": "soon"}, "return"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(fields: dict[str, str], field: str) -> None:
    right = {"name": "Tablet", "site": "", "setup": "10", "return": "10"}

    _, entries = thing_form.read({**right, **fields}, Kind.TABLET, [], None)

    assert field in [error.field for error in entries.errors]


def test_features_that_the_form_does_not_know_stay() -> None:
    record = {"features": ["window", "step_free"], "site_id": 1}
    fields = {"name": "Zimmer", "setup": "0", "return": "0", "feature-window": "yes",
              "feature-hearing_loop": "yes"}  # fmt: skip

    wanted, entries = thing_form.read(fields, Kind.ROOM, [], record)

    assert entries.errors == []
    assert wanted["features"] == ["window", "hearing_loop"]


async def test_a_name_that_is_taken_is_refused_and_kept(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/resources/new")).form("/plan/resources/new")

    page = await scheduler.send(form, name="Room 0", site=str(small_house.office.site_id))

    assert page.status == 400
    assert "This site has another of this name already" in page.text
    assert page.form("/plan/resources/new").fields["name"] == "Room 0"


async def test_a_retired_room_leaves_its_appointments_on_the_rescue_list(
    house: House, clock: Clock
) -> None:
    visit = await booked(house, clock, Way.IN_PERSON, 9)
    scheduler = await signed_in(house, "scheduler")
    address = f"/plan/resources/{visit.room.id}"
    asked = await scheduler.get(f"{address}/retire")

    page = await scheduler.send(asked.form(f"{address}/retire"))
    again = await scheduler.send(asked.form(f"{address}/retire"))

    assert "1 appointment needs it" in asked.text
    assert page.path == again.path == "/plan/rescue"
    assert await stranded(house, clock) == [visit.id]
    assert visit.room.name not in await used(house, Kind.ROOM)
    shown = await scheduler.get("/plan/resources")
    back = await scheduler.send(shown.form(f"{address}/bring-back"))
    assert "It is in use again." in back.text
    assert await stranded(house, clock) == []


async def test_a_room_without_bookings_is_retired_at_once(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    address = f"/plan/resources/{small_house.office.rooms[0]}"
    asked = await scheduler.get(f"{address}/retire")

    page = await scheduler.send(asked.form(f"{address}/retire"))

    assert "Nothing is booked for it." in asked.text
    assert "Retired. Nothing was booked for it." in page.text
    assert (await scheduler.get(address)).path == "/plan/resources"


async def test_a_device_on_loan_neither_retires_nor_moves(small_house: House, clock: Clock) -> None:
    (tablet,) = await tablets(small_house)
    await small_house.open_branch()
    await lend(small_house, clock, tablet)
    scheduler = await signed_in(small_house, "scheduler")
    address = f"/plan/resources/{tablet}"
    branch = str(small_house.office.site_id + 1)

    retired = await scheduler.send(
        (await scheduler.get(f"{address}/retire")).form(f"{address}/retire")
    )
    moved = await scheduler.send((await scheduler.get(address)).form(address), site=branch)

    assert (retired.status, moved.status) == (409, 409)
    assert "Person 0 has this device now" in retired.text
    assert "Person 0 has this device now" in moved.text
    record = await record_of(small_house, tablet)
    assert (record["active"], record["site_id"]) == (True, small_house.office.site_id)


async def test_a_device_moves_only_after_it_was_said_what_follows(
    house: House, clock: Clock
) -> None:
    (tablet,) = await tablets(house)
    await house.open_branch()
    visit = await at_a_branch(house, clock, 9)
    scheduler = await signed_in(house, "scheduler")
    address, branch = f"/plan/resources/{tablet}", house.office.site_id + 1
    form = (await scheduler.get(address)).form(address)

    asked = await scheduler.send(form, site=str(branch))
    before = (await record_of(house, tablet))["site_id"]
    page = await scheduler.send(asked.form(address), site=str(branch), confirmed="yes")

    assert asked.status == 409
    assert "1 appointment at Haupthaus needs this device" in asked.text
    assert before == house.office.site_id
    assert (await record_of(house, tablet))["site_id"] == branch
    assert page.path == "/plan/rescue"
    assert await stranded(house, clock) == [visit.id]


async def test_a_room_that_is_step_free_no_longer_strands_who_needs_that(
    house: House, clock: Clock
) -> None:
    async with house.store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=house.office.topic, way=Way.IN_PERSON, start=at(9, day=12), site_id=None,
            person=PERSON, needs=Needs(frozenset({Feature.STEP_FREE})), locale="en", now=clock(), actor="test",
        )  # fmt: skip
    scheduler = await signed_in(house, "scheduler")
    address = f"/plan/resources/{house.office.rooms[1]}"
    form = (await scheduler.get(address)).form(address)
    del form.fields["feature-step_free"]

    page = await scheduler.send(form)

    assert page.path == "/plan/rescue"
    assert confirmed.appointment.person.name in page.text
    assert await stranded(house, clock) == [confirmed.appointment.id]


async def test_two_who_change_a_room_at_once_choose_which_version_holds(
    small_house: House,
) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    address = f"/plan/resources/{small_house.office.rooms[0]}"
    mine, theirs = [(await scheduler.get(address)).form(address) for _ in range(2)]
    await scheduler.send(theirs, **{"feature-quiet": "yes"})

    page = await scheduler.send(mine, name="Zimmer 1")
    await scheduler.send(page.form(address), **{"keep-name": "mine", "keep-features": "theirs"})

    record = await record_of(small_house, small_house.office.rooms[0])
    assert page.status == 409
    assert (record["name"], record["features"]) == ("Zimmer 1", ["quiet"])


async def test_people_are_no_things(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    person = small_house.office.caseworkers[0]

    assert (await scheduler.get(f"/plan/resources/{person}")).status == 404
    assert (await scheduler.get(f"/plan/resources/{person}/retire")).status == 404
