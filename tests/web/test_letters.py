"""What the letters say, and that calendars and mail programs can read them."""

from __future__ import annotations

import re
from email.message import EmailMessage

import icalendar
import pytest

from tests.web.conftest import House


async def test_a_letter_has_text_html_one_calendar_part_and_one_attachment(
    house: House,
) -> None:
    await house.visitor().book("video")

    (letter,) = await house.letters()
    kinds = [part.get_content_type() for part in letter.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "text/calendar", "application/ics"]
    for part in letter.walk():
        if part.get_content_type() in {"text/calendar", "application/ics"}:
            assert part["Content-Transfer-Encoding"] == "base64"
    invitation = _part(letter, "text/calendar")
    assert invitation.get_param("method") == "REQUEST"
    assert invitation.get_param("charset") == "utf-8"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert str(letter["To"]) == "Amira Çelik <amira@example.org>"


async def test_the_calendar_part_and_the_attachment_are_the_same_event(house: House) -> None:
    await house.visitor().book("video")

    (letter,) = await house.letters()
    inline, attached = [
        icalendar.Calendar.from_ical(_part(letter, kind).get_payload(decode=True))
        for kind in ("text/calendar", "application/ics")
    ]

    event = inline.walk("VEVENT")[0]
    join = re.search(r"http\S+/call/\S+", _text(letter)).group()
    assert inline == attached
    assert event["location"] == join
    assert join in event["description"]
    assert event["organizer"] == "mailto:termine@office.example"


@pytest.mark.parametrize("language", ["de", "en"])
async def test_nothing_in_a_letter_tells_the_topic(small_house: House, language: str) -> None:
    visitor = small_house.visitor(language)
    page = await visitor.book("in_person")
    await visitor.send((await visitor.get(f"{page.path}/cancel")).form(f"{page.path}/cancel"))

    for letter in await small_house.letters():
        everything = letter["Subject"] + "".join(
            part.get_payload(decode=True).decode()
            for part in letter.walk()
            if not part.is_multipart()
        )
        assert "Geld" not in everything
        assert "Money" not in everything


async def test_a_letter_speaks_the_language_of_the_booking(small_house: House) -> None:
    await small_house.visitor("de").book("video", nth=0)
    await small_house.visitor("en").book("video", nth=0)

    german, english = await small_house.letters()
    assert german["Subject"] == "Ihr Termin am Montag, 12. Oktober 2026, 09:00 Uhr"
    assert english["Subject"] == "Your appointment on Monday, 12 October 2026, 09:45"
    assert "Guten Tag Amira Çelik," in _text(german)
    assert "Hello Amira Çelik," in _text(english)


async def test_a_companion_gets_a_link_of_their_own_that_opens_the_call_only(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    await visitor.book("video", companion="yes")

    (letter,) = await small_house.letters()
    own, companion = re.findall(r"/call/(\S+)", _text(letter))
    assert own != companion
    assert (await visitor.get(f"/call/{companion}")).status == 200
    assert (await visitor.get(f"/appointment/{companion}")).status == 404


async def test_a_name_cannot_add_headers_or_markup(small_house: House) -> None:
    await small_house.visitor().book("video", name="Amira & Söhne\r\nBcc: all@example.org"[:20])
    await small_house.visitor().book("video", name="O'Neil & Co")

    _, letter = await small_house.letters()
    assert letter["Bcc"] is None
    assert "O'Neil & Co" in _text(letter)
    assert "O&#39;Neil &amp; Co" in _part(letter, "text/html").get_content()


def _part(letter: EmailMessage, kind: str) -> EmailMessage:
    (part,) = [part for part in letter.walk() if part.get_content_type() == kind]
    return part


def _text(letter: EmailMessage) -> str:
    return _part(letter, "text/plain").get_content()
