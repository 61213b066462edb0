"""An earlier time: asking for it, the offer by letter, accepting, leaving it, and being late."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from email.message import EmailMessage

import icalendar
from aiohttp.test_utils import TestServer

from scheduling import appointments, booking, invariants, waitlist
from scheduling.grid import ZONE
from scheduling.model import Needs, Person, Way
from server.app import create_app, settings_of
from server.waitlist import Waitlist
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at
from tests.server.conftest import Configure
from tests.web.conftest import House
from tests.web.visitor import Page, Visitor
from web.letters import Letters


def worker(house: House, configure: Configure, clock: Clock) -> Waitlist:
    """Return what one server process runs in the background."""
    settings = settings_of(configure(organizer_email="termine@office.example"))
    return Waitlist(house.store, Letters(settings), clock)


async def fill_morning(house: House, clock: Clock) -> None:
    """Take every time of Monday and Tuesday, so that nothing is free before Wednesday."""
    async with house.store.writing() as tx:
        for day in (12, 13):
            for minute in range(0, 175, 35):
                await booking.book(
                    tx, topic=house.office.topic, way=Way.VIDEO,
                    start=at(9, day=day) + dt.timedelta(minutes=minute), site_id=None,
                    person=PERSON, needs=Needs(), locale="en", now=clock(), actor="test",
                )  # fmt: skip


async def book_late(house: House, clock: Clock, hour: int = 9) -> str:
    """Book a time on Wednesday; return the address of the appointment's page."""
    async with house.store.writing() as tx:
        made = await booking.book(
            tx, topic=house.office.topic, way=Way.VIDEO, start=at(hour, day=14), site_id=None,
            person=Person(f"Person at {hour}", f"at{hour}@example.org"), needs=Needs(),
            locale="en", now=clock(), actor="test",
        )  # fmt: skip
    return f"/appointment/{made.link_token}"


async def wait(visitor: Visitor, own: str, wanted: str = "yes") -> Page:
    page = await visitor.get(own)
    return await visitor.send(page.form(f"{own}/earlier"), wait=wanted)


async def free_tuesday(house: House, clock: Clock) -> None:
    """Cancel Tuesday at nine, one evening before."""
    clock.now = at(23, day=12)
    async with house.store.writing() as tx:
        (first, *_) = await appointments.day(tx, dt.date(2026, 10, 13))
        await booking.cancel(tx, first.id, actor="claimant", now=clock())


def link_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    found = re.search(r"/earlier/\S+", body.get_content())
    assert found is not None
    return found.group()


async def test_asking_for_an_earlier_time_can_be_taken_back(house: House, clock: Clock) -> None:
    own, visitor = await book_late(house, clock), house.visitor()

    asked = await wait(visitor, own)
    again = await wait(visitor, own)
    stopped = await wait(visitor, own, "no")

    assert asked.path == again.path == own
    assert "We will write to you when an earlier time becomes free." in again.text
    assert "Tell me when an earlier time becomes free" in stopped.text
    async with house.store.reading() as tx:
        assert not await waitlist.is_waiting(tx, 1)


