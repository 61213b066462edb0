"""The form of a topic: what its fields are called, how they are filled, read and worded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scheduling import session_terms
from scheduling.editing import Values
from scheduling.model import Way
from scheduling.slots import STAFF_HORIZON_DAYS
from scheduling.topics import TERMS, way_name
from web import thing_form, words
from web.entries import GRID_MINUTES, Entries
from web.forms import Form
from web.translations import N_

ROOM_NEEDS = N_("What the room always needs")

AUDIENCES: Mapping[str, str] = {
    "public": N_("Everybody, on the booking page"),
    "invited": N_("Whoever got the address of the topic from us"),
    "staff": N_("Staff only, in the plan"),
}

MEETINGS: Mapping[str, str] = {
    "single": N_("One by one: everybody at a time of their own"),
    "groups": N_("In groups: at sessions that you set up"),
}

TEXTS: Mapping[str, str] = {
    "title": N_("Plain title"),
    "official_name": N_("Official name"),
    "explanation": N_("Explanation"),
    "bring": N_("What to bring"),
}
"""Texts in every language; German is needed, another falls back to it."""

LANGUAGES = ("de", "en")

TERM_LABELS: Mapping[str, str] = {
    "minutes": N_("Minutes of advice"),
    "buffer_minutes": N_("Minutes after it"),
    "notice_minutes": N_("Minutes of notice on the same day"),
    "earliest_day": N_("Bookable from (days ahead)"),
    "horizon_days": N_("Bookable until (days ahead)"),
}

AT_SITE = frozenset({Way.IN_PERSON, Way.BRANCH_VIDEO})
"""The ways for which a room is needed."""

LABELS: Mapping[str, str] = {
    **TEXTS,
    "skill": N_("Skill"),
    "audience": N_("Who may book"),
    "urgent": N_("Urgent"),
    "in_groups": N_("In groups"),
    **{way_name(way): words.WAYS[way].name for way in Way},
}

_USUAL = {
    "minutes": "30", "buffer_minutes": "5", "notice_minutes": "60", "earliest_day": "0",
    "horizon_days": "28",
}  # fmt: skip
_LONGEST_TEXT = 1000
_DAY = 1440
_WEEK = 7 * _DAY


def filled(record: Values | None) -> dict[str, str]:
    """Return the fields as a page shows a record; those of a new topic without one."""
    fields: dict[str, str] = {}
    for way in Way:
        terms = record[way_name(way)] if record is not None else None
        known = _USUAL if terms is None else {name: str(terms[name]) for name in TERM_LABELS}
        fields |= {f"{way}-{name}": value for name, value in known.items()}
        if terms is not None:
            fields |= {f"{way}-feature-{one}": "yes" for one in terms["features"]}
        if terms is not None and terms["offered"]:
            fields[str(way)] = "yes"
    if record is None:
        return fields | {"audience": "public", "meeting": _meeting(in_groups=False)}
    for name in TEXTS:
        fields |= {f"{name}-{one}": record[name].get(one, "") for one in LANGUAGES}
    fields |= {"skill": record["skill"], "audience": record["audience"]}
    fields |= {"meeting": _meeting(in_groups=record["in_groups"])}
    return fields | ({"urgent": "yes"} if record["urgent"] else {})


def features_of(record: Values | None) -> Mapping[Way, Mapping[str, str]]:
    """Return what the form offers of a room, with its name, by way."""
    return {
        way: {
            one: words.FEATURES.get(one, one)
            for one in thing_form.features_of(record and record[way_name(way)])
        }
        for way in AT_SITE
    }


def read(form: Form, current: Values | None) -> tuple[dict[str, Any], Entries]:
    """Return the record that the fields make, and the entries with what is wrong.

    The terms of a way that is neither offered nor known are None.
    """
    entries = Entries(form)
    record: dict[str, Any] = {
        "title": _text(entries, "title", N_("Enter what people come for, in plain words.")),
        "official_name": _text(entries, "official_name", N_("Enter the official name.")),
        "explanation": _text(entries, "explanation"),
        "bring": _text(entries, "bring"),
        "skill": entries.text("skill", N_("Name the skill that this needs."), limit=40),
        "audience": entries.one_of("audience", AUDIENCES.__contains__, N_("Choose who may book.")),
        "urgent": entries.ticked("urgent"),
        "in_groups": entries.one_of(
            "meeting", MEETINGS.__contains__, N_("Choose how people are advised.")
        )
        == "groups",
    }
    for way in Way:
        known = current[way_name(way)] if current is not None else None
        record[way_name(way)] = _terms(entries, way, known)
        if record["in_groups"] and entries.ticked(way) and way not in session_terms.WAYS:
            entries.refuse(str(way), N_("Groups meet in person or by video."))
    return record, entries


def worded(translate: Callable[[str], str]) -> Callable[[str, Any], str]:
    """Return what words a value of the record by its name, for two versions side by side."""

    def say(name: str, value: Any) -> str:
        if name in TEXTS:
            return " / ".join(value[one] for one in LANGUAGES if value.get(one))
        if name == "audience":
            return translate(AUDIENCES.get(value, value))
        if name in {"urgent", "in_groups"}:
            return translate(N_("yes") if value else N_("no"))
        if name == "skill":
            return str(value)
        if value is None or not value["offered"]:
            return translate(N_("not offered"))
        terms = [f"{translate(label)}: {value[term]}" for term, label in TERM_LABELS.items()]
        had = [translate(words.FEATURES.get(one, one)) for one in value["features"]]
        needed = [f"{translate(ROOM_NEEDS)}: {', '.join(had)}"] if had else []
        return ", ".join([*terms, *needed])

    return say


def _meeting(*, in_groups: bool) -> str:
    return "groups" if in_groups else "single"


def _text(entries: Entries, name: str, missing: str = "") -> dict[str, str]:
    german, *others = LANGUAGES
    texts = {german: entries.text(f"{name}-{german}", missing, limit=_LONGEST_TEXT)}
    for language in others:
        value = entries.text(f"{name}-{language}", limit=_LONGEST_TEXT)
        if value:
            texts[language] = value
    return texts


def _terms(entries: Entries, way: Way, known: Values | None) -> dict[str, Any] | None:
    if not entries.ticked(way):
        return None if known is None else {name: known[name] for name in TERMS} | _WITHDRAWN
    count = len(entries.errors)
    minutes = N_("Enter the length in steps of five minutes, from 5 to 480.")
    buffer = N_("Enter minutes in steps of five, from 0 to 240.")
    notice = N_("Enter minutes from 0 to 10080, which is a week.")
    days = N_("Enter days from 0 to 365.")
    terms: dict[str, Any] = {
        "offered": True,
        "minutes": entries.number(f"{way}-minutes", 5, 480, minutes, step=GRID_MINUTES),
        "buffer_minutes": entries.number(
            f"{way}-buffer_minutes", 0, 240, buffer, step=GRID_MINUTES
        ),
        "notice_minutes": entries.number(f"{way}-notice_minutes", 0, _WEEK, notice),
        "earliest_day": entries.number(f"{way}-earliest_day", 0, STAFF_HORIZON_DAYS, days),
        "horizon_days": entries.number(f"{way}-horizon_days", 0, STAFF_HORIZON_DAYS, days),
        "features": thing_form.features(entries, known, f"{way}-") if way in AT_SITE else [],
    }
    in_order = terms["earliest_day"] <= terms["horizon_days"]
    if len(entries.errors) == count and not in_order:
        entries.refuse(
            f"{way}-horizon_days", N_("The last bookable day must not lie before the first.")
        )
    return terms


_WITHDRAWN = {"offered": False}
