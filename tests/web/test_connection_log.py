"""The connection log on the pages of the office, and what it says to a missed appointment."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

import pytest
from sqlalchemy import text

from scheduling import appointments, booking, connections
from scheduling.connections import Stay
from scheduling.model import Appointment, Outcome, Part, Way
from tests.conftest import Clock
from tests.scheduling.office import at
from tests.web.conftest import House
from tests.web.test_plan import booked, present, signed_in
from web.keys import SETTINGS


async def joins_and_leaves(house: House, appointment: Appointment, clock: Clock) -> None:
    """Let the claimant open the call, say hello and leave."""
    async with house.store.writing() as tx:
        token = await booking.add_link(
            tx, appointment.id, part=Part.CLAIMANT, name="Kim", actor="test", now=clock()
        )
    origin = house.server.app[SETTINGS].public_url
    async with house.visitor().client.ws_connect(
        f"/call/{token}/socket", headers={"Origin": origin}, protocols=("sprechzeit.v1",)
    ) as socket:
        await socket.send_json({"type": "hello", "version": 1, "audio": False, "video": False})
        assert json.loads((await socket.receive()).data)["type"] == "welcome"
        await socket.send_json({"type": "leave"})
        await socket.receive()


async def stays(house: House, appointment: Appointment) -> list[Stay]:
    """Return what is logged by now."""
    async with house.store.reading() as tx:
        return await connections.of(tx, appointment.id)


async def logged(
    house: House, appointment: Appointment, side: str = "claimant", **columns: Any
) -> None:
    """Write a stay of half an hour into the log."""
    usual: dict[str, Any] = {
        "arrived_at": at(9, 2), "seen_at": at(9, 31), "admitted_at": at(9, 2),
        "connected_at": at(9, 2), "interruptions": 0, "interrupted_seconds": 0, "ending": "left",
    }  # fmt: skip
    values = usual | columns
    async with house.store.writing() as tx:
        if side == "claimant":
            (link, *_) = await appointments.links(tx, appointment.id)
            await connections.note_guest(tx, link.id, "guest", **values)
        else:
            await connections.note_staff(tx, "host", appointment_id=appointment.id, **values)


async def text_of(house: House, appointment: Appointment) -> str:
    """Return what a scheduler reads on the appointment's page, in one line."""
    visitor = await signed_in(house)
    page = await visitor.get(f"/staff/appointments/{appointment.id}")
    return " ".join(page.text.split()).replace("\N{EN DASH}", "-")


async def test_an_attempt_to_join_is_logged_although_nobody_was_let_in(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock, Way.VIDEO)
    clock.now = at(9, 5)

    await joins_and_leaves(house, appointment, clock)

    async with asyncio.timeout(10):
        while not [stay for stay in await stays(house, appointment) if stay.ending]:
            await asyncio.sleep(0.01)  # it is written in the background
    text = await text_of(house, appointment)
    assert "waited in the lobby 09:05-09:05 and was not let in. Left the call." in text


async def test_what_is_left_when_the_server_stops_is_written(house: House, clock: Clock) -> None:
    appointment = await booked(house, clock, Way.VIDEO)
    clock.now = at(9, 5)
    await joins_and_leaves(house, appointment, clock)

    await house.server.app.shutdown()
    await house.server.app.cleanup()

    assert [stay.ending for stay in await stays(house, appointment)] == ["left"]


async def test_a_store_that_fails_breaks_no_call_and_gets_the_log_later(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock, Way.VIDEO)
    clock.now = at(9, 5)
    await statement(house, "ALTER TABLE connection RENAME TO away")
    await joins_and_leaves(house, appointment, clock)
    await statement(house, "ALTER TABLE away RENAME TO connection")

    async with asyncio.timeout(10):
        while not [stay for stay in await stays(house, appointment) if stay.ending]:
            await asyncio.sleep(0.01)  # it is tried again in the background


async def test_a_store_that_fails_at_the_end_does_not_hold_the_server_up(
    house: House, clock: Clock
) -> None:
    appointment = await booked(house, clock, Way.VIDEO)
    clock.now = at(9, 5)
    await statement(house, "ALTER TABLE connection RENAME TO away")
    await joins_and_leaves(house, appointment, clock)

    await house.server.app.shutdown()
    await house.server.app.cleanup()

    await statement(house, "ALTER TABLE away RENAME TO connection")
    assert await stays(house, appointment) == []


async def statement(house: House, sql: str) -> None:
    """Say something to the store."""
    async with house.store.writing() as tx:
        await tx.execute(text(sql))


async def test_the_page_tells_times_interruptions_and_when_it_is_deleted(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock, Way.VIDEO)
    clock.now = at(12)
    await logged(small_house, appointment, interruptions=2, interrupted_seconds=6)
    await logged(small_house, appointment, "caseworker", ending="ended")

    text = await text_of(small_house, appointment)

    assert "connected 09:02-09:31, 2 interruptions, together 6 s. Left the call." in text
    assert "connected 09:02-09:31, no interruption. Then the consultation was ended" in text
    assert "This is deleted with the appointment on" in text


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"connected_at": None, "ending": "lost"}, "but picture and sound did not get through."),
        (
            {"interruptions": 1, "interrupted_seconds": 1230},
            "connected 09:02-09:31, 1 interruption of 20 minutes. Left the call.",
        ),
        ({"ending": ""}, "no interruption. The end is not known: the server stopped."),
        ({"ending": "", "seen_at": at(12)}, "connected since 09:02, no interruption. </li>"),
    ],
)
async def test_every_stay_is_told_in_plain_words(
    small_house: House, clock: Clock, columns: dict[str, Any], sentence: str
) -> None:
    appointment = await booked(small_house, clock, Way.VIDEO)
    clock.now = at(12) + dt.timedelta(seconds=20)

    await logged(small_house, appointment, **columns)

    assert sentence.replace(" </li>", "") in await text_of(small_house, appointment)


async def test_who_tried_to_join_is_not_noted_as_missed_without_a_second_thought(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock, Way.VIDEO)
    clock.now = at(9, 40)
    await logged(small_house, appointment, connected_at=None)
    visitor = await signed_in(small_house)
    address = f"/staff/appointments/{appointment.id}/outcome"
    page = await visitor.get(f"/staff/appointments/{appointment.id}")

    asked = await visitor.send(page.form(address), outcome="missed")
    before = (await present(small_house, appointment)).outcome
    await visitor.send(asked.form(address), outcome="failed")

    assert (asked.status, asked.title) == (409, "Kim Beispiel tried to join")
    assert before is None
    assert (await present(small_house, appointment)).outcome is Outcome.FAILED


async def test_who_is_sure_may_note_it_as_missed_all_the_same(
    small_house: House, clock: Clock
) -> None:
    appointment = await booked(small_house, clock, Way.VIDEO)
    clock.now = at(9, 40)
    await logged(small_house, appointment)
    visitor = await signed_in(small_house)
    address = f"/staff/appointments/{appointment.id}/outcome"
    page = await visitor.get(f"/staff/appointments/{appointment.id}")

    asked = await visitor.send(page.form(address), outcome="missed")
    await visitor.send(asked.form(address), outcome="missed")

    assert (await present(small_house, appointment)).outcome is Outcome.MISSED
