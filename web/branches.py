"""At which branch an appointment takes place: the others that its claimant could come to."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.model import Appointment, Change, Site


async def of(tx: AsyncConnection, appointment: Appointment) -> list[Site]:
    """Return the branches to choose from; none where nobody travels."""
    if not appointment.topic.ways[appointment.way].at_site:
        return []
    return await catalog.sites(tx)


async def chosen(tx: AsyncConnection, appointment: Appointment, key: str) -> Site | None:
    """Return the branch of that `key`; None where it names none to choose."""
    return next((one for one in await of(tx, appointment) if one.key == key), None)


def change(before: Appointment, after: Appointment) -> Change:
    """Return what has happened to an appointment that was given another time or branch."""
    return Change.MOVED if before.span.start != after.span.start else Change.REASSIGNED
