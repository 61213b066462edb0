"""Where and when an appointment could take place in another way, near its present time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import changes, slots, suitable
from scheduling.grid import local_date
from scheduling.model import Appointment, Site, Slot, Way
from scheduling.suitable import Lack

_BEFORE = dt.timedelta(days=14)
_AFTER = dt.timedelta(days=28)
_SHOWN = 6
_STEP_MINUTES = 15
"""How far apart the times are that people choose from, beside the present one."""


@dataclass(frozen=True, slots=True)
class Place:
    """When a way is possible at a site (None where nobody travels).

    `same` tells whether the present time can stay; `nearest` are other times, in order. Those
    of the present caseworker come before others' nearer ones; `familiar` are their starts.
    """

    site: Site | None
    same: bool
    nearest: tuple[Slot, ...]
    familiar: frozenset[dt.datetime] = frozenset()
    lack: Lack | None = None
    """Why there is no time at all, where no room of the site will ever do."""

    @property
    def next(self) -> Slot | None:
        """The first of the other times."""
        return self.nearest[0] if self.nearest else None

    @property
    def possible(self) -> bool:
        """Whether there is any time at all."""
        return self.same or bool(self.nearest)


async def look_up(
    tx: AsyncConnection,
    appointment: Appointment,
    way: Way,
    site: Site | None,
    now: dt.datetime,
    *,
    for_staff: bool,
) -> Place:
    """Return when `appointment` could take place in `way` at `site`, near its present time."""
    wanted = appointment.span.start
    around = local_date(wanted)
    query = changes.elsewhere(
        appointment, max(local_date(now), around - _BEFORE), around + _AFTER, way=way,
        site_id=site.id if site else None, for_staff=for_staff,
    )  # fmt: skip
    # One search answers both questions: the present time may lie between the usual ones.
    query = replace(query, step_minutes=5)
    found = await slots.find(tx, query, now)
    own = await slots.find(tx, replace(query, caseworker_id=appointment.caseworker.id), now)
    familiar = frozenset(slot.start for slot in own)
    same = any(slot.start == wanted for slot in found)
    others = [
        slot for slot in found if slot.start != wanted and not slot.start.minute % _STEP_MINUTES
    ]
    others.sort(key=lambda slot: (slot.start not in familiar, abs(slot.start - wanted)))
    nearest = tuple(sorted(others[:_SHOWN], key=lambda slot: slot.start))
    lack = None if found else await suitable.lack(tx, query)
    return Place(site, same, nearest, familiar, lack)
