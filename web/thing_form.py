"""The form of a room, counter, tablet or camera: its fields, how they are filled and read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from scheduling.editing import Values
from scheduling.loans import DEVICES
from scheduling.model import Kind, Site
from web.entries import GRID_MINUTES, Entries
from web.forms import Form
from web.translations import N_
from web.words import FEATURES

KINDS: Mapping[Kind, str] = {
    Kind.ROOM: N_("Room"),
    Kind.COUNTER: N_("Counter"),
    Kind.TABLET: N_("Tablet"),
    Kind.CAMERA: N_("Camera"),
}

LABELS: Mapping[str, str] = {
    "name": N_("Name"),
    "site_id": N_("Site"),
    "features": N_("Features"),
    "setup_minutes": N_("Minutes to set up"),
    "return_minutes": N_("Minutes to bring back"),
}

_LONGEST_WAY = 240


def features_of(record: Values | None) -> list[str]:
    """Return the features that a form offers for a thing, or for what a topic's way needs."""
    more = [] if record is None else [one for one in record["features"] if one not in FEATURES]
    return [*FEATURES, *more]


def features(entries: Entries, record: Values | None, prefix: str = "") -> list[str]:
    """Return the features that are ticked."""
    # Kept in the order of the store: another order must not look like a change.
    known = [] if record is None else record["features"]
    ordered = [*known, *(one for one in features_of(record) if one not in known)]
    return [one for one in ordered if entries.ticked(f"{prefix}feature-{one}")]


def filled(record: Values | None, kind: Kind, site_id: int | None) -> dict[str, str]:
    """Return the fields as a page shows a record, or a new one of a kind at a site."""
    if record is None:
        usual = "10" if kind in DEVICES else "0"
        return {"site": str(site_id or ""), "setup": usual, "return": usual}
    return {
        "name": record["name"],
        "site": str(record["site_id"]),
        "setup": str(record["setup_minutes"]),
        "return": str(record["return_minutes"]),
        **{f"feature-{one}": "yes" for one in record["features"]},
    }


def read(
    form: Form, kind: Kind, sites: Collection[Site], record: Values | None
) -> tuple[dict[str, Any], Entries]:
    """Return the record that the fields make, and the entries with what is wrong.

    Only devices can move to another site.
    """
    entries = Entries(form)
    known = {str(site.id) for site in sites}
    minutes = N_("Enter minutes in steps of five, from 0 to 240.")
    wanted: dict[str, Any] = {
        "name": entries.text("name", N_("Enter the name that staff see in the plan."), limit=100),
        "features": features(entries, record),
        "setup_minutes": entries.number("setup", 0, _LONGEST_WAY, minutes, step=GRID_MINUTES),
        "return_minutes": entries.number("return", 0, _LONGEST_WAY, minutes, step=GRID_MINUTES),
    }
    if record is not None and kind not in DEVICES:
        wanted["site_id"] = record["site_id"]
    else:
        site = entries.one_of("site", known.__contains__, N_("Choose the site."))
        wanted["site_id"] = int(site) if site in known else 0
    return wanted, entries


def worded(sites: Collection[Site], translate: Callable[[str], str]) -> Callable[[str, Any], str]:
    """Return what words a value of the record by its name, for two versions side by side."""
    names = {site.id: site.name for site in sites}

    def say(name: str, value: Any) -> str:
        if name == "site_id":
            return names.get(value, str(value))
        if name == "features":
            return ", ".join(translate(FEATURES.get(one, one)) for one in value)
        return str(value)

    return say
