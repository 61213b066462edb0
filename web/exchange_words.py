"""What an import says: every problem in words, and every change with what was and what becomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scheduling.exchange_steps import Action, Step
from scheduling.exchange_tables import Problem
from scheduling.exchange_words import COLUMNS, KINDS, RELEASES, WAYS, WEEKDAYS, YES_NO, Vocabulary
from scheduling.model import Kind
from scheduling.patterns import from_values
from web import hours_form, people_form
from web.people_form import Choices
from web.templating import Blank
from web.translations import N_, catalogue

ACTIONS: Mapping[Action, str] = {
    Action.ADD: N_("new"),
    Action.CHANGE: N_("changed"),
    Action.RETIRE: N_("leaves the plan"),
    Action.RETURN: N_("comes back"),
    Action.HOURS: N_("other hours"),
}

_LABELS: Mapping[str, str] = {
    **people_form.LABELS,
    "features": N_("Features"),
    "setup_minutes": N_("Set-up in minutes"),
    "return_minutes": N_("Return in minutes"),
}

PROBLEMS: Mapping[str, str] = {
    "too_large": N_("The file is larger than %(most)s kB. Divide it, for example by site."),
    "too_long": N_("The file has more than %(most)s lines. Divide it, for example by site."),
    "not_utf8": N_("The file is not in UTF-8. In your spreadsheet, save it as CSV UTF-8."),
    "not_text": N_("The file is no table of text. In your spreadsheet, save it as CSV UTF-8."),
    "empty": N_("The file is empty."),
    "quotes": N_("A quotation mark opens here and is not closed rightly."),
    "unknown_column": N_("This column is unknown. Remove it, or check how it is written."),
    "column_twice": N_("This column is there twice."),
    "no_column": N_("This column is missing."),
    "too_many_cells": N_("There are more cells than columns. Is a quotation mark missing?"),
    "cell": N_("This cell is too long or holds characters that cannot be shown."),
    "word": N_("“%(value)s” is not understood. Possible: %(known)s."),
    "unknown_none": N_("“%(value)s” is unknown."),
    "unknown": N_("“%(value)s” is unknown. Known: %(known)s."),
    "language": N_("“%(value)s” is no language. Use codes of two letters, for example de|tr."),
    "minutes": N_("“%(value)s” is no number of minutes up to 600."),
    "grid": N_("“%(value)s” minutes are no multiple of five."),
    "clock": N_("“%(value)s” is no time. Write it as 08:30."),
    "day": N_("“%(value)s” is no day. Write it as 2026-11-23 or 23.11.2026."),
    "year": N_("Check the year of this day."),
    "weeks": N_("“%(value)s” is no number of weeks from 1 to %(most)s."),
    "number": N_("“%(value)s” is no number. Leave the cell empty for somebody or something new."),
    "no_such_number": N_("There is no record of this number and kind. Leave the cell empty?"),
    "nothing_to_retire": N_(
        "Nobody and nothing of this name is in the plan, so nothing can leave."
    ),
    "twice": N_("Another line is about the same record."),
    "other_table": N_("Caseworkers have a table of their own."),
    "no_hours": N_("Only caseworkers and interpreters have hours of their own."),
    "nobody": N_("Nobody of the name “%(value)s” is at this site. Import people before hours."),
    "name_taken": N_("Somebody or something else has this name at the site already."),
    "on_loan": N_("%(value)s has the device. It must come back first."),
    "lack_name": N_("Enter a name in letters."),
    "lack_long_name": N_("This name is too long. Use at most 100 letters."),
    "lack_site_id": N_("Choose the site."),
    "lack_team_id": N_("The team belongs to another site."),
    "lack_skills": N_("A caseworker needs at least one skill."),
    "lack_languages": N_("An interpreter needs at least one language."),
    "lack_ways": N_("Choose at least one way."),
    "flaw_order": N_("The end must be after the beginning."),
    "flaw_grid": N_("Choose times in steps of five minutes, for example 08:35."),
    "flaw_validity": N_("The last day must not be before the first."),
    "flaw_never": N_("This weekday does not occur between the first and last day."),
    "flaw_opening": N_("The house is not open all that time (open: %(opening)s)."),
    "flaw_overlap": N_("Overlaps with %(start)s to %(end)s, first on %(day)s."),
}
"""What is said of each problem, by its code."""


_WORDS: Mapping[str, Vocabulary] = {
    "kind": KINDS, "ways": WAYS, "weekday": WEEKDAYS, "release": RELEASES, "active": YES_NO,
    "camera": YES_NO,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detail:
    """One value of a record: what it was and what it becomes."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Told:
    """One step in words."""

    line: int
    action: str
    name: str
    kind: str
    site: str
    details: list[Detail]


def problem(found: Problem, language: str) -> tuple[int, str, str]:
    """Return line, column and what is wrong there."""
    column = COLUMNS.say(found.column, language) if found.column in COLUMNS.words else found.column
    detail = Blank(found.detail)
    if found.column in _WORDS and found.code == "word":
        detail["known"] = ", ".join(_WORDS[found.column].all(language))
    if found.code == "flaw_overlap":
        detail["day"] = hours_form.worded(
            "valid_from", dt.date.fromisoformat(found.detail["day"]), language
        )
    return found.line, column, catalogue(language).gettext(PROBLEMS[found.code]) % detail


def step(one: Step, offered: Choices, language: str) -> Told:
    """Say a step in words."""
    details = (
        _hours(one, language) if one.action is Action.HOURS else _values(one, offered, language)
    )
    return Told(
        one.line, ACTIONS[one.action], one.name, KINDS.say(one.kind, language), one.site,
        [*details],
    )  # fmt: skip


def _values(one: Step, offered: Choices, language: str) -> Iterator[Detail]:
    person = one.kind == Kind.CASEWORKER
    labels, say = (people_form.LABELS, people_form.worded) if person else (_LABELS, _worded)
    for name, label in labels.items():
        if name not in one.after:
            continue
        before = say(name, one.before[name], offered, language) if one.before else ""
        after = say(name, one.after[name], offered, language)
        if before != after:
            yield Detail(label, before, after)


def _hours(one: Step, language: str) -> Iterator[Detail]:
    for values in one.before["gone"]:
        yield Detail("", _pattern(values, language), "")
    for values in one.after["new"]:
        yield Detail("", "", _pattern(values, language))


def _pattern(values: Mapping[str, Any], language: str) -> str:
    pattern = from_values(values)

    def say(name: str) -> str:
        return hours_form.worded(name, values[name], language)

    parts = [
        f"{say('weekday')} {say('starts_minute')}-{say('ends_minute')}",
        say("ways"),
        say("release"),
        f"{say('valid_from')} - {say('valid_until')}"
        if pattern.valid_until
        else catalogue(language).gettext("since %(day)s") % {"day": say("valid_from")},
    ]
    if pattern.every_weeks > 1:
        every = catalogue(language).ngettext(
            "every week", "every %(num)s weeks", pattern.every_weeks
        )
        parts.insert(1, every % {"num": pattern.every_weeks})
    return ", ".join(parts)


def _worded(name: str, value: Any, offered: Choices, language: str) -> str:
    if name in {"setup_minutes", "return_minutes"}:
        return str(value)
    if name in {"features", "skills"}:
        return ", ".join(value)
    if name == "name":
        return str(value)
    return people_form.worded(name, value, offered, language)
