"""The letters about an appointment: words for people, an invitation for their calendars.

A letter says only what is needed: no topic, nothing personal beyond the name (what to bring
and the rest stand on the page behind the link). Calendar parts are base64, since Outlook
misreads quoted-printable ones; one is an alternative of the text (RFC 6047, 2.4), one an
attachment for programs that look for a file.

To write a letter takes longer than to book. So a booking leaves a note of what its letter is
to say, and the letter is written (`Letters.written`) when it goes out.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from aiohttp import web
from jinja2 import Environment
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import snapshot
from scheduling.invitation import Method, Organizer, calendar
from scheduling.model import Appointment, Change, Part, Way
from scheduling.waitlist import Offer
from web.settings import Settings
from web.templating import environments
from web.translations import known

LETTERS: web.AppKey[Letters] = web.AppKey("letters")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The links a letter carries; empty where it has none."""

    manage: str = ""
    join: str = ""
    companion: str = ""


class Letters:
    """Writes letters in the name of the office."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._environments = environments(settings.timezone)
        self._organizer = Organizer(settings.office, settings.organizer_email)

    def to_claimant(
        self,
        appointment: Appointment,
        change: Change,
        *,
        token: str,
        now: dt.datetime,
        companion_token: str = "",
    ) -> bytes:
        """Note that the claimant is told of an appointment booked, moved or cancelled.

        `token` is the claimant's link; a letter about a cancelled appointment needs none.
        """
        note = {
            "appointment": snapshot.taken(appointment),
            "change": change,
            "token": token,
            "companion_token": companion_token,
            "at": now.isoformat(),
            "message_id": self._message_id(),
        }
        return json.dumps(note).encode()

    async def written(self, tx: AsyncConnection, message: bytes) -> bytes:
        """Return the letter (RFC 5322) of a note; what is a letter already stays as it is."""
        if not message.startswith(b"{"):
            return message
        note = json.loads(message)
        appointment = await snapshot.restored(tx, note["appointment"])
        change, now = Change(note["change"]), dt.datetime.fromisoformat(note["at"])
        addresses = Addresses(
            manage=self._url("appointment", note["token"]),
            join=self._url("call", note["token"]) if appointment.way is Way.VIDEO else "",
            companion=self._url("call", note["companion_token"]),
        )
        person = appointment.person
        letter = self._words(appointment, change, addresses, person.name, now)
        # However often it is sent, it is the same letter to the claimant's mail program.
        letter.replace_header("Message-ID", note["message_id"])
        letter["To"] = Address(person.name, addr_spec=person.email)
        method = Method.CANCEL if change is Change.CANCELLED else Method.REQUEST
        invitation = self.invitation(appointment, method, token=note["token"], now=now)
        _attach(letter, invitation, method, appointment.reference)
        return letter.as_bytes()

    def to_guest(
        self, appointment: Appointment, part: Part, name: str, email: str, *, token: str,
        now: dt.datetime, change: Change = Change.LINK_ADDED,
    ) -> bytes:  # fmt: skip
        """Send a companion or interpreter the link of their own; they get no invitation."""
        addresses = Addresses(join=self._url("call", token))
        letter = self._words(appointment, change, addresses, name, now, part=part)
        letter["To"] = Address(name, addr_spec=email)
        return letter.as_bytes()

    def to_waiting(self, offer: Offer, *, now: dt.datetime) -> bytes:
        """Tell somebody who waits that an earlier time is kept for them, and until when."""
        appointment = offer.appointment
        environment, person = self._environment(appointment), appointment.person
        context: dict[str, object] = {
            "appointment": appointment,
            "start": offer.start,
            "expires_at": offer.expires_at,
            "link": self._url("earlier", offer.token),
            "office": self._settings.office,
            "place": _line(environment, "letters/place.txt", appointment=appointment),
        }
        letter = self._envelope(now)
        letter["Subject"] = _line(environment, "earlier/subject.txt", **context)
        letter["To"] = Address(person.name, addr_spec=person.email)
        return _filled(letter, environment, "earlier/letter", context).as_bytes()

    def invitation(
        self, appointment: Appointment, method: Method, *, token: str, now: dt.datetime
    ) -> bytes:
        """Return the calendar object (RFC 5545) of an appointment with the claimant's links."""
        environment = self._environment(appointment)
        join = self._url("call", token) if appointment.way is Way.VIDEO else ""
        addresses = Addresses(manage=self._url("appointment", token), join=join)
        described = environment.get_template("letters/description.txt").render(
            appointment=appointment, addresses=addresses, office=self._settings.office
        )
        return calendar(
            appointment,
            method=method,
            organizer=self._organizer,
            join_url=join,
            now=now,
            summary=_line(environment, "letters/summary.txt", office=self._settings.office),
            description=described.strip(),
            location=join or _line(environment, "letters/place.txt", appointment=appointment),
        )

    def _words(
        self,
        appointment: Appointment,
        change: Change,
        addresses: Addresses,
        name: str,
        now: dt.datetime,
        part: Part = Part.CLAIMANT,
    ) -> EmailMessage:
        environment = self._environment(appointment)
        context: dict[str, object] = {
            "appointment": appointment,
            "change": change,
            "addresses": addresses,
            "name": name,
            "part": part,
            "office": self._settings.office,
            "opening": _line(environment, "letters/opening.txt", change=change, part=part),
            "place": _line(environment, "letters/place.txt", appointment=appointment),
        }
        letter = self._envelope(now)
        letter["Subject"] = _line(environment, "letters/subject.txt", **context)
        return _filled(letter, environment, "letters/letter", context)

    def _envelope(self, now: dt.datetime) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        sender = self._settings.organizer_email
        letter["From"] = Address(self._settings.office, addr_spec=sender)
        letter["Date"] = format_datetime(now)
        letter["Message-ID"] = self._message_id()
        # No out-of-office answer shall come back (RFC 3834, 5).
        letter["Auto-Submitted"] = "auto-generated"
        return letter

    def _message_id(self) -> str:
        return make_msgid(domain=self._settings.organizer_email.rpartition("@")[2])

    def _environment(self, appointment: Appointment) -> Environment:
        return self._environments[known(appointment.locale)]

    def _url(self, kind: str, token: str) -> str:
        return f"{self._settings.public_url}/{kind}/{token}" if token else ""


def _line(environment: Environment, template: str, **context: object) -> str:
    return " ".join(environment.get_template(template).render(context).split())


def _filled(
    letter: EmailMessage, environment: Environment, template: str, context: dict[str, object]
) -> EmailMessage:
    text = environment.get_template(f"{template}.txt").render(context)
    letter.set_content(text, cte="quoted-printable")
    html = environment.get_template(f"{template}.html").render(context)
    letter.add_alternative(html, subtype="html", cte="quoted-printable")
    return letter


def _attach(letter: EmailMessage, invitation: bytes, method: Method, reference: str) -> None:
    calendar_text = invitation.decode()
    letter.add_alternative(
        calendar_text, subtype="calendar", cte="base64", params={"method": method.upper()}
    )
    letter.add_attachment(
        invitation,
        maintype="application",
        subtype="ics",
        filename=f"{reference}.ics",
        params={"name": f"{reference}.ics"},
    )
