"""What each tablet or camera is booked for next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, seats
from scheduling.model import Appointment, Status
from scheduling.schema import claim
from scheduling.seats import GroupSession

AHEAD = dt.timedelta(days=14)
"""How far ahead uses are read."""

Use = Appointment | GroupSession
"""What a device is needed for."""


async def upcoming(
    tx: AsyncConnection, device_ids: Collection[int], now: dt.datetime
) -> dict[int, list[Use]]:
    """Return, by device id, what is booked with it and not over, the next one first.

    A device that is not booked within `AHEAD` has an empty list.
    """
    row = claim.c
    claimed = (
        await tx.execute(
            select(row.resource_id, row.appointment_id, row.session_id).where(
                row.resource_id.in_([*device_ids]),
                row.hold_id.is_(None),
                row.ends_at > now,
                row.starts_at < now + AHEAD,
            )
        )
    ).all()
    alone = await appointments.by_ids(tx, {one.appointment_id for one in claimed} - {None})
    groups = await seats.by_ids(tx, {one.session_id for one in claimed} - {None})
    found: dict[tuple[int | None, int | None], Use] = {
        **{(one.id, None): one for one in alone}, **{(None, one.id): one for one in groups},
    }  # fmt: skip
    uses: dict[int, list[Use]] = {one: [] for one in device_ids}
    for one in claimed:
        use = found[one.appointment_id, one.session_id]
        if use.status is Status.BOOKED and use.span.end > now:
            uses[one.resource_id].append(use)
    for some in uses.values():
        some.sort(key=lambda use: use.span.start)
    return uses
