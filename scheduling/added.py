"""The claims that were added last to a resource, written beside their version on its row.

Each claim that is added raises `resource.claims_version` by one and becomes the last of
`resource.added_claims`, which count up to `resource.added_version`. Whatever else happens to claims
raises the first version alone, so that nobody goes by them any more. So whoever knows a version
reads there what has come since, unless that is more than is kept, and need not read all claims of
the resource again. All entries are equally long: databases count and cut them as text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from scheduling.model import Span

WIDTH = 21
"""Characters of an entry, all hexadecimal: start (8), length (5) and expiry (8) in seconds, the
first and the last since 1970. What does not expire has zeros."""

KEPT = 8
"""How many are kept. A resource gets few claims between two looks of a busy process, and each of
them writes all that are kept."""

SPELLED = """lpad(to_hex(CAST(extract(epoch FROM starts_at) AS bigint)), 8, '0')
    || lpad(to_hex(CAST(extract(epoch FROM ends_at - starts_at) AS bigint)), 5, '0')
    || '00000000'"""
"""The entry, in PostgreSQL's words, of a row in `claim` that no longer expires."""

SPELLED_ON_SQLITE = "printf('%08x%05x00000000', starts_at, ends_at - starts_at)"
"""The same in SQLite's words."""


def entry(span: Span, expires_at: dt.datetime | None = None) -> str:
    """Return the entry of a claim, or of one that expires."""
    start, end = int(span.start.timestamp()), int(span.end.timestamp())
    expires = int(expires_at.timestamp()) if expires_at is not None else 0
    return f"{start:08x}{end - start:05x}{expires:08x}"


def read(entries: str) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and expiry of each claim in `entries`, in seconds since 1970, or 0."""
    for first in range(0, len(entries), WIDTH):
        start = int(entries[first : first + 8], 16)
        length = int(entries[first + 8 : first + 13], 16)
        yield start, start + length, int(entries[first + 13 : first + WIDTH], 16)
