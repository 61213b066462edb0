"""The fields of weekly hours: reading them, saying what is wrong, and wording their values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel.dates import format_date, format_skeleton, get_day_names

from scheduling import people
from scheduling.hours import Pattern, Release
from scheduling.model import Way
from scheduling.pattern_problems import WEEKS_AT_MOST, Flaw, Problem
from scheduling.patterns import NotThatDay, Scope
from web import forms, people_form
from web.forms import FieldError
from web.people_form import Sent
from web.templating import REGIONS
from web.translations import N_, catalogue

RELEASES: Mapping[Release, str] = {
    Release.ONLINE: N_("Everybody, also online"),
    Release.RECEPTION: N_("Reception and schedulers only"),
    Release.URGENT: N_("Urgent reserve"),
}

SCOPES: Mapping[Scope, str] = {
    Scope.DAY: N_("On this day only"),
    Scope.FROM: N_("From this day on"),
    Scope.ALL: N_("Altogether, also in the past"),
}

LABELS: Mapping[str, str] = {
    "weekday": N_("Weekday"),
    "starts_minute": N_("From"),
    "ends_minute": N_("Until"),
    "ways": N_("Ways"),
    "release": N_("Bookable by"),
    "every_weeks": N_("Every how many weeks?"),
    "valid_from": N_("Valid from"),
    "valid_until": N_("Valid until"),
}

FLAWS: Mapping[Flaw, tuple[str, str]] = {
    Flaw.ORDER: ("until", N_("The end must be after the beginning.")),
    Flaw.GRID: ("from", N_("Choose times in steps of five minutes, for example 08:35.")),
    Flaw.VALIDITY: ("valid_until", N_("The last day must not be before the first.")),
    Flaw.NEVER: ("valid_until", N_("This weekday does not occur between the first and last day.")),
    Flaw.OPENING: (
        "from",
        N_(
            "The house is open on %(weekday)s %(opening)s. Choose hours within that, or video "
            "and phone only."
        ),
    ),
    Flaw.OVERLAP: (
        "from",
        N_("On %(day)s this would overlap with the hours from %(start)s to %(end)s."),
    ),
}
"""The field that a flaw is shown at, and what is said."""

_CLOSED = N_("The house is closed on %(weekday)s. Choose video and phone only.")
_NEXT = N_("These hours are not worked on that day. The next such day is %(day)s.")
_NO_MORE = N_("These hours are not worked on that day or later.")

PRESETS: Mapping[str, tuple[Way, ...]] = {
    "office": tuple(Way),
    "home": (Way.VIDEO, Way.PHONE),
    "phone": (Way.PHONE,),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of the form exactly as they were sent."""

    days: tuple[str, ...] = ()
    begins: str = "08:00"
    ends: str = "12:00"
    ways: tuple[str, ...] = tuple(Way)
    release: str = Release.ONLINE
    every_weeks: str = "1"
    valid_from: str = ""
    valid_until: str = ""
    scope: str = ""
    day: str = ""


def weekdays(language: str) -> list[str]:
    """Return the names of the days, Monday first."""
    names = get_day_names("wide", locale=language)
    return [str(names[number]) for number in range(7)]


def worded(name: str, value: Any, language: str) -> str:
    """Say a value of hours in words, by its column."""
    say = catalogue(language).gettext
    match name:
        case "weekday":
            return str(weekdays(language)[value])
        case "starts_minute" | "ends_minute":
            return _clock(value)
        case "ways":
            return people_form.ways(value, language)
        case "release":
            return say(RELEASES[Release(value)])
        case "valid_from" | "valid_until":
            return format_date(value, "long", locale=REGIONS[language]) if value else ""
        case _:
            return str(value)


def sent(form: Sent) -> Typed:
    """Take the fields out of a form as they were sent."""
    return Typed(
        days=tuple(day for day in people_form.ticked(form, "days") if day in set("0123456")),
        begins=forms.text(form, "from"),
        ends=forms.text(form, "until"),
        ways=people_form.ticked(form, "ways"),
        release=forms.text(form, "release"),
        every_weeks=forms.text(form, "every_weeks"),
        valid_from=forms.text(form, "valid_from"),
        valid_until=forms.text(form, "valid_until"),
        scope=forms.text(form, "scope"),
        day=forms.text(form, "day"),
    )


def filled(pattern: Pattern, day: dt.date) -> Typed:
    """Fill the fields from stored hours; `day` is the one a change would begin with."""
    return Typed(
        (str(pattern.weekday),),
        _clock(pattern.starts_minute),
        _clock(pattern.ends_minute),
        pattern.ways or tuple(Way),
        pattern.release,
        str(pattern.every_weeks),
        pattern.valid_from.isoformat(),
        pattern.valid_until.isoformat() if pattern.valid_until else "",
        Scope.FROM,
        day.isoformat(),
    )


def read(typed: Typed) -> tuple[Pattern | None, list[FieldError]]:
    """Return the hours, or what cannot be read of them."""
    errors: list[FieldError] = []
    begins = _minute(typed.begins, "from", errors)
    ends = _minute(typed.ends, "until", errors)
    ways = people.stored_ways(typed.ways)
    if ways is None:
        errors.append(FieldError("ways", N_("Choose at least one way.")))
    first = forms.day_of(typed.valid_from, "valid_from", errors)
    last = forms.day_of(typed.valid_until, "valid_until", errors) if typed.valid_until else None
    if errors or begins is None or ends is None or first is None or ways is None:
        return None, errors
    weeks = typed.every_weeks
    return Pattern(
        weekday=int(typed.days[0]) if typed.days else 0,
        starts_minute=begins,
        # Midnight at the end is the day's end; a field for times knows no 24:00.
        ends_minute=ends or 1440,
        valid_from=first,
        valid_until=last,
        every_weeks=int(weeks) if weeks in {str(one) for one in range(1, WEEKS_AT_MOST + 1)} else 1,
        ways=tuple(ways),
        release=next((one for one in Release if one == typed.release), Release.ONLINE),
    ), []


def complaint(problem: Problem, language: str) -> FieldError:
    """Say a problem at its field, in the language of the page."""
    field, message = FLAWS[problem.flaw]
    say = catalogue(language).gettext
    weekday = worded("weekday", problem.pattern.weekday, language)
    if problem.flaw is Flaw.OPENING and not problem.opening:
        message = _CLOSED
    return FieldError(
        field,
        say(message)
        % {
            "weekday": weekday,
            "opening": ", ".join(f"{_clock(one)} - {_clock(two)}" for one, two in problem.opening),
            "day": _named_day(problem.day, language) if problem.day else "",
            "start": _clock(problem.other.starts_minute) if problem.other else "",
            "end": _clock(problem.other.ends_minute) if problem.other else "",
        },
    )


def not_that_day(other: NotThatDay, language: str) -> FieldError:
    """Say that the hours are not worked on the day, and when they are."""
    say = catalogue(language).gettext
    if other.following is None:
        return FieldError("day", say(_NO_MORE))
    return FieldError("day", say(_NEXT) % {"day": _named_day(other.following, language)})


def _named_day(day: dt.date, language: str) -> str:
    return str(format_skeleton("yMMMEd", day, locale=REGIONS[language]))


def _minute(value: str, field: str, errors: list[FieldError]) -> int | None:
    if value == "24:00":
        return 1440
    try:
        found = dt.time.fromisoformat(value)
    except ValueError:
        errors.append(FieldError(field, N_("Enter a time, for example 14:30.")))
        return None
    return found.hour * 60 + found.minute


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
