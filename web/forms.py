"""What people type, read and checked. A complaint names its field and is a message id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from scheduling.model import Feature, Needs, Part, Person, Way
from web.translations import N_
from web.words import INTERPRETED

_NAME_LENGTH = 100
Form = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with the field of that name."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the details form exactly as they were typed."""

    name: str = ""
    email: str = ""
    phone: str = ""
    step_free: str = ""
    hearing_loop: str = ""
    interpreter: str = ""
    companion: str = ""

    @classmethod
    def read(cls, form: Form) -> Typed:
        """Take the known fields out of `form`; files and strangers are ignored."""
        return cls(**{name: text(form, name) for name in cls.__dataclass_fields__})

    def fields(self) -> dict[str, str]:
        """Return what was typed by field name, without the empty ones."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Details:
    """What the details form says, once it is right."""

    person: Person
    needs: Needs


def text(form: Form, name: str, *, limit: int = 400) -> str:
    """Return one field in one line: white space collapsed, control characters dropped."""
    value = form.get(name, "")
    if not isinstance(value, str):
        return ""
    value = value[:limit]
    if not value.isprintable():
        value = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(value.split())


def way(form: Form) -> Way | None:
    """Return the way that a form names, None if there is no such way."""
    name = text(form, "way")
    return next((one for one in Way if one == name), None)


def details(typed: Typed, way: Way) -> tuple[Details | None, list[FieldError]]:
    """Check the details form; the phone number is needed where we are to call."""
    errors: list[FieldError] = []
    name = _name(typed.name, errors)
    email = _email(typed.email, errors)
    phone = _phone(typed.phone, errors, needed=way is Way.PHONE)
    if typed.interpreter and typed.interpreter not in INTERPRETED:
        errors.append(FieldError("interpreter", N_("Choose a language from the list.")))
    if errors:
        return None, errors
    at_site = way in {Way.IN_PERSON, Way.BRANCH_VIDEO}
    return Details(Person(name, email, phone), needs(typed, at_site=at_site)), []


def needs(typed: Typed, *, at_site: bool) -> Needs:
    """Return what travels with the booking; only who comes to a site needs anything of a room."""
    return Needs(
        frozenset(one for one in Feature if at_site and getattr(typed, one)),
        typed.interpreter if typed.interpreter in INTERPRETED else "",
        bool(typed.companion),
    )


def features(form: Form) -> frozenset[str]:
    """Return what is ticked of what somebody can need of a room."""
    return frozenset(one for one in Feature if text(form, one))


@dataclass(frozen=True, slots=True)
class Guest:
    """Another person who is to join; `email` is empty when the link is handed over otherwise."""

    part: Part
    name: str
    email: str


def guest(form: Form) -> tuple[Guest | None, list[FieldError]]:
    """Check the form that adds a companion or an interpreter."""
    errors: list[FieldError] = []
    name = _name(text(form, "name"), errors)
    typed_email = text(form, "email")
    email = _email(typed_email, errors) if typed_email else ""
    part = text(form, "part")
    if part not in {Part.COMPANION, Part.INTERPRETER}:
        errors.append(FieldError("part", N_("Choose who is to join.")))
    if errors:
        return None, errors
    return Guest(Part(part), name, email), []


def phone(form: Form) -> tuple[str, list[FieldError]]:
    """Check the number of a consultation by phone; return it as E.164."""
    errors: list[FieldError] = []
    return _phone(text(form, "phone"), errors, needed=True), errors


def caller(typed: Typed) -> tuple[Person | None, list[FieldError]]:
    """Check who is on the phone: a name and a number; an e-mail address only if they have one."""
    errors: list[FieldError] = []
    name = _name(typed.name, errors)
    number = _phone(typed.phone, errors, needed=True)
    email = _email(typed.email, errors) if typed.email else ""
    return (None if errors else Person(name, email, number)), errors


def day(value: str, default: dt.date) -> dt.date:
    """Return the day of an address like ``2026-11-23``; `default` for anything else."""
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return default


def day_of(value: str, field: str, errors: list[FieldError]) -> dt.date | None:
    """Return the day of a field; a complaint is added to `errors`."""
    try:
        found = dt.date.fromisoformat(value)
    except ValueError:
        errors.append(FieldError(field, N_("Enter a day, for example 2026-11-23.")))
        return None
    if not dt.date(2000, 1, 1) <= found <= dt.date(2200, 1, 1):
        errors.append(FieldError(field, N_("Check the year of this day.")))
        return None
    return found


def start(value: str) -> dt.datetime | None:
    """Return the instant of a slot's button (RFC 3339 with offset), None if it is none."""
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def _name(value: str, errors: list[FieldError]) -> str:
    if not value:
        errors.append(FieldError("name", N_("Enter your first and last name.")))
    elif len(value) > _NAME_LENGTH:
        errors.append(FieldError("name", N_("This name is too long. Use at most 100 letters.")))
    elif not any(letter.isalpha() for letter in value) or set(value) & set("<>@"):
        errors.append(FieldError("name", N_("Enter a name in letters.")))
    return value


def _email(value: str, errors: list[FieldError]) -> str:
    if not value:
        message = N_("Enter your e-mail address. We send the confirmation there.")
        errors.append(FieldError("email", message))
        return ""
    try:
        checked = validate_email(value, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        message = N_("Enter an e-mail address in the form name@example.de.")
        errors.append(FieldError("email", message))
        return ""
    return checked.ascii_email or checked.normalized


def _phone(value: str, errors: list[FieldError], *, needed: bool) -> str:
    if not value:
        if needed:
            message = N_("Enter the phone number on which we can call you.")
            errors.append(FieldError("phone", message))
        return ""
    try:
        number = phonenumbers.parse(value, "DE")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        message = N_("Enter a phone number with area code, for example 030 1234567.")
        errors.append(FieldError("phone", message))
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
