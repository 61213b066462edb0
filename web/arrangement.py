"""When, how, where, with whom and with what: what a change on the console asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from scheduling.model import Appointment, Change, Way
from web import forms
from web.forms import Form

ANYBODY = "any"
NAMES = ("start", "way", "caseworker", "room", "tablet", "camera", "site")
"""The form fields of an arrangement, in the order in which addresses name their values."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """An arrangement. None of a caseworker or a thing: any; of a site: wherever they are."""

    start: dt.datetime
    way: Way
    caseworker_id: int | None
    room_id: int | None = None
    tablet_id: int | None = None
    camera_id: int | None = None
    site_id: int | None = None

    @classmethod
    def of(cls, appointment: Appointment) -> Arrangement:
        """Return how an appointment stands now."""
        return cls(
            appointment.span.start, appointment.way, appointment.caseworker.id,
            appointment.room.id if appointment.room else None,
            appointment.tablet.id if appointment.tablet else None,
            appointment.camera.id if appointment.camera else None,
            appointment.site.id,
        )  # fmt: skip

    @classmethod
    def asked(cls, form: Form, now: Appointment, zone: ZoneInfo) -> Arrangement:
        """Read a form; what it does not name stays, save things that another way needs not."""
        way = next((way for way in now.topic.ways if way == forms.text(form, "way")), now.way)
        site_id = _number(forms.text(form, "site"))
        if site_id == now.site.id:
            site_id = None
        name = forms.text(form, "caseworker")
        caseworker_id = None if name == ANYBODY else _number(name) or now.caseworker.id
        if site_id is not None and way is Way.IN_PERSON and caseworker_id == now.caseworker.id:
            # Nobody sits in two houses: in the other one, whoever is free there.
            caseworker_id = None
        return cls(
            _start(form, zone) or now.span.start, way, caseworker_id,
            _number(forms.text(form, "room")), _number(forms.text(form, "tablet")),
            _number(forms.text(form, "camera")), site_id,
        )  # fmt: skip

    @classmethod
    def known(cls, fields: Mapping[str, str]) -> Arrangement:
        """Return the arrangement that `fields` gave."""
        return cls(
            dt.datetime.fromisoformat(fields["start"]), Way(fields["way"]),
            # A letter that waits since before an update may name fewer things.
            *(_number(fields.get(name, "")) for name in NAMES[2:]),
        )  # fmt: skip

    def fields(self) -> dict[str, str]:
        """Return the form fields that ask for this arrangement."""
        return {
            "start": self.start.isoformat(),
            "way": self.way,
            "caseworker": str(self.caseworker_id or ANYBODY),
            "room": str(self.room_id or ""),
            "tablet": str(self.tablet_id or ""),
            "camera": str(self.camera_id or ""),
            "site": str(self.site_id or ""),
        }

    def asks_for_nothing(self, was: Arrangement) -> bool:
        """Tell whether everything is as it `was`."""
        return (
            was.start == self.start
            and was.way is self.way
            and self.caseworker_id in {None, was.caseworker_id}
            and self.room_id in {None, was.room_id}
            and self.tablet_id in {None, was.tablet_id}
            and self.camera_id in {None, was.camera_id}
            and self.site_id in {None, was.site_id}
        )

    def news(self, known: Arrangement) -> Change | None:
        """Return what of it a claimant must learn who knows `known`.

        Which tablet or camera is used is the office's affair.
        """
        if known.start != self.start:
            return Change.MOVED
        if known.way is not self.way:
            return Change.SHIFTED
        if (known.site_id, known.caseworker_id, known.room_id) != (
            self.site_id, self.caseworker_id, self.room_id,
        ):  # fmt: skip
            return Change.REASSIGNED
        return None


def undoing(was: str) -> dict[str, str] | None:
    """Return the fields that bring back what an address tells, if it tells of a change."""
    parts = was.split("~")
    if len(parts) != len(NAMES) or forms.start(parts[0]) is None or parts[1] not in set(Way):
        return None
    return dict(zip(NAMES, parts, strict=True))


def _start(form: Form, zone: ZoneInfo) -> dt.datetime | None:
    """Read an instant, or a day and a time on the office's clocks."""
    typed = forms.text(form, "start") or f"{forms.text(form, 'day')}T{forms.text(form, 'time')}"
    try:
        start = dt.datetime.fromisoformat(typed)
    except ValueError:
        return None
    local = start if start.tzinfo else start.replace(tzinfo=zone)
    return local.astimezone(dt.UTC)


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None
