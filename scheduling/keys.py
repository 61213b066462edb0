"""Keys: the short names of sites and topics in addresses, made once of their first name."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.ext.asyncio import AsyncConnection

_LONGEST = 32
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


async def free_key(tx: AsyncConnection, column: Column[Any], name: str) -> str:
    """Return a key for `name` that no row has in `column`."""
    wanted = key_of(name)
    taken = {*await tx.scalars(select(column).where(column.startswith(wanted, autoescape=True)))}
    numbered = (f"{wanted}-{number}" for number in itertools.count(2))
    return next(key for key in itertools.chain((wanted,), numbered) if key not in taken)


def key_of(name: str) -> str:
    """Return `name` in small letters without accents, words joined by hyphens.

    A name without a Latin letter or digit gives ``"x"``.
    """
    spelled = name.casefold().translate(_SPELLED)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    return "-".join(words)[:_LONGEST].strip("-") or "x"
