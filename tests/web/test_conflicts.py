"""Of two versions of a record the page shows what differs, and suggests who changed it."""

from __future__ import annotations

from scheduling.editing import Conflict, changed_since, fingerprint
from web.conflicts import differences, settled

LABELS = {"name": "Name", "phone": "Phone", "address": "Address"}
BEFORE = {"name": "House", "phone": "1", "address": "Street"}


def conflict(current: dict[str, str]) -> Conflict:
    return Conflict(current, changed_since(fingerprint(BEFORE), current))


def test_whoever_changed_a_value_is_suggested_and_the_later_where_both_did() -> None:
    theirs = {"name": "Old house", "phone": "2", "address": "Street"}
    mine = {"name": "House", "phone": "3", "address": "Alley"}

    found = differences(conflict(theirs), mine, fingerprint(BEFORE), LABELS, lambda _, one: one)

    assert [(one.label, one.mine, one.theirs, one.keep) for one in found] == [
        ("Name", "House", "Old house", "theirs"),
        ("Phone", "3", "2", "mine"),
        ("Address", "Alley", "Street", "mine"),
    ]


def test_what_is_left_to_the_other_is_taken_from_the_store() -> None:
    theirs = {"name": "Old house", "phone": "2"}
    form = {"keep-name": "theirs", "keep-phone": "mine"}

    assert settled(form, {"name": "House", "phone": "3"}, theirs) == {
        "name": "Old house",
        "phone": "3",
    }
