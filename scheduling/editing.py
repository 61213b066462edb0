"""Two people edit the same record: the later is refused and sees what the earlier has stored.

A form carries the fingerprint of the values it was filled from. It holds a short digest of each
value, so that a refusal can also tell who of the two has changed what.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.model import NotFound, PlanError

Values = Mapping[str, Any]
"""A record by column; further parts of it (a topic's ways) may stand under names of their own."""

_COUNTERS = frozenset({"id", "version", "claims_version", "added_claims", "added_version"})
_DIGITS = 12


class Conflict(PlanError):
    """Somebody else has changed the record since the form was filled.

    `current` is what is stored now, `theirs` the names of the values they have changed.
    """

    def __init__(self, current: Values, theirs: frozenset[str]) -> None:
        super().__init__()
        self.current = current
        self.theirs = theirs


def fingerprint(values: Values) -> str:
    """Return what a form carries to tell later whether `values` are still the stored ones."""
    return ".".join(_digest(values[name]) for name in sorted(values))


async def stored(
    tx: AsyncConnection, table: Table, row_id: int, *, to_change: bool = False
) -> dict[str, Any]:
    """Return a row's values without its id and counters, or raise `NotFound`.

    With `to_change` others who want to change it wait until this transaction is over.
    """
    columns = [column for column in table.c if column.name not in _COUNTERS]
    query = select(*columns).where(table.c.id == row_id)
    found = (await tx.execute(query.with_for_update() if to_change else query)).one_or_none()
    if found is None:
        raise NotFound
    return dict(found._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)


def refuse_if_changed(seen: str, current: Values) -> None:
    """Raise `Conflict` unless `seen` is the fingerprint of what is stored now.

    `current` must have been read `to_change`, or another could come between.
    """
    if seen == fingerprint(current):
        return
    raise Conflict(current, changed_since(seen, current))


def changed_since(seen: str, values: Values) -> frozenset[str]:
    """Return the names of the `values` that are not as they were when `seen` was made.

    All of them when `seen` is no fingerprint of such a record.
    """
    digests = seen.split(".")
    names = sorted(values)
    if len(digests) != len(names):
        return frozenset(names)
    return frozenset(
        name for name, digest in zip(names, digests, strict=True) if digest != _digest(values[name])
    )


def _digest(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        # Skills, languages, ways: their order says nothing, so it is nobody's change.
        value = sorted(value)
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    # Sets have no order of their own.
    return sorted(value)
