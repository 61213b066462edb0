"""The choice between one's own entries and those that somebody else has stored meanwhile.

A page that edits a record catches `Conflict`, shows `parts/conflict.html` with status 409, and
lets the answer pass through `settled` before it tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from scheduling import editing
from scheduling.editing import Conflict, Values
from web import forms
from web.csrf import FIELD
from web.forms import Form
from web.templating import render

SEEN = "seen"
"""The hidden field with the fingerprint of what the form was filled from."""

_MINE, _THEIRS = "mine", "theirs"


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of the record in two versions, as both are shown; `keep` is the one suggested."""

    name: str
    label: str
    mine: str
    theirs: str
    keep: str

    @property
    def field(self) -> str:
        """The name of the choice in the form."""
        return _choice(self.name)


def page(
    request: web.Request,
    conflict: Conflict,
    form: Form,
    wanted: Values,
    *,
    heading: str,
    section: str,
    unchanged: str,
    labels: Mapping[str, str],
    say: Callable[[str, Any], str],
) -> web.Response:
    """Answer with both versions and the choice; the answer goes to the address of `request`.

    `heading` names the record, `section` the page of the plan it belongs to, and `unchanged` is
    the address of the form as it would be filled anew. See `differences` for the rest.
    """
    return render(
        request,
        "parts/conflict_page.html",
        status=409,
        heading=heading,
        section=section,
        unchanged=unchanged,
        differences=differences(conflict, wanted, forms.text(form, SEEN, limit=4000), labels, say),
        typed=_typed(form),
        seen=editing.fingerprint(conflict.current),
    )


def differences(
    conflict: Conflict,
    wanted: Values,
    seen: str,
    labels: Mapping[str, str],
    say: Callable[[str, Any], str],
) -> list[Difference]:
    """Compare what was typed with what is stored, in the order of `labels` (message ids).

    `say` words a value by its name. Suggested is whoever changed the value; where both did,
    what was typed last.
    """
    mine = editing.changed_since(seen, {**conflict.current, **wanted})
    return [
        Difference(
            name,
            label,
            say(name, wanted[name]),
            say(name, conflict.current[name]),
            _THEIRS if name in conflict.theirs and name not in mine else _MINE,
        )
        for name, label in labels.items()
        if name in wanted and _differ(wanted[name], conflict.current[name])
    ]


def settled(form: Form, wanted: dict[str, Any], current: Values) -> dict[str, Any]:
    """Return `wanted` with the stored value wherever the person has left it to the other."""
    return {
        name: current[name]
        if name in current and forms.text(form, _choice(name)) == _THEIRS
        else value
        for name, value in wanted.items()
    }


def _typed(form: Form) -> list[tuple[str, str]]:
    """Return the fields of a form as they were sent, without those the choice makes anew."""
    return [
        (name, value)
        for name, value in form.items()
        if isinstance(value, str) and name not in {SEEN, FIELD} and not name.startswith(_choice(""))
    ]


def _differ(one: Any, other: Any) -> bool:
    return editing.fingerprint({"": one}) != editing.fingerprint({"": other})


def _choice(name: str) -> str:
    return f"keep-{name}"
