"""The invitation as calendars read it: iCalendar (RFC 5545), scheduled by iTIP (RFC 5546)."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass

import icalendar

from scheduling.grid import ZONE
from scheduling.model import Appointment

PRODUCT = "-//Sprechzeit//Sprechzeit//DE"


class Method(enum.StrEnum):
    """What a calendar is asked to do (RFC 5546, section 1.4)."""

    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Organizer:
    """The office as organizer; replies of calendars go to `email`."""

    name: str
    email: str


def calendar(
    appointment: Appointment,
    *,
    method: Method,
    organizer: Organizer,
    join_url: str,
    now: dt.datetime,
    summary: str,
    description: str,
    location: str,
) -> bytes:
    """Return the appointment as an iCalendar object with one event.

    UID and organizer never change; SEQUENCE is the appointment's, so that every later
    message replaces the earlier ones (RFC 5546, section 2.1.4). `join_url` may be empty.
    """
    event = icalendar.Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(dt.UTC))
    event.add("dtstart", appointment.span.start.astimezone(ZONE))
    event.add("dtend", appointment.span.end.astimezone(ZONE))
    event.add("summary", summary)
    event.add("description", description)
    event.add("location", location)
    event.add("status", "CANCELLED" if method is Method.CANCEL else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("transp", "OPAQUE")
    event["organizer"] = _address(organizer.email, {"CN": organizer.name})
    event.add("attendee", _attendee(appointment), encode=False)
    if join_url and method is Method.REQUEST:
        event.add("url", join_url)
        event.add("conference", _conference(join_url), encode=False)
    whole = icalendar.Calendar()
    whole.add("prodid", PRODUCT)
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("method", method.value)
    whole.add_component(_time_zone())
    whole.add_component(event)
    return bytes(whole.to_ical())


def _address(email: str, parameters: dict[str, str]) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(f"mailto:{email}")
    for name, value in parameters.items():
        address.params[name] = value
    return address


def _attendee(appointment: Appointment) -> icalendar.vCalAddress:
    # RSVP=FALSE: the place is booked already, nobody waits for an answer.
    return _address(
        appointment.person.email,
        {
            "CN": appointment.person.name,
            "CUTYPE": "INDIVIDUAL",
            "ROLE": "REQ-PARTICIPANT",
            "PARTSTAT": "ACCEPTED",
            "RSVP": "FALSE",
        },
    )


def _conference(join_url: str) -> icalendar.vUri:
    # RFC 7986, section 5.11. Few calendars show it, so the link is in LOCATION as well.
    uri = icalendar.vUri(join_url)
    uri.params["VALUE"] = "URI"
    uri.params["FEATURE"] = ["AUDIO", "VIDEO"]
    return uri


def _time_zone() -> icalendar.Timezone:
    """Return Europe/Berlin with the change-over rules of Directive 2000/84/EC.

    Onsets are local times before the change (RFC 5545, section 3.6.5).
    """
    zone = icalendar.Timezone()
    zone.add("tzid", ZONE.key)
    winter, summer = dt.timedelta(hours=1), dt.timedelta(hours=2)
    for part, name, onset, before, after in (
        (icalendar.TimezoneDaylight(), "CEST", dt.datetime(1970, 3, 29, 2), winter, summer),  # noqa: DTZ001
        (icalendar.TimezoneStandard(), "CET", dt.datetime(1970, 10, 25, 3), summer, winter),  # noqa: DTZ001
    ):
        part.add("tzname", name)
        part.add("tzoffsetfrom", before)
        part.add("tzoffsetto", after)
        part.add("dtstart", onset)
        part.add("rrule", {"freq": "yearly", "bymonth": onset.month, "byday": "-1SU"})
        zone.add_component(part)
    return zone
