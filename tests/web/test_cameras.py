"""Caseworkers without a camera on the pages: entered, warned of, shown wherever one is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from scheduling import appointments, booking, catalog, closures, people, resources, schema
from scheduling.model import NO_CAMERA, Appointment, Kind, Needs, Span, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, at, row
from tests.web.conftest import House
from tests.web.test_exchange import LOOK, load
from tests.web.test_people import address, opened, send
from tests.web.test_rescue import book, carry_out, the_form
from tests.web.test_staff import signed_in
from web.arrangement import Arrangement

DAY = "2026-10-12"


async def pool(house: House, *names: str) -> list[int]:
    """Put cameras into the pool of the house, in which nobody has one of their own."""
    async with house.store.writing() as tx:
        row_of = schema.resource.c
        await tx.execute(
            update(schema.resource)
            .where(row_of.kind == Kind.CASEWORKER)
            .values(features=[NO_CAMERA])
        )
        found = [
            await resources.add(tx, Kind.CAMERA, {
                "site_id": house.office.site_id, "name": name, "setup_minutes": 5,
                "return_minutes": 5,
            })
            for name in names
        ]  # fmt: skip
        await catalog.changed(tx, house.office.site_id)
    return found


async def now_is(house: House, appointment: Appointment) -> Appointment:
    async with house.store.reading() as tx:
        return await appointments.by_id(tx, appointment.id)


async def test_whether_somebody_has_a_camera_is_entered_in_their_form(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, address(small_house))
    ticked = {"skills": ["money"], "languages": ["de"], "ways": [*Way]}

    without = await send(scheduler, form, {**ticked, "camera": []})
    async with small_house.store.reading() as tx:
        lacking = await people.by_id(tx, small_house.office.caseworkers[0])
    listed = await scheduler.get("/plan/people")
    again = await opened(scheduler, address(small_house))
    await send(scheduler, again, {**ticked, "camera": "yes"})
    async with small_house.store.reading() as tx:
        having = await people.by_id(tx, small_house.office.caseworkers[0])

    assert form.fields["camera"] == "yes"
    assert "camera" not in again.fields
    assert "Nobody can see Person 0 by video" in without.text
    assert "without own camera" in listed.text
    assert lacking.resource.features == {NO_CAMERA}
    assert having.resource.features == frozenset()


async def test_a_site_without_a_camera_is_an_open_point_while_somebody_needs_one(
    small_house: House,
) -> None:
    await pool(small_house)
    scheduler = await signed_in(small_house, "scheduler")

    before = await scheduler.get("/plan/sites")
    topics = await scheduler.get("/plan/topics")
    await pool(small_house, "Camera 1")
    after = await scheduler.get("/plan/sites")
    person = await scheduler.get(address(small_house))

    said = "no camera to lend, so nobody can book a video call with those who have none: Person 0"
    assert said in before.text
    assert "nobody with this skill works in this way" in topics.text
    assert said not in after.text
    assert "Nobody can see" not in person.text


@pytest.mark.parametrize("said", ["no", "nein"])
async def test_an_import_says_who_has_no_camera(small_house: House, said: str) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    text = f"Site;Name;Eigene Kamera\nHaupthaus;Person 0;{said}\n"

    shown = await load(scheduler, LOOK, text)
    await scheduler.send(shown.form(f"{LOOK}/apply"))
    again = await load(scheduler, LOOK, text)
    file = await scheduler.get("/plan/exchange/caseworkers.csv")

    assert "Own camera: <del>yes</del> <ins>no</ins>" in shown.text
    assert "The file says what the plan says already" in again.text
    assert "Own camera" in file.text
    assert ";no;yes" in file.text


async def test_an_import_refuses_what_it_does_not_understand_of_a_camera(
    small_house: House,
) -> None:
    scheduler = await signed_in(small_house, "scheduler")

    page = await load(scheduler, LOOK, "Site;Name;Own camera\nHaupthaus;Person 0;sometimes\n")

    assert "“sometimes” is not understood. Possible: yes, no." in page.text


async def test_which_camera_it_is_stands_wherever_somebody_looks(
    small_house: House, clock: Clock
) -> None:
    (camera,) = await pool(small_house, "Camera 1")
    made = await book(small_house, clock, 10)
    scheduler = await signed_in(small_house, "scheduler")
    own = await signed_in(small_house, "caseworker", small_house.office.caseworkers[0])

    for visitor, path in (
        (scheduler, f"/plan/appointments/{made.id}"),
        (scheduler, f"/staff/appointments/{made.id}"),
        (scheduler, f"/staff/day/{DAY}"),
        (scheduler, f"/staff/print/{DAY}"),
        (own, f"/staff/day/{DAY}"),
    ):
        page = await visitor.get(path)
        assert "Camera 1" in page.text, path

    listed = await scheduler.get("/plan/devices")
    device = await scheduler.get(f"/plan/devices/{camera}")
    assert "Next: Mon 12 Oct, 10:00, Person 0" in " ".join(listed.text.split())
    assert "10:30 · Person 0" in device.text


async def test_another_camera_is_chosen_on_the_panel_and_undone_without_a_letter(
    small_house: House, clock: Clock
) -> None:
    cameras = await pool(small_house, "Camera 1", "Camera 2")
    made = await book(small_house, clock, 10)
    assert made.camera is not None
    (other,) = {*cameras} - {made.camera.id}
    scheduler = await signed_in(small_house, "scheduler")
    change = f"/plan/appointments/{made.id}/change"
    form = (await scheduler.get(f"/plan/appointments/{made.id}")).form(change)

    page = await scheduler.send(form, camera=str(other))
    changed = await now_is(small_house, made)
    await scheduler.send(page.form(change))
    undone = await now_is(small_house, made)

    assert "Nobody needs a letter about it." in page.text
    assert changed.camera is not None
    assert changed.camera.id == other
    assert undone.camera == made.camera
    assert not await small_house.letters()


async def test_a_way_that_was_changed_is_undone_with_its_camera(
    small_house: House, clock: Clock
) -> None:
    await pool(small_house, "Camera 1", "Camera 2")
    made = await book(small_house, clock, 10)
    scheduler = await signed_in(small_house, "scheduler")
    change = f"/plan/appointments/{made.id}/change"
    form = (await scheduler.get(f"/plan/appointments/{made.id}")).form(change)

    page = await scheduler.send(form, way="phone")
    phoned = await now_is(small_house, made)
    await scheduler.send(page.form(change))
    undone = await now_is(small_house, made)

    assert phoned.camera is None
    assert (undone.way, undone.camera) == (Way.VIDEO, made.camera)


async def test_a_camera_that_fails_is_exchanged_from_the_rescue_list_without_a_letter(
    small_house: House, clock: Clock
) -> None:
    await pool(small_house, "Camera 1", "Camera 2")
    made = await book(small_house, clock, 10)
    assert made.camera is not None
    async with small_house.store.writing() as tx:
        span = Span(at(8, day=12), at(18, day=12))
        await closures.close(tx, span, resource_id=made.camera.id, kind="outage")
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get("/plan/rescue")
    text = await carry_out(scheduler, await the_form(scheduler), made)
    after = await now_is(small_house, made)

    assert "Same time, another room or device, with Person 0" in " ".join(page.text.split())
    assert "1 appointment rearranged" in text
    assert after.camera not in {None, made.camera}
    assert not await small_house.letters()


async def test_who_has_lost_their_camera_is_on_the_rescue_list_with_the_reason(
    small_house: House, clock: Clock
) -> None:
    made = await book(small_house, clock, 10)
    await pool(small_house, "Camera 1")
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, address(small_house))
    ticked = {"skills": ["money"], "languages": ["de"], "ways": [*Way]}
    await send(scheduler, form, {**ticked, "camera": "yes"})
    form = await opened(scheduler, address(small_house))

    saved = await send(scheduler, form, {**ticked, "camera": []})
    listed = await scheduler.get("/plan/rescue")

    assert "1 booked appointment no longer fits" in saved.text
    assert "Whoever advises has no camera for them any more" in listed.text
    assert (await now_is(small_house, made)).camera is None


async def test_an_overdue_camera_is_exchanged_on_the_page_of_devices(
    small_house: House, clock: Clock
) -> None:
    await pool(small_house, "Camera 1", "Camera 2")
    made = await book(small_house, clock, 11)
    assert made.camera is not None
    reception = await signed_in(small_house, "reception")
    out = f"/plan/devices/{made.camera.id}/hand-out"
    page = await reception.get(f"/plan/devices/{made.camera.id}")
    await reception.send(page.form(out), borrower=str(made.caseworker.id), day=DAY, time="08:30")
    clock.forward(hours=1)

    before = await reception.get("/plan/devices")
    done = await reception.send(before.form("/plan/devices/cover"))
    after = await now_is(small_house, made)

    assert "overdue" in before.text
    assert "1 appointment has another device" in done.text
    assert after.camera is not None
    assert after.camera.name in done.text
    assert not await small_house.letters()


async def test_a_tablet_there_and_a_camera_here_are_both_on_the_panel(
    small_house: House, clock: Clock
) -> None:
    await pool(small_house, "Camera 1")
    place = await small_house.open_branch()
    async with small_house.store.writing() as tx:
        (there,) = (await catalog.resources_by_id(tx, [place])).values()
        await row(
            tx, schema.topic_way, topic_id=small_house.office.topic.id, way="branch_video",
            minutes=30, **TERMS,
        )  # fmt: skip
        await resources.add(tx, Kind.TABLET, {
            "site_id": there.site_id, "name": "Tablet 9", "setup_minutes": 0, "return_minutes": 0,
        })  # fmt: skip
        small_house.office.topic = await catalog.topic(tx, "money")
    scheduler = await signed_in(small_house, "scheduler")
    made = await _at_the_branch(small_house, clock, there.site_id)
    panel = await scheduler.get(f"/plan/appointments/{made.id}")

    assert "Tablet 9, or another that is free" in panel.text
    assert "Camera 1, or another that is free" in panel.text


async def _at_the_branch(house: House, clock: Clock, site_id: int) -> Appointment:
    async with house.store.writing() as tx:
        made = await booking.book(
            tx, topic=house.office.topic, way=Way.BRANCH_VIDEO, start=at(10, day=12),
            site_id=site_id, person=PERSON, needs=Needs(), locale="en", now=clock(), actor="test",
            caseworker_id=house.office.caseworkers[0],
        )  # fmt: skip
    return made.appointment


async def test_a_group_by_video_without_a_free_camera_is_refused_with_the_reason(
    small_house: House, clock: Clock
) -> None:
    await pool(small_house, "Camera 1")
    async with small_house.store.writing() as tx:
        await tx.execute(update(schema.topic).values(in_groups=True))
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/groups")).form("/plan/groups")
    wanted = {
        "topic": "money", "way": "video", "day": "2026-10-14", "from": "09:00", "until": "10:30",
        "caseworker": str(small_house.office.caseworkers[0]), "capacity": "3",
    }  # fmt: skip
    async with small_house.store.writing() as tx:
        (camera,) = await catalog.resources(tx, kinds=(Kind.CAMERA,))
        span = Span(at(8, day=14), at(12, day=14))
        closure = await closures.close(tx, span, resource_id=camera.id)

    refused = await scheduler.send(form, **wanted)
    async with small_house.store.writing() as tx:
        await closures.lift(tx, closure)
    made = await scheduler.send(form, **wanted)
    devices = await scheduler.get("/plan/devices")

    assert refused.status == 400
    assert "no own camera, and no camera of the site is free then" in refused.text
    assert "Camera 1" in made.text
    assert "Next: Wed 14 Oct, 09:00, Person 0" in " ".join(devices.text.split())


def test_what_a_letter_kept_before_cameras_were_booked_is_understood() -> None:
    kept = {
        "start": at(10).isoformat(), "way": "video", "caseworker": "1", "room": "", "device": "7",
        "site": "2",
    }  # fmt: skip

    known = Arrangement.known(kept)

    assert (known.caseworker_id, known.tablet_id, known.camera_id, known.site_id) == (
        1, None, None, 2,
    )  # fmt: skip
    assert replace(known, camera_id=3).news(known) is None
