"""The form of a site: what its fields are called, how they are filled, read and worded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from babel.dates import get_day_names

from scheduling.editing import Values
from scheduling.hours import Release
from web.entries import Entries, clock_of
from web.forms import Form
from web.translations import N_

STATES: Mapping[str, str] = {
    "BW": N_("Baden-Württemberg"), "BY": N_("Bavaria"), "BE": N_("Berlin"),
    "BB": N_("Brandenburg"), "HB": N_("Bremen"), "HH": N_("Hamburg"), "HE": N_("Hesse"),
    "MV": N_("Mecklenburg-Western Pomerania"), "NI": N_("Lower Saxony"),
    "NW": N_("North Rhine-Westphalia"), "RP": N_("Rhineland-Palatinate"), "SL": N_("Saarland"),
    "SN": N_("Saxony"), "ST": N_("Saxony-Anhalt"), "SH": N_("Schleswig-Holstein"),
    "TH": N_("Thuringia"),
}  # fmt: skip
"""Federal states by ISO 3166-2:DE; their public holidays hold at the site."""

LABELS: Mapping[str, str] = {
    "name": N_("Name"),
    "address": N_("Address"),
    "phone": N_("Phone number"),
    "state": N_("Federal state"),
    "opening": N_("Opening hours"),
    "urgent_opens_minute": N_("Urgent reserve opens at"),
    "release_shares": N_("Shares of the free times"),
}

SHARES: Mapping[Release, str] = {
    Release.ONLINE: N_("Online, for everybody"),
    Release.RECEPTION: N_("For reception"),
    Release.URGENT: N_("Urgent reserve"),
}

SPANS_A_DAY = 2
"""How many times a day the form offers at least: morning and afternoon."""
_MOST_SPANS = 12


def filled(record: Values | None) -> dict[str, str]:
    """Return the fields as a page shows a record; those of a new site without one."""
    if record is None:
        return {"urgent": "08:00"}
    fields = {name: record[name] for name in ("name", "address", "phone", "state")}
    fields["urgent"] = clock_of(record["urgent_opens_minute"])
    for weekday in range(7):
        spans = [span[1:] for span in sorted(record["opening"]) if span[0] == weekday]
        for number, (opens, closes) in enumerate(spans):
            fields[f"opens-{weekday}-{number}"] = clock_of(opens)
            fields[f"closes-{weekday}-{number}"] = clock_of(closes)
    for release, share in record["release_shares"].items():
        fields[f"share-{release}"] = str(share)
    return fields


def read(form: Form) -> tuple[dict[str, Any], Entries]:
    """Return the record that the fields make, and the entries with what is wrong."""
    entries = Entries(form)
    urgent = entries.clock("urgent") or 0
    record = {
        "name": entries.text("name", N_("Enter the name of the site.")),
        "address": entries.text("address", N_("Enter the address: letters name it."), limit=300),
        "phone": entries.phone("phone"),
        "state": entries.one_of("state", STATES.__contains__, N_("Choose the federal state.")),
        "opening": _opening(entries),
        "urgent_opens_minute": urgent,
        "release_shares": _shares(entries),
    }
    return record, entries


def worded(language: str, translate: Callable[[str], str]) -> Callable[[str, Any], str]:
    """Return what words a value of the record by its name, for two versions side by side."""
    days = get_day_names("abbreviated", locale=language)

    def say(name: str, value: Any) -> str:
        if name == "state":
            return translate(STATES.get(value, value))
        if name == "opening":
            return ", ".join(
                f"{days[weekday]} {clock_of(opens)}–{clock_of(closes)}"  # noqa: RUF001
                for weekday, opens, closes in sorted(value)
            )
        if name == "urgent_opens_minute":
            return clock_of(value)
        if name == "release_shares":
            return ", ".join(
                f"{translate(label)}: {value[release]} %"
                for release, label in SHARES.items()
                if release in value
            )
        return str(value)

    return say


def _opening(entries: Entries) -> list[list[int]]:
    found: list[list[int]] = []
    for weekday in range(7):
        spans: list[tuple[int, int, str]] = []
        for number in range(_MOST_SPANS):
            opens_field, closes_field = f"opens-{weekday}-{number}", f"closes-{weekday}-{number}"
            count = len(entries.errors)
            opens = entries.clock(opens_field)
            closes = entries.clock(closes_field, ends=True)
            if len(entries.errors) > count or (opens is None and closes is None):
                continue
            if opens is None or closes is None:
                field = opens_field if opens is None else closes_field
                entries.refuse(field, N_("Opening hours need a beginning and an end."))
            elif closes <= opens:
                entries.refuse(closes_field, N_("The end must be after the beginning."))
            else:
                spans.append((opens, closes, opens_field))
        spans.sort()
        for before, after in pairwise(spans):
            if after[0] < before[1]:
                entries.refuse(after[2], N_("These opening hours overlap the others of the day."))
        found += [[weekday, opens, closes] for opens, closes, _ in spans]
    return found


def _shares(entries: Entries) -> dict[str, int]:
    fields = {release: f"share-{release}" for release in Release}
    if not any(entries.text(field) for field in fields.values()):
        return {}
    count = len(entries.errors)
    shares = {
        str(release): entries.number(field, 0, 100, N_("Enter whole per cent from 0 to 100."))
        if entries.text(field)
        else 0
        for release, field in fields.items()
    }
    if len(entries.errors) == count and sum(shares.values()) != 100:
        first = fields[Release.ONLINE]
        entries.refuse(first, N_("The shares must add up to 100, or all stay empty."))
    return shares
