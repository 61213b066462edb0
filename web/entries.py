"""What schedulers type into the forms of sites, things and topics, read field by field.

Every complaint names its field and is a message id; what was typed is never changed for the
page that shows it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import phonenumbers

from web import forms
from web.forms import FieldError, Form
from web.translations import N_

GRID_MINUTES = 5
_DAY = 1440


class Entries:
    """A form that is being read; `errors` collects what is wrong with it."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.errors: list[FieldError] = []

    def refuse(self, field: str, message: str) -> None:
        """Note a complaint."""
        self.errors.append(FieldError(field, message))

    def text(self, field: str, missing: str = "", *, limit: int = 200) -> str:
        """Return a line of text; complains when it is too long, or empty and `missing` is said."""
        value = forms.text(self.form, field, limit=limit + 1)
        if not value and missing:
            self.refuse(field, missing)
        elif len(value) > limit:
            self.refuse(field, N_("This text is too long. Please shorten it."))
        return value

    def number(self, field: str, low: int, high: int, complaint: str, *, step: int = 1) -> int:
        """Return a whole number between `low` and `high`, a multiple of `step`."""
        value = forms.text(self.form, field)
        if value.isascii() and value.isdigit() and len(value) < 7:
            number = int(value)
            if low <= number <= high and number % step == 0:
                return number
        self.refuse(field, complaint)
        return low

    def clock(self, field: str, *, ends: bool = False) -> int | None:
        """Return a time as minutes after midnight, None when left empty or wrong.

        A time that `ends` something may be midnight: the end of the day.
        """
        value = forms.text(self.form, field)
        if not value:
            return None
        if ends and value in {"00:00", "24:00"}:
            return _DAY
        try:
            time = dt.time.fromisoformat(value)
        except ValueError:
            self.refuse(field, N_("Enter a time, for example 14:30."))
            return None
        if time.minute % GRID_MINUTES or time.second or time.tzinfo:
            self.refuse(field, N_("Times go by five minutes, for example 08:05 or 08:10."))
            return None
        return time.hour * 60 + time.minute

    def phone(self, field: str) -> str:
        """Return a phone number as E.164."""
        try:
            number = phonenumbers.parse(forms.text(self.form, field), "DE")
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            message = N_("Enter a phone number with area code, for example 030 1234567.")
            self.refuse(field, message)
            return ""
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def one_of(self, field: str, known: Callable[[str], bool], complaint: str) -> str:
        """Return a chosen value of those that are `known`."""
        value = forms.text(self.form, field)
        if not known(value):
            self.refuse(field, complaint)
        return value

    def ticked(self, field: str) -> bool:
        """Tell whether a box is ticked."""
        return bool(forms.text(self.form, field))


def clock_of(minute: int) -> str:
    """Return minutes after midnight as a field of type time shows them."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
