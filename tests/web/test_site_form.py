"""The form of a site: what it refuses and why, and that reading gives back what it showed."""

from __future__ import annotations

import pytest

from web import site_form

RIGHT = {
    "name": "Zweigstelle", "address": "Gasse 2", "phone": "030 901820", "state": "NW",
    "urgent": "08:00", "opens-0-0": "08:00", "closes-0-0": "12:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "field", "complaint"),
    [
        ({"name": ""}, "name", "Enter the name of the site."),
        ({"name": "x" * 201}, "name", "This text is too long."),
        ({"address": ""}, "address", "Enter the address"),
        ({"phone": "12"}, "phone", "Enter a phone number with area code"),
        ({"state": "XX"}, "state", "Choose the federal state."),
        ({"urgent": "later"}, "urgent", "Enter a time"),
        ({"opens-0-0": "08:03"}, "opens-0-0", "Times go by five minutes"),
        ({"opens-0-0": "08:00:30"}, "opens-0-0", "Times go by five minutes"),
        ({"opens-0-0": "soon"}, "opens-0-0", "Enter a time"),
        ({"closes-0-0": ""}, "closes-0-0", "need a beginning and an end"),
        ({"closes-0-0": "07:00"}, "closes-0-0", "The end must be after the beginning."),
        ({"opens-0-1": "11:00", "closes-0-1": "13:00"}, "opens-0-1", "overlap the others"),
        ({"share-online": "50"}, "share-online", "must add up to 100"),
        ({"share-online": "150"}, "share-online", "Enter whole per cent"),
        ({"share-urgent": "-1"}, "share-urgent", "Enter whole per cent"),
        ({"share-reception": "½"}, "share-reception", "Enter whole per cent"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    fields: dict[str, str], field: str, complaint: str
) -> None:
    _, entries = site_form.read({**RIGHT, **fields})

    (error,) = entries.errors
    assert error.field == field
    assert complaint in error.message


def test_a_form_read_as_it_was_filled_changes_nothing() -> None:
    record = {
        "name": "Zweigstelle", "address": "Gasse 2", "phone": "+4930901820", "state": "NW",
        "opening": [[0, 0, 1440], [3, 480, 720], [3, 780, 1080], [3, 1140, 1200]],
        "urgent_opens_minute": 490,
        "release_shares": {"online": 70, "reception": 30, "urgent": 0},
    }  # fmt: skip

    again, entries = site_form.read(site_form.filled(record))

    assert entries.errors == []
    assert again == record


def test_a_site_without_hours_and_shares_is_open_by_its_people() -> None:
    record, entries = site_form.read({**RIGHT, "opens-0-0": "", "closes-0-0": "", "urgent": ""})

    assert entries.errors == []
    assert (record["opening"], record["release_shares"], record["urgent_opens_minute"]) == (
        [], {}, 0,
    )  # fmt: skip


def test_two_versions_are_worded_as_people_say_them() -> None:
    say = site_form.worded("en", str)

    assert say("opening", [[0, 480, 720]]) == "Mon 08:00–12:00"  # noqa: RUF001
    assert say("state", "BY") == "Bavaria"
    assert say("release_shares", {"online": 100, "reception": 0}) == (
        "Online, for everybody: 100 %, For reception: 0 %"
    )
    assert say("urgent_opens_minute", 480) == "08:00"
