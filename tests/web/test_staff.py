"""The office's pages: signing in, the day, and what each role may do."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from scheduling import booking
from scheduling.model import Appointment, Needs, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at
from tests.web.conftest import PASSWORD, House
from tests.web.visitor import Visitor


async def booked(
    house: House, clock: Clock, way: Way = Way.VIDEO, hour: int = 9, caseworker: int | None = None
) -> Appointment:
    async with house.store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=house.office.topic, way=way, start=at(hour, day=12), site_id=None,
            person=PERSON, needs=Needs(companion=True, interpreter="tr"), locale="en",
            now=clock(), actor="test", caseworker_id=caseworker,
        )  # fmt: skip
    return confirmed.appointment


async def signed_in(house: House, role: str, resource_id: int | None = None) -> Visitor:
    visitor = house.visitor()
    email = await house.hire(role, resource_id=resource_id)
    page = await visitor.sign_in(email, PASSWORD)
    assert page.status == 200, page.text
    return visitor


async def test_staff_pages_send_strangers_to_the_sign_in_and_back(small_house: House) -> None:
    visitor = small_house.visitor()
    email = await small_house.hire("reception")

    asked = await visitor.get("/staff/day/2026-10-13")
    day = await visitor.send(asked.form("/staff/sign-in"), email=email, password=PASSWORD)

    assert asked.path == "/staff/sign-in"
    assert day.path == "/staff/day/2026-10-13"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/staff//evil.example", "/\\evil", "/"]
)
async def test_signing_in_never_leads_to_another_place(small_house: House, target: str) -> None:
    visitor = small_house.visitor()
    email = await small_house.hire("reception")
    form = (await visitor.get("/staff/sign-in")).form("/staff/sign-in")

    page = await visitor.send(form, email=email, password=PASSWORD, next=target)

    assert page.path == "/staff"


async def test_a_wrong_password_is_refused_without_saying_what_was_wrong(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    email = await small_house.hire("reception")

    known = await visitor.sign_in(email, "wrong password")
    unknown = await visitor.sign_in("nobody@office.example", "wrong password")

    assert known.status == unknown.status == 403
    assert "do not fit together" in known.text
    assert "do not fit together" in unknown.text


async def test_signing_out_ends_the_session(small_house: House) -> None:
    visitor = await signed_in(small_house, "reception")
    form = (await visitor.get("/staff")).form("/staff/sign-out")

    await visitor.send(form)

    assert (await visitor.get("/staff")).path == "/staff/sign-in"


async def test_a_caseworker_sees_their_own_day_and_on_request_the_site(
    house: House, clock: Clock
) -> None:
    own = house.office.caseworkers[0]
    await booked(house, clock, Way.VIDEO, 9, own)
    await booked(house, clock, Way.PHONE, 10, own)
    visitor = await signed_in(house, "caseworker", own)

    day = await visitor.get("/staff")
    site = await visitor.get("/staff/day/2026-10-12?scope=site")

    assert day.text.count('class="agenda-link"') == 2
    assert "By video" in day.text
    assert "By phone" in day.text
    assert "Person 0" in site.text


async def test_a_caseworker_cannot_reach_another_sites_appointments(
    house: House, clock: Clock
) -> None:
    abroad = await house.open_branch()
    appointment = await booked(house, clock, caseworker=abroad)
    own = await booked(house, clock, caseworker=house.office.caseworkers[0])
    visitor = await signed_in(house, "caseworker", house.office.caseworkers[0])
    token = (await visitor.get(f"/staff/appointments/{own.id}/cancel")).forms[0].fields
    address = f"/staff/appointments/{appointment.id}"

    seen = [await visitor.get(address + page) for page in ("", "/cancel", "/move", "/call")]
    done = [
        await visitor.post(address + page, {**token, "start": at(10, day=12).isoformat()})
        for page in ("/cancel", "/move", "/links")
    ]

    assert [page.status for page in seen] == [404] * 4
    assert [page.status for page in done] in ([404] * 3, [404, 404, 400])
    assert (
        "Person of the branch" not in (await visitor.get("/staff/day/2026-10-12?site=branch")).text
    )


async def test_reception_cancels_and_moves_but_does_not_enter_consultations(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    visitor = await signed_in(house, "reception")
    address = f"/staff/appointments/{appointment.id}"
    form = (await visitor.get(f"{address}/move")).form(f"{address}/move")

    page = await visitor.get(address)
    call = await visitor.get(f"{address}/call")
    moved = await visitor.send(form, start=at(10, day=12).isoformat())
    cancelled = await visitor.send(
        (await visitor.get(f"{address}/cancel")).form(f"{address}/cancel")
    )

    assert f"{address}/call" not in page.links
    assert call.status == 403
    assert "Moved." in moved.text
    assert "Cancelled." in cancelled.text
    subjects = [str(letter["Subject"]) for letter in await house.letters()]
    assert [subject.split(":")[0] for subject in subjects] == ["New time", "Cancelled"]


@pytest.mark.parametrize("role", ["scheduler", "admin"])
async def test_schedulers_and_administrators_see_every_site(
    small_house: House, clock: Clock, role: str
) -> None:
    abroad = await small_house.open_branch()
    appointment = await booked(small_house, clock, caseworker=abroad)
    visitor = await signed_in(small_house, role)

    everything = await visitor.get("/staff/day/2026-10-12")
    elsewhere = await visitor.get("/staff/day/2026-10-12?site=main")
    page = await visitor.get(f"/staff/appointments/{appointment.id}")

    assert "Person of the branch" in everything.text
    assert PERSON.name not in elsewhere.text
    assert page.status == 200


async def test_the_link_in_a_letter_after_staff_moved_opens_the_appointment(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock)
    visitor = await signed_in(small_house, "scheduler")
    address = f"/staff/appointments/{appointment.id}/move"
    form = (await visitor.get(address)).form(address)

    await visitor.send(form, start=at(11, day=12).isoformat())

    (letter,) = await small_house.letters()
    body = letter.get_body(("plain",)).get_content()
    path = next(line for line in body.splitlines() if "/appointment/" in line)
    opened = await small_house.visitor().get("/appointment/" + path.rsplit("/", 1)[1])
    assert "11:00" in opened.text


async def test_a_companion_is_added_by_mail_or_by_a_link_shown_once(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    visitor = await signed_in(house, "reception")
    address = f"/staff/appointments/{appointment.id}"
    form = (await visitor.get(address)).form(f"{address}/links")

    mailed = await visitor.send(form, part="interpreter", name="Ida Öz", email="ida@example.org")
    shown = await visitor.send(form, part="companion", name="Ben Ay", email="")
    wrong = await visitor.send(form, part="companion", name="", email="ida@")

    (letter,) = await house.letters()
    assert "Added." in mailed.text
    assert letter["To"] == "Ida Öz <ida@example.org>"
    assert "/call/" in letter.get_body(("plain",)).get_content()
    assert "/call/" in shown.text
    assert "/call/" not in (await visitor.get(address)).links
    assert wrong.status == 400
    assert "#email" in wrong.links
    assert "#name" in wrong.links


async def test_the_day_sheet_lists_the_day_by_time_and_by_topic(
    small_house: House, clock: Clock
) -> None:
    await booked(small_house, clock, Way.IN_PERSON, 9)
    await booked(small_house, clock, Way.PHONE, 11)
    visitor = await signed_in(small_house, "reception")

    sheet = await visitor.get("/staff/print/2026-10-12")

    assert sheet.text.index("09:00") < sheet.text.index("11:00")
    assert "Money: 2 (09:00, 11:00)" in " ".join(sheet.text.split())


async def test_a_cancelled_appointment_cannot_be_moved_or_cancelled_again(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock)
    visitor = await signed_in(small_house, "reception")
    address = f"/staff/appointments/{appointment.id}"
    form = (await visitor.get(f"{address}/cancel")).form(f"{address}/cancel")
    await visitor.send(form)

    again = await visitor.send(form)

    assert again.status == 200
    assert (await visitor.get(f"{address}/move")).status == 409
    assert (await visitor.get(f"{address}/cancel")).status == 409
    assert len(await small_house.letters()) == 1


async def test_somebody_who_left_the_office_is_signed_out_at_once(small_house: House) -> None:
    visitor = await signed_in(small_house, "reception")

    async with small_house.store.writing() as tx:
        await tx.execute(text("UPDATE staff SET active = false"))

    assert (await visitor.get("/staff")).path == "/staff/sign-in"


async def test_events_are_for_staff_only_and_say_nothing_personal(small_house: House) -> None:
    stranger = small_house.visitor()
    visitor = await signed_in(small_house, "reception")

    refused = await stranger.get("/staff/events")
    async with visitor.client.get("/staff/events") as stream:
        first = await stream.content.readline()

    assert refused.path == "/staff/sign-in"
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert first == b"retry: 3000\n"


async def test_an_open_day_view_does_not_keep_the_server_from_stopping(
    small_house: House,
) -> None:
    visitor = await signed_in(small_house, "reception")

    async with visitor.client.get("/staff/events") as stream:
        await stream.content.readline()
        async with asyncio.timeout(5):
            await small_house.server.close()

        assert await stream.content.read() == b"\n"
