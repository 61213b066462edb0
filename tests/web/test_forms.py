"""What people type is read generously and checked kindly."""

from __future__ import annotations

import datetime as dt

import pytest

from scheduling.model import Feature, Needs, Person, Way
from web import forms
from web.forms import Typed

RIGHT = Typed(name="Amira Çelik", email="amira@example.org")


def test_a_right_form_becomes_a_person_and_their_needs() -> None:
    typed = Typed("Amira", "amira@exämple.de", "030 901820", "yes", "yes", "tr", "yes")

    details, errors = forms.details(typed, Way.IN_PERSON)

    assert errors == []
    assert details == forms.Details(
        Person("Amira", "amira@xn--exmple-cua.de", "+4930901820"),
        Needs(frozenset({*Feature}), interpreter="tr", companion=True),
    )


@pytest.mark.parametrize("feature", [*Feature])
def test_rooms_with_something_special_are_for_those_who_come(feature: Feature) -> None:
    details, _ = forms.details(Typed(**{**_fields(), feature: "yes"}), Way.VIDEO)

    assert details is not None
    assert details.needs == Needs()


@pytest.mark.parametrize("number", ["030 901820", "+49 30 901820", "0049 30/901820", "030-901820"])
def test_phone_numbers_are_read_however_they_are_written(number: str) -> None:
    details, _ = forms.details(Typed(**{**_fields(), "phone": number}), Way.PHONE)

    assert details is not None
    assert details.person.phone == "+4930901820"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "12345"),
        ("name", "x" * 101),
        ("name", "<script>"),
        ("email", ""),
        ("email", "amira"),
        ("email", "amira@example"),
        ("email", "a b@example.org"),
        ("email", "amira@example.org, other@example.org"),
        ("phone", "call me"),
        ("phone", "110"),
        ("phone", "+49"),
        ("interpreter", "klingon"),
    ],
)
def test_a_wrong_entry_is_an_error_of_its_field(field: str, value: str) -> None:
    details, errors = forms.details(Typed(**{**_fields(), field: value}), Way.VIDEO)

    assert details is None
    assert [error.field for error in errors] == [field]


def test_line_breaks_and_control_characters_do_not_survive() -> None:
    assert forms.text({"name": " A\r\nBcc: x\x00 \u202e y "}, "name") == "A Bcc: x y"


def test_a_file_instead_of_text_is_nothing() -> None:
    assert forms.text({"name": object()}, "name") == ""


@pytest.mark.parametrize("value", ["", "2026-13-01", "tomorrow", "2026-10-12T09:00:00", "9" * 400])
def test_a_start_that_is_no_instant_is_none(value: str) -> None:
    assert forms.start(value) is None


def test_a_day_that_cannot_be_read_is_the_usual_one() -> None:
    usual = dt.date(2026, 10, 12)

    assert forms.day("2026-02-30", usual) == usual
    assert forms.day("2026-11-02", usual) == dt.date(2026, 11, 2)


def _fields() -> dict[str, str]:
    return RIGHT.fields()
