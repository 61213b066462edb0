"""The caseworker somebody knows already comes first when they look for another time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import slots
from scheduling.model import Appointment, Slot
from scheduling.slots import SlotQuery

ANYBODY = "any"


@dataclass(frozen=True, slots=True)
class Familiar:
    """Whose times a page shows: those of the caseworker of `name` alone, or everybody's.

    `busy` tells that the caseworker has no time in these days, so that everybody's are shown.
    """

    name: str
    alone: bool
    busy: bool = False

    @property
    def field(self) -> str:
        """What the page's addresses carry on, so that other days show the same people."""
        return "" if self.alone or self.busy else f"with={ANYBODY}&"


async def find(
    request: web.Request,
    tx: AsyncConnection,
    query: SlotQuery,
    appointment: Appointment,
    now: dt.datetime,
) -> tuple[Sequence[Slot], Familiar]:
    """Return the times of the appointment's caseworker; everybody's if asked, or if none.

    Whoever takes one of everybody's times keeps the caseworker as well if they are free then.
    """
    name = appointment.caseworker.name
    if request.query.get("with", "") == ANYBODY:
        return await slots.find(tx, query, now), Familiar(name, alone=False)
    own = await slots.find(tx, replace(query, caseworker_id=appointment.caseworker.id), now)
    if own:
        return own, Familiar(name, alone=True)
    return await slots.find(tx, query, now), Familiar(name, alone=False, busy=True)
