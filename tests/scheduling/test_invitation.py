"""The invitation in calendars: two independent parsers, and a real CalDAV server."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import caldav
import icalendar
import pytest

from scheduling.invitation import Method, Organizer, calendar
from scheduling.model import (
    Appointment,
    Kind,
    Needs,
    Person,
    Resource,
    Site,
    Span,
    Status,
    Topic,
    TopicWay,
    Way,
)
from tests.scheduling.office import at

ROOT = Path(__file__).parents[2]
JOIN = "https://office.example/call/abcdefghijklmnopqrstuvwxyz"
TEXT = {"de": "Geld", "en": "Money"}
TOPIC = Topic(1, "money", TEXT, TEXT, TEXT, TEXT, "money", {Way.VIDEO: TopicWay(Way.VIDEO, 30)})
BOOKED = Appointment(
    id=7,
    uid="5f2a8a52-8e5e-4c3e-9a35-6f2f1f6c3b11",
    reference="K7MP-4QXR",
    topic=TOPIC,
    way=Way.VIDEO,
    site=Site(1, "main", "Haupthaus", "Platz 1", "+49301", "NW"),
    caseworker=Resource(1, Kind.CASEWORKER, 1, "Miriam Hansen"),
    room=None,
    span=Span(at(9), at(9, 30)),
    status=Status.BOOKED,
    sequence=0,
    person=Person('Jürgen "Jo" Weiß; Öl, & Söhne', "juergen@example.org"),
    needs=Needs(),
    locale="de",
    changed_at=at(8),
    delete_after=at(8),
)
MOVED = replace(BOOKED, span=Span(at(10, day=14), at(10, 30, day=14)), sequence=1)
CANCELLED = replace(MOVED, status=Status.CANCELLED, sequence=2)


def _message(appointment: Appointment, method: Method = Method.REQUEST) -> bytes:
    return calendar(
        appointment,
        method=method,
        organizer=Organizer("Jobcenter Musterstadt", "termin@office.example"),
        join_url=JOIN,
        now=at(8),
        summary="Termin: Jobcenter Musterstadt",
        description=f"Zum Termin:\n{JOIN}\nBitte 5 Minuten früher; Kamera, Ton prüfen.",
        location=JOIN,
    )


def _event(message: bytes) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(message).walk("VEVENT")
    return event


def test_the_request_says_when_who_and_where() -> None:
    message = _message(BOOKED)

    whole, event = icalendar.Calendar.from_ical(message), _event(message)
    assert whole["METHOD"] == "REQUEST"
    assert event.decoded("DTSTART").astimezone(dt.UTC) == at(9)
    assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
    assert event["ORGANIZER"] == "mailto:termin@office.example"
    assert event["ATTENDEE"].params["CN"] == BOOKED.person.name
    assert event["LOCATION"] == event["URL"] == event["CONFERENCE"] == JOIN
    assert "Geld" not in message.decode()


def test_lines_are_folded_at_75_octets_and_end_with_crlf() -> None:
    for line in _message(BOOKED).split(b"\r\n"):
        assert len(line) <= 75
        assert b"\n" not in line


def test_identity_stays_and_the_sequence_rises() -> None:
    events = [
        _event(_message(BOOKED)),
        _event(_message(MOVED)),
        _event(_message(CANCELLED, Method.CANCEL)),
    ]

    assert {str(event["UID"]) for event in events} == {BOOKED.uid}
    assert {str(event["ORGANIZER"]) for event in events} == {"mailto:termin@office.example"}
    assert [event["SEQUENCE"] for event in events] == [0, 1, 2]
    assert [str(event["STATUS"]) for event in events] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]


@pytest.mark.parametrize("month", [1, 3, 7, 10, 12])
def test_the_time_zone_it_carries_gives_the_right_instant_all_year(month: int) -> None:
    start = dt.datetime(2026, month, 28, 9, tzinfo=dt.UTC)
    message = _message(replace(BOOKED, span=Span(start, start + dt.timedelta(minutes=30))))

    (zone,) = icalendar.Calendar.from_ical(message).walk("VTIMEZONE")
    event = _event(message)

    naive = event.decoded("DTSTART").replace(tzinfo=None)
    assert naive.replace(tzinfo=zone.to_tz()).astimezone(dt.UTC) == start


@pytest.mark.parametrize(("appointment", "method"), [
    (BOOKED, Method.REQUEST), (MOVED, Method.REQUEST), (CANCELLED, Method.CANCEL),
])  # fmt: skip
def test_ical_js_reads_the_same_as_icalendar(appointment: Appointment, method: Method) -> None:
    message = _message(appointment, method)

    done = subprocess.run(
        ["node", str(ROOT / "tests/scheduling/read_calendar.mjs")],
        input=message, capture_output=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip

    read, event = json.loads(done.stdout), _event(message)
    assert read["method"] == method.value
    assert read["events"] == 1
    assert dt.datetime.fromisoformat(read["start"]) == appointment.span.start
    assert dt.datetime.fromisoformat(read["end"]) == appointment.span.end
    for name in ("uid", "summary", "description", "location", "organizer", "status"):
        assert read[name] == str(event[name.upper()]), name
    assert read["sequence"] == appointment.sequence
    assert read["attendee"] == "mailto:juergen@example.org"


@pytest.fixture
def caldav_calendar(tmp_path: Path) -> Iterator[caldav.Calendar]:
    """Offer a calendar on a Radicale server of the test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "radicale", "--config", os.devnull, "--auth-type", "none",
         "--hosts", f"127.0.0.1:{port}",
         "--storage-filesystem-folder", str(tmp_path), "--logging-level", "critical"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_until_it_answers(url, server)
        with caldav.DAVClient(url=url, username="kim", password="kim") as client:
            yield client.principal().make_calendar(name="Termine")
    finally:
        server.terminate()
        server.wait(10)


def _wait_until_it_answers(url: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        assert server.poll() is None, "Radicale ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            continue


def _receive(there: caldav.Calendar, message: bytes) -> None:
    """Do what RFC 5546 asks of an attendee's calendar."""
    incoming = icalendar.Calendar.from_ical(message)
    method, (event,) = incoming.pop("METHOD"), incoming.walk("VEVENT")
    known = [one for one in there.events() if _uid(one) == event["UID"]]
    for one in known:
        stored = one.icalendar_instance.walk("VEVENT")[0]
        if event["SEQUENCE"] <= stored["SEQUENCE"]:
            return
        one.delete()
    if method == "REQUEST":
        url = there.url.join(f"{event['UID']}.ics")
        stored = caldav.Event(there.client, url=url, data=incoming.to_ical().decode(), parent=there)
        # The sequence is the organizer's; this client would otherwise raise it by itself.
        stored.save(increase_seqno=False)


def _uid(one: caldav.Event) -> str:
    return str(one.icalendar_instance.walk("VEVENT")[0]["UID"])


def test_request_moved_request_and_cancel_leave_one_event_then_none(
    caldav_calendar: caldav.Calendar,
) -> None:
    _receive(caldav_calendar, _message(BOOKED))
    first = caldav_calendar.events()
    _receive(caldav_calendar, _message(MOVED))
    _receive(caldav_calendar, _message(BOOKED))
    second = caldav_calendar.events()
    _receive(caldav_calendar, _message(CANCELLED, Method.CANCEL))

    assert [_uid(one) for one in (*first, *second)] == [BOOKED.uid] * 2
    (event,) = second[0].icalendar_instance.walk("VEVENT")
    assert event.decoded("DTSTART").astimezone(dt.UTC) == MOVED.span.start
    assert caldav_calendar.events() == []
