"""What may be said of appointments without speaking of a single one.

A count of fewer than `FEWEST` is not given. Where it could be worked out from a total, the next
smallest count is hidden with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)

FEWEST = 5
"""A figure about fewer appointments than these is not given."""

LONGEST_DAYS = 27 * 7
"""The longest period that is read at once, in days."""


def whole_weeks(first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
    """Return the Monday before and the Sunday after, at most `LONGEST_DAYS` apart.

    Whole weeks, so that nobody can learn of a single day by subtracting two periods.
    """
    monday = first - dt.timedelta(days=first.weekday())
    last = min(max(last, monday), monday + dt.timedelta(days=LONGEST_DAYS - 1))
    return monday, last + dt.timedelta(days=6 - last.weekday())


def shown(counts: Mapping[_Key, int]) -> dict[_Key, int | None]:
    """Return `counts` with None where fewer than `FEWEST` stand, or would follow from the sum."""
    hidden = {key for key, count in counts.items() if count < FEWEST}
    by_size = sorted(counts, key=lambda key: counts[key])
    for key in by_size:
        if not 0 < sum(counts[one] for one in hidden) < FEWEST:
            break
        hidden.add(key)
    return {key: None if key in hidden else count for key, count in counts.items()}
