"""When people are there, and for which ways; when things are of use. Claims apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduling.grid import Horizon, bits
from scheduling.hours import Release
from scheduling.house import House, Member
from scheduling.model import Span, Way

_OF_PEOPLE = (Way.IN_PERSON, Way.VIDEO, Way.PHONE)
"""What tells somebody's hours apart: the office, home office, phone hours."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which somebody, or something, can be had for the same `ways`; none: not at all."""

    span: Span
    ways: frozenset[Way]


def worked(house: House, member: Member, horizon: Horizon) -> int:
    """Return the ticks at which `member` can be had in any way."""
    bitmap = _worked(house, member, horizon)
    if not member.patterns and not house.opening:
        # A thing in a house without opening hours is of use while somebody works there.
        together = 0
        for other in house.members:
            together |= _worked(house, other, horizon) if other.patterns else 0
        bitmap &= together
    return bitmap


def stretches(house: House, member: Member, horizon: Horizon) -> tuple[Stretch, ...]:
    """Return all of `horizon` in stretches, in order of time; those of things are for all ways."""
    if not member.patterns:
        there = worked(house, member, horizon)
        return tuple(_stretches(horizon, dict.fromkeys(_OF_PEOPLE, there)))
    return tuple(_stretches(horizon, {way: _in(house, member, horizon, way) for way in _OF_PEOPLE}))


def _stretches(horizon: Horizon, there: Mapping[Way, int]) -> Iterator[Stretch]:
    turns = 1
    for bitmap in there.values():
        turns |= bitmap ^ bitmap << 1
    first = [tick for tick in bits(turns) if tick < horizon.ticks]
    begins = [*horizon.instants(turns)[: len(first)], horizon.end]
    for number, tick in enumerate(first):
        ways = frozenset(way for way, bitmap in there.items() if bitmap >> tick & 1)
        yield Stretch(Span(begins[number], begins[number + 1]), ways)


def _worked(house: House, member: Member, horizon: Horizon) -> int:
    bitmap = 0
    for way in Way:
        bitmap |= _in(house, member, horizon, way)
    return bitmap


def _in(house: House, member: Member, horizon: Horizon, way: Way) -> int:
    bitmap = 0
    for release in Release if member.patterns else (Release.ONLINE,):
        bitmap |= house.hours(member, horizon, way, release)
    return bitmap
