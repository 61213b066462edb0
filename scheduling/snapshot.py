"""An appointment as it was at one moment, kept for a letter that is written later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments
from scheduling.model import Appointment

_INSTANTS = ("starts_at", "ends_at", "changed_at", "delete_after")


def taken(appointment: Appointment) -> dict[str, Any]:
    """Return the columns of `appointment` in values that JSON knows (RFC 8259)."""
    columns = appointments.row(appointment)
    return columns | {name: columns[name].isoformat() for name in _INSTANTS}


async def restored(tx: AsyncConnection, columns: Mapping[str, Any]) -> Appointment:
    """Return the appointment that was `taken`, with the names its place and people have now."""
    instants = {name: dt.datetime.fromisoformat(columns[name]) for name in _INSTANTS}
    return await appointments.made(tx, {**columns, **instants})
