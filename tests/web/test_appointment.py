"""The claimant's page: calendar file, check-in code, moving, cancelling, and who may see it."""

from __future__ import annotations

import icalendar

from scheduling import booking, outbox
from scheduling.model import Part
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.visitor import CLAIMANT


async def test_the_page_has_reference_code_calendar_file_and_what_to_have_ready(
    house: House,
) -> None:
    visitor = house.visitor()

    page = await visitor.book("in_person")
    code = await visitor.get(f"{page.path}/check-in.svg")
    file = await visitor.get(f"{page.path}/invitation.ics")

    event = icalendar.Calendar.from_ical(file.text).walk("VEVENT")[0]
    assert f"{page.path}/check-in.svg" in page.text
    assert code.headers["Content-Type"].startswith("image/svg+xml")
    assert event["sequence"] == 0
    assert "What to have ready" in page.text
    assert "is on its way to amira@example.org" in page.text


async def test_moving_keeps_the_reference_and_tells_calendars(house: House) -> None:
    visitor = house.visitor()
    page = await visitor.book("video")
    times = await visitor.get(f"{page.path}/move")
    form = times.form(f"{page.path}/move")

    moved = await visitor.send(form, start=form.starts()[-1])
    file = await visitor.get(f"{page.path}/invitation.ics")

    first, second = [_event(letter) for letter in await house.letters()]
    assert moved.title == "Your appointment has been moved"
    assert moved.path == page.path
    assert (first["uid"], first["sequence"]) == (second["uid"], 0)
    assert second["sequence"] == 1
    assert icalendar.Calendar.from_ical(file.text).walk("VEVENT")[0]["sequence"] == 1


async def test_moving_to_a_time_that_is_gone_changes_nothing_and_offers_others(
    house: House,
) -> None:
    visitor, other = house.visitor(), house.visitor()
    page = await visitor.book("video", nth=0)
    form = (await visitor.get(f"{page.path}/move")).form(f"{page.path}/move")
    wanted = form.starts()[-1]
    await other.book(
        "video", nth=len((await other.get("/book/money/video")).form("/hold").starts()) - 1
    )

    taken = await visitor.send(form, start=wanted)

    assert taken.status == 409
    assert "Your appointment has not been changed" in taken.text
    assert wanted not in taken.form(f"{page.path}/move").starts()


async def test_cancelling_asks_once_frees_the_time_and_says_so(house: House) -> None:
    visitor = house.visitor()
    free = (await visitor.get("/book/money/video")).form("/hold").starts()
    page = await visitor.book("video")
    question = await visitor.get(f"{page.path}/cancel")

    form = question.form(f"{page.path}/cancel")
    cancelled = await visitor.send(form)
    again = await visitor.send(form)

    letters = await house.letters()
    assert question.title == "Do you want to cancel?"
    assert cancelled.title == again.title == "Your appointment is cancelled"
    assert (await visitor.get("/book/money/video")).form("/hold").starts() == free
    assert len(letters) == 2
    assert _calendar(letters[1])["method"] == "CANCEL"


async def test_an_appointment_that_has_begun_can_no_longer_be_changed_online(
    small_house: House, clock: Clock
) -> None:
    visitor = small_house.visitor()
    page = await visitor.book("video")
    form = (await visitor.get(f"{page.path}/cancel")).form(f"{page.path}/cancel")
    clock.forward(hours=1, minutes=5)

    cancelled = await visitor.send(form)
    shown = await visitor.get(page.path)

    assert cancelled.status == 409
    assert cancelled.title == "This appointment can no longer be changed"
    assert f"{page.path}/cancel" not in shown.links


async def test_unknown_expired_and_foreign_links_get_the_same_answer(
    house: House, clock: Clock
) -> None:
    visitor = house.visitor()
    page = await visitor.book("video")
    async with house.store.writing() as tx:
        (appointment_id,) = (await tx.exec_driver_sql("SELECT id FROM appointment")).one()
        companion = await booking.add_link(
            tx, appointment_id, part=Part.COMPANION, name="B", actor="test", now=clock()
        )
    stranger = house.visitor()

    unknown = await stranger.get("/appointment/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    foreign = await stranger.get(f"/appointment/{companion}")
    clock.forward(days=30)
    expired = await stranger.get(page.path)

    assert {answer.status for answer in (unknown, foreign, expired)} == {404}
    assert len({_without_nonce(answer.text) for answer in (unknown, foreign, expired)}) == 1


async def test_the_mail_server_being_down_does_not_stop_a_booking(
    house: House, clock: Clock
) -> None:
    page = await house.visitor().book("phone")

    async with house.store.writing() as tx:
        clock.forward(hours=1)
        waiting = await outbox.due(tx, clock(), 10)
    assert page.title == "Your appointment is confirmed"
    assert [letter.recipient for letter in waiting] == [CLAIMANT["email"]]


def _calendar(letter: object) -> icalendar.Calendar:
    parts = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    (part,) = parts
    return icalendar.Calendar.from_ical(part.get_payload(decode=True))


def _event(letter: object) -> icalendar.Event:
    return _calendar(letter).walk("VEVENT")[0]


def _without_nonce(text: str) -> str:
    """Return the page as it is; no page holds the nonce today, and a 404 must not either."""
    assert "nonce=" not in text
    return text