async def test_a_freed_time_is_offered_by_letter_and_one_tap_takes_it(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    own, visitor = await book_late(house, clock), house.visitor()
    await wait(visitor, own)
    await free_tuesday(house, clock)
    offered = await worker(house, configure, clock).offer_once()
    (letter,) = await house.letters()

    page = await visitor.get(link_of(letter))
    form = page.form(page.path)
    taken = await visitor.send(form, accept="yes")
    again = await visitor.send(form, accept="yes")

    _, moved = await house.letters()
    (part,) = [part for part in moved.walk() if part.get_content_type() == "text/calendar"]
    event = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")[0]
    assert offered == 1
    assert letter["To"] == "Person at 9 <at9@example.org>"
    assert letter["Subject"].endswith("Tuesday, 13 October 2026, 09:00")
    assert "Wednesday, 14 October 2026" in page.text
    assert taken.title == "Your appointment has been moved"
    assert "Tuesday, 13 October 2026" in taken.text
    assert again.path == taken.path
    assert (event["dtstart"].dt, event["sequence"]) == (at(9).astimezone(ZONE), 1)
    assert (await visitor.get(own)).status == 200
    async with house.store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_opening_the_link_alone_takes_nothing(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    own, visitor = await book_late(house, clock), house.visitor()
    await wait(visitor, own)
    await free_tuesday(house, clock)
    await worker(house, configure, clock).offer_once()
    (letter,) = await house.letters()

    for _ in range(3):
        await visitor.get(link_of(letter))

    assert "Wednesday, 14 October 2026" in (await visitor.get(own)).text


async def test_two_processes_promise_one_time_to_one_of_two_people_only(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    visitor = house.visitor()
    for hour in (9, 10):
        await wait(visitor, await book_late(house, clock, hour))
        clock.forward(seconds=1)
    await free_tuesday(house, clock)
    workers = [worker(house, configure, clock) for _ in range(2)]

    await asyncio.gather(*(one.offer_once() for one in workers))
    await asyncio.gather(*(one.offer_once() for one in workers))

    assert [letter["To"] for letter in await house.letters()] == ["Person at 9 <at9@example.org>"]
    async with house.store.reading() as tx:
        assert await invariants.broken(tx) == []


async def test_an_offer_that_ran_out_goes_to_the_next_and_harms_nobody(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    visitor = house.visitor()
    first = await book_late(house, clock, 9)
    for own in (first, await book_late(house, clock, 10)):
        await wait(visitor, own)
        clock.forward(seconds=1)
    await free_tuesday(house, clock)
    offering = worker(house, configure, clock)
    await offering.offer_once()
    (letter,) = await house.letters()
    form = (await visitor.get(link_of(letter))).form(link_of(letter))
    clock.forward(minutes=waitlist.OFFER_MINUTES)
    await offering.offer_once()

    late = await visitor.send(form, accept="yes")
    seen = await visitor.get(link_of(letter))

    _, following = await house.letters()
    assert following["To"] == "Person at 10 <at10@example.org>"
    assert (late.status, seen.status) == (410, 410)
    assert late.title == "This earlier time is no longer free"
    assert "Wednesday, 14 October 2026" in late.text
    assert "Wednesday, 14 October 2026" in (await visitor.get(first)).text
    accepted = await visitor.send(
        (await visitor.get(link_of(following))).form(link_of(following)), accept="yes"
    )
    assert accepted.title == "Your appointment has been moved"


async def test_leaving_an_offer_passes_it_on_at_once(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    visitor = house.visitor()
    for hour in (9, 10):
        await wait(visitor, await book_late(house, clock, hour))
        clock.forward(seconds=1)
    await free_tuesday(house, clock)
    offering = worker(house, configure, clock)
    await offering.offer_once()
    (letter,) = await house.letters()

    left = await visitor.send(
        (await visitor.get(link_of(letter))).form(link_of(letter)), decline="yes"
    )
    await offering.offer_once()

    assert left.title == "Your appointment stays as it is"
    assert (await house.letters())[1]["To"] == "Person at 10 <at10@example.org>"


async def test_whoever_cancels_waits_no_longer_and_an_offered_time_is_free_again(
    house: House, configure: Configure, clock: Clock
) -> None:
    await fill_morning(house, clock)
    own, visitor = await book_late(house, clock), house.visitor()
    await wait(visitor, own)
    await free_tuesday(house, clock)
    await worker(house, configure, clock).offer_once()
    (letter,) = await house.letters()

    await visitor.send((await visitor.get(f"{own}/cancel")).form(f"{own}/cancel"))

    times = (await house.visitor().get("/book/money/video")).form("/hold").starts()
    assert times[0] == "2026-10-13T09:00:00+02:00"
    assert (await visitor.get(link_of(letter))).status == 410


async def test_unknown_links_of_offers_tell_nothing(small_house: House) -> None:
    visitor = small_house.visitor()
    own = (await visitor.book("video")).path
    form = (await visitor.get(own)).form(f"{own}/earlier")

    unknown = await visitor.get("/earlier/nothing")
    sent = await visitor.post("/earlier/nothing", {**form.fields, "accept": "yes"})
    neither = await visitor.send(form, wait="perhaps")

    assert (unknown.status, sent.status, neither.status) == (404, 404, 400)


async def test_a_server_that_starts_offers_what_became_free_meanwhile(
    small_house: House, sqlite_url: str, configure: Configure, clock: Clock
) -> None:
    await fill_morning(small_house, clock)
    await wait(small_house.visitor(), await book_late(small_house, clock))
    await free_tuesday(small_house, clock)
    config = configure(
        demo=False, database_url=sqlite_url, organizer_email="termine@office.example",
        smtp_host="127.0.0.1", smtp_port=9,
    )  # fmt: skip

    async with TestServer(create_app(config, clock)), asyncio.timeout(10):
        while not await small_house.letters():
            pass

    (letter,) = await small_house.letters()
    assert letter["To"] == "Person at 9 <at9@example.org>"
