"""Who hears of what: letters that wait to be taken back, and letters to guests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes, policy

import pytest

from scheduling import catalog
from scheduling.model import Appointment
from server.mail import Post, Smtp
from tests.conftest import Clock
from tests.server.conftest import Configure
from tests.server.mail_server import MailServer
from tests.web.conftest import House, Serve
from tests.web.test_plan import booked, changed, present, signed_in
from web.letters import LETTERS


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.up()
    yield server
    await server.down()


class Delivered:
    """What the office's mail server has taken from a house."""

    def __init__(self, house: House, server: MailServer, post: Post) -> None:
        self.house = house
        self.server = server
        self.post = post

    async def subjects(self, count: int) -> list[str]:
        """Wait until `count` letters have arrived and none is left to go; return subjects."""
        async with asyncio.timeout(10):
            while len(self.server.letters) < count or await self.post.deliver_due():
                await asyncio.sleep(0.01)
        contents = [bytes(one.content or b"") for one in self.server.letters]
        return [message_from_bytes(one, policy=policy.default)["Subject"] for one in contents]


@pytest.fixture
async def delivered(
    serve: Serve, store_url: str, mail_server: MailServer, configure: Configure, clock: Clock
) -> Delivered:
    """Serve an office whose letters go to a real mail server, on either engine."""
    house = await serve(store_url, smtp_port=mail_server.port)
    config = configure(
        demo=False, organizer_email="termine@example.org", smtp_host="127.0.0.1",
        smtp_port=mail_server.port,
    )  # fmt: skip
    write = house.server.app[LETTERS].written
    return Delivered(house, mail_server, Post(house.store, Smtp(config), write, clock))


async def cancelled(house: House, appointment: Appointment) -> None:
    visitor = await signed_in(house, "admin")
    page = await visitor.get(f"/staff/appointments/{appointment.id}/cancel")
    await visitor.send(page.form(f"/staff/appointments/{appointment.id}/cancel"))


async def test_an_undone_change_sends_no_letter_at_all(delivered: Delivered, clock: Clock) -> None:
    appointment = await booked(delivered.house, clock)
    visitor = await signed_in(delivered.house)
    page = await changed(visitor, appointment, time="10:30")

    undone = await visitor.send(page.form(f"/plan/appointments/{appointment.id}/change"))
    clock.forward(minutes=5)
    await cancelled(delivered.house, appointment)

    assert "goes out in 30 seconds" in page.text
    assert "Nobody needs a letter" in undone.text
    (subject,) = await delivered.subjects(1)
    assert subject.startswith("Cancelled")


async def test_a_change_that_is_undone_too_late_is_told_with_a_second_letter(
    delivered: Delivered, clock: Clock
) -> None:
    appointment = await booked(delivered.house, clock)
    visitor = await signed_in(delivered.house)
    page = await changed(visitor, appointment, time="10:30")
    clock.forward(seconds=31)
    await delivered.subjects(1)

    await visitor.send(page.form(f"/plan/appointments/{appointment.id}/change"))
    clock.forward(seconds=31)

    subjects = await delivered.subjects(2)
    assert [subject[-5:] for subject in subjects] == ["10:30", "09:00"]


async def test_two_changes_at_once_are_told_in_one_letter(
    delivered: Delivered, clock: Clock
) -> None:
    appointment = await booked(delivered.house, clock)
    visitor = await signed_in(delivered.house)

    await changed(visitor, appointment, time="10:30")
    await changed(visitor, appointment, way="phone", time="11:00")
    clock.forward(seconds=31)

    (subject,) = await delivered.subjects(1)
    assert subject == "New time: your appointment on Tuesday, 13 October 2026, 11:00"


async def test_a_waiting_letter_is_not_overtaken_by_a_later_one(
    delivered: Delivered, clock: Clock
) -> None:
    appointment = await booked(delivered.house, clock)
    visitor = await signed_in(delivered.house)

    await changed(visitor, appointment, time="10:30")
    await cancelled(delivered.house, appointment)

    subjects = await delivered.subjects(2)
    assert [subject.split(":")[0] for subject in subjects] == ["New time", "Cancelled"]


async def test_companions_and_interpreters_hear_of_a_move_and_of_the_end(
    house: House, clock: Clock
) -> None:
    visitor = await signed_in(house)
    claimant = house.visitor()
    own = await claimant.book()
    appointment_id = 1
    page = await visitor.get(f"/staff/appointments/{appointment_id}")
    form = page.form(f"/staff/appointments/{appointment_id}/links")
    await visitor.send(form, part="interpreter", name="Ina", email="ina@example.org")
    await visitor.send(form, part="companion", name="Cem", email="cem@example.org")
    before = len(await house.letters())

    moving = await claimant.get(f"{own.path}/move")
    times = moving.form(f"{own.path}/move")
    await claimant.send(times, start=times.starts()[2])
    await claimant.send((await claimant.get(f"{own.path}/cancel")).form(f"{own.path}/cancel"))

    told = [(one["To"].addresses[0].username, one["Subject"]) for one in await house.letters()]
    guests = [(who, subject.split(":")[0]) for who, subject in told[before:] if who != "amira"]
    assert sorted(guests) == [
        ("cem", "Cancelled"), ("cem", "New time"), ("ina", "Cancelled"), ("ina", "New time"),
    ]  # fmt: skip
    letter = next(
        one for one in await house.letters() if "ina" in one["To"] and "New" in one["Subject"]
    )
    assert "Your link stays the same" in letter.get_body(("plain",)).get_content()
    assert "Reference" not in letter.get_body(("plain",)).get_content()


async def test_an_appointment_is_given_another_branch_on_the_console(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock)
    await house.open_branch()
    visitor = await signed_in(house)
    async with house.store.reading() as tx:
        branch = next(one for one in await catalog.sites(tx) if one.key == "branch")

    page = await changed(visitor, appointment, site=str(branch.id))
    there = await present(house, appointment)
    await visitor.send(page.form(f"/plan/appointments/{appointment.id}/change"))

    assert (there.site.key, there.room.name) == ("branch", "Branch room")
    assert there.caseworker.name == "Person of the branch"
    back = await present(house, appointment)
    assert (back.site, back.caseworker, back.room) == (
        appointment.site, appointment.caseworker, appointment.room,
    )  # fmt: skip
    assert await house.letters() == []
