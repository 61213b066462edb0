"""What each tablet or camera is booked for next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments
from scheduling.model import Appointment, Status
from scheduling.schema import appointment

AHEAD = dt.timedelta(days=14)
"""How far ahead uses are read."""


async def upcoming(
    tx: AsyncConnection, device_ids: Collection[int], now: dt.datetime
) -> dict[int, list[Appointment]]:
    """Return, by device id, the booked appointments that are not over, the next one first.

    A device that is not booked within `AHEAD` has an empty list.
    """
    ids = await tx.scalars(
        select(appointment.c.id).where(
            appointment.c.device_id.in_([*device_ids]),
            appointment.c.status == Status.BOOKED,
            appointment.c.ends_at > now,
            appointment.c.starts_at < now + AHEAD,
        )
    )
    uses: dict[int, list[Appointment]] = {one: [] for one in device_ids}
    for booked in await appointments.by_ids(tx, [*ids]):
        if booked.device is not None and booked.device.id in uses:
            uses[booked.device.id].append(booked)
    return uses
