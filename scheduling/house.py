"""A site with its people and things, and when each of them can be had, claims apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduling import hours, shares
from scheduling.grid import Horizon
from scheduling.hours import Closure, Pattern, Release
from scheduling.model import Kind, Resource, Site, Way
from scheduling.shares import Shares

_WORKS_BY_HOURS = frozenset({Kind.CASEWORKER, Kind.INTERPRETER})
_AT_HOME = frozenset({Way.VIDEO, Way.PHONE})
_REMEMBERED = 20_000
"""How many answers a house remembers."""


@dataclass(frozen=True, slots=True)
class Member:
    """A resource with its own hours and closures. Rooms and devices have no patterns."""

    resource: Resource
    patterns: tuple[Pattern, ...]
    closures: tuple[Closure, ...]


Weeks = dict[int, int]
"""Ticks by the identity of the patterns that give them: equal weeks of many people are one."""


class _Hours(dict[int, int]):
    """Ticks by resource id, each worked out when it is first asked for."""

    def __init__(self, house: House, horizon: Horizon, way: Way, release: Release) -> None:
        super().__init__()
        self._house, self._asked = house, (horizon, way, release)
        self._weeks: Weeks = {}

    def __missing__(self, resource_id: int) -> int:
        ticks = self[resource_id] = self._house.worked(resource_id, *self._asked, self._weeks)
        return ticks


@dataclass(slots=True)
class House:
    """A site with everything in it, as of one version."""

    site: Site
    opening: tuple[Pattern, ...]
    closures: tuple[Closure, ...]
    members: tuple[Member, ...]
    shares: Shares | None = None
    """For whom hours are kept where their pattern does not say; None means online."""
    _hours: dict[tuple[Horizon, Way, Release], Mapping[int, int]] = field(default_factory=dict)
    _by_id: dict[int, Member] = field(init=False)
    _open: dict[tuple[Horizon, Way, bool], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the members."""
        self._by_id = {member.resource.id: member for member in self.members}

    def hours(self, member: Member, horizon: Horizon, way: Way, release: Release) -> int:
        """Return the ticks at which `member` can be had in `way`, claims apart."""
        return self.all_hours(horizon, way, release)[member.resource.id]

    def all_hours(self, horizon: Horizon, way: Way, release: Release) -> Mapping[int, int]:
        """Return the ticks at which each member can be had in `way`, by resource id."""
        key = (horizon, way, release)
        known = self._hours.get(key)
        if known is None:
            if len(self._hours) * len(self.members) > _REMEMBERED:
                self._hours.clear()
                self._open.clear()
            known = self._hours[key] = _Hours(self, horizon, way, release)
        return known

    def worked(
        self, resource_id: int, horizon: Horizon, way: Way, release: Release, weeks: Weeks
    ) -> int:
        """Work out the ticks at which a member can be had in `way`, claims apart.

        `weeks` are those of other members for the same horizon, way and release.
        """
        member = self._by_id[resource_id]
        offered = member.resource.ways
        if offered and way not in offered:
            return 0
        if member.patterns and self.shares and member.resource.kind is Kind.CASEWORKER:
            bitmap = shares.kept(
                horizon, member.patterns, way, release, self.shares, member.resource.id
            ) & self._kept_open(horizon, way, at_home=way in _AT_HOME)
        elif not member.patterns and member.resource.kind in _WORKS_BY_HOURS:
            return 0
        else:
            week = id(member.patterns)
            if week not in weeks:
                weeks[week] = self._week(member.patterns, horizon, way, release)
            bitmap = weeks[week]
        return bitmap & ~hours.closed(horizon, member.closures, way)

    def _week(
        self, patterns: tuple[Pattern, ...], horizon: Horizon, way: Way, release: Release
    ) -> int:
        bitmap = hours.whole(horizon)
        if patterns:
            bitmap = hours.working(horizon, patterns, way, release)
        return bitmap & self._kept_open(horizon, way, at_home=way in _AT_HOME and bool(patterns))

    def _kept_open(self, horizon: Horizon, way: Way, *, at_home: bool) -> int:
        """Return the ticks at which the house allows `way`; at home its opening does not count."""
        key = (horizon, way, at_home)
        if key not in self._open:
            bitmap = hours.whole(horizon)
            if self.opening and not at_home:
                bitmap = hours.working(horizon, self.opening, way, Release.ONLINE)
            bitmap &= ~hours.closed(horizon, self.closures, way)
            self._open[key] = bitmap & ~hours.public_holidays(horizon, self.site.state)
        return self._open[key]
