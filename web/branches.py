"""At which branch an appointment takes place: those to choose from, and in which order.

An office with a few branches shows them all. One with many asks for a town or a postcode and puts
those first that are named like it or lie in the same postal region; nobody else is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.model import Appointment, Change, Site

MANY = 6
"""More branches than these are not listed at once: people say where they live instead."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_POSTCODE = re.compile(r"\b\d{2,5}\b")
_OWN_POSTCODE = re.compile(r"\b\d{5}\b")


@dataclass(frozen=True, slots=True)
class Offered:
    """The branches to choose from, in order. `last` is where the appointment takes place now."""

    sites: tuple[Site, ...]
    total: int
    near: str = ""
    known: bool = True
    """Whether `near` says anything about the way to any of them."""
    last: Site | None = None

    @property
    def many(self) -> bool:
        """Whether there are more than are listed at once."""
        return self.total > MANY


def offered(
    sites: Sequence[Site], near: str = "", *, last: Site | None = None, chosen: str = ""
) -> Offered:
    """Return the branches to list for somebody who lives `near`: a town, a postcode or both.

    The last one comes first, and then by name; where `near` is known, the nearest by name of town
    and by postcode. The one whose key is `chosen` is always listed.
    """
    ranks = {site.id: _distance(site, near) for site in sites}
    known = not near or min(ranks.values(), default=_FAR) < _FAR
    order = sorted(
        sites, key=lambda site: (ranks[site.id], site != last, site.name.casefold(), site.id)
    )
    listed = [site for at, site in enumerate(order) if at < MANY or site.key == chosen]
    return Offered(tuple(listed), len(sites), near, known, last)


_FAR = (1, 0, 0)
"""Nothing that was typed leads to this branch."""


def _distance(site: Site, near: str) -> tuple[int, int, int]:
    """Return a measure that is smaller for what is likely to be nearer; not a length.

    The first two figures of a German postcode name a region; within it neighbours are mostly
    numbered one after the other.
    """
    named = f"{site.name} {site.address}".casefold()
    if any(word in named for word in _WORD.findall(near.casefold())):
        return (0, 0, 0)
    typed, own = _POSTCODE.search(near), _OWN_POSTCODE.search(site.address)
    if typed is None or own is None:
        return _FAR
    wanted, here = typed.group(), own.group()
    apart = abs(int(wanted.ljust(5, "0")) - int(here))
    return (0, 2 if wanted[:2] == here[:2] else 3 if wanted[0] == here[0] else 4, apart)


async def of(tx: AsyncConnection, appointment: Appointment) -> list[Site]:
    """Return the branches to choose from; none where nobody travels."""
    if not appointment.topic.ways[appointment.way].at_site:
        return []
    return await catalog.sites(tx)


def present(appointment: Appointment) -> Site | None:
    """Return the branch that the claimant is to come to as it is; None where they need not."""
    at_site = appointment.topic.ways[appointment.way].at_site
    return appointment.site if at_site else None


async def chosen(tx: AsyncConnection, appointment: Appointment, key: str) -> Site | None:
    """Return the branch of that `key`; None where it names none to choose."""
    return next((one for one in await of(tx, appointment) if one.key == key), None)


def change(before: Appointment, after: Appointment) -> Change:
    """Return what has happened to an appointment that was given another time or branch."""
    return Change.MOVED if before.span.start != after.span.start else Change.REASSIGNED
