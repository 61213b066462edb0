"""How much time caseworkers give, for whom it is kept, and how much of it is booked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import hours, schema, supply
from scheduling.disclosure import shown
from scheduling.grid import TICK_SECONDS, Horizon
from scheduling.hours import Closure, Release
from scheduling.house import House, Member
from scheduling.model import Kind, Resource, Way

Key = TypeVar("Key", bound=Hashable)

_WORKING_WAYS = (Way.IN_PERSON, Way.VIDEO, Way.PHONE)


@dataclass(frozen=True, slots=True)
class Working:
    """A caseworker's ticks by whom they are kept for, without closures, and those claimed."""

    person: Resource
    kept: Mapping[Release, int]
    claimed: int


@dataclass(slots=True)
class Amount:
    """Ticks kept, those booked, and how many appointments begin in them."""

    kept: int = 0
    booked: int = 0
    appointments: int = 0


@dataclass(frozen=True, slots=True)
class Released:
    """Hours kept for somebody; the booked share is None where too few appointments make it."""

    hours: float
    share: float | None


@dataclass(slots=True)
class Account:
    """What adds up to a group's released time."""

    amounts: dict[Release, Amount] = field(
        default_factory=lambda: {release: Amount() for release in Release}
    )

    def add(self, working: Working, within: int, booked: int, begins: Iterable[int]) -> None:
        """Add a caseworker's ticks `within` a time, of which `booked`; `begins` of appointments."""
        begun = [*begins]
        for release, kept in working.kept.items():
            amount = self.amounts[release]
            amount.kept += (kept & within).bit_count()
            amount.booked += (kept & within & booked).bit_count()
            amount.appointments += sum(kept >> tick & within >> tick & 1 for tick in begun)

    @property
    def utilisation(self) -> float | None:
        """Return the booked share of all of it; None without any."""
        kept = sum(one.kept for one in self.amounts.values())
        return sum(one.booked for one in self.amounts.values()) / kept if kept else None

    def released(self, visible: Mapping[Release, bool]) -> dict[Release, Released]:
        """Return it by whom it is kept for, with the shares that are `visible`."""
        return {
            release: Released(
                one.kept * TICK_SECONDS / 3600,
                one.booked / one.kept if one.kept and visible[release] else None,
            )
            for release, one in self.amounts.items()
        }


def visible(accounts: Mapping[Key, Account]) -> dict[Key, dict[Release, bool]]:
    """Tell by group of whose released time the booked share may be shown.

    Neither the other kinds of time nor the other groups may give away what is hidden.
    """
    begun = {
        key: {release: one.appointments for release, one in account.amounts.items()}
        for key, account in accounts.items()
    }
    along = {key: shown(counts) for key, counts in begun.items()}
    across = {
        release: shown({key: counts[release] for key, counts in begun.items()})
        for release in Release
    }
    return {
        key: {
            release: along[key][release] is not None and across[release][key] is not None
            for release in Release
        }
        for key in accounts
    }


async def of_caseworkers(
    tx: AsyncConnection, horizon: Horizon, now: dt.datetime, site_id: int | None
) -> list[Working]:
    """Return the time of every caseworker, of one site or of all, past closures left out."""
    supplied = await supply.load(tx, horizon, now, site_ids=() if site_id is None else (site_id,))
    away = await _closures(tx, horizon)
    found = []
    for house in supplied.houses:
        for member in house.members:
            person = member.resource
            if person.kind is not Kind.CASEWORKER:
                continue
            shut = [*away.get((house.site.id, None), ()), *away.get((None, person.id), ())]
            closed = hours.closed(horizon, tuple(shut), Way.IN_PERSON)
            kept = {
                release: _kept(house, member, horizon, release) & ~closed for release in Release
            }
            found.append(Working(person, kept, supplied.busy.get(person.id, 0)))
    return found


def _kept(house: House, member: Member, horizon: Horizon, release: Release) -> int:
    bitmap = 0
    for way in _WORKING_WAYS:
        bitmap |= house.hours(member, horizon, way, release)
    return bitmap


async def _closures(
    tx: AsyncConnection, horizon: Horizon
) -> dict[tuple[int | None, int | None], list[Closure]]:
    """Return what was closed altogether, past closures too, by site or resource."""
    row = schema.closure
    found: dict[tuple[int | None, int | None], list[Closure]] = {}
    for one in await tx.execute(
        select(row).where(row.c.starts_at < horizon.end, row.c.ends_at > horizon.start)
    ):
        if not one.ways:
            key = (one.site_id, one.resource_id)
            found.setdefault(key, []).append(Closure(one.starts_at, one.ends_at))
    return found
