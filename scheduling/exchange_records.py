"""Tables of caseworkers and of other resources: what their lines change, and writing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, overview, people, schema
from scheduling.exchange_cells import Cells, joined, ways
from scheduling.exchange_steps import Action, Step, Steps
from scheduling.exchange_tables import Table
from scheduling.exchange_words import KINDS, YES_NO
from scheduling.model import NO_CAMERA, Feature, Kind, Site
from scheduling.overview import Team

_PLAIN: Mapping[str, Any] = {
    "team_id": None, "features": [], "skills": [], "languages": [], "ways": [],
    "setup_minutes": 0, "return_minutes": 0,
}  # fmt: skip
_LISTS = ("features", "skills", "languages", "ways")


@dataclass(slots=True)
class Known:
    """What the lines of a table may refer to."""

    sites: Sequence[Site]
    teams: Sequence[Team]
    skills: Sequence[str]
    features: Sequence[str]
    stored: Mapping[int, dict[str, Any]]
    met: set[int] = field(default_factory=set)

    def site(self, text: str) -> Site | None:
        """Return the site of that name or key; None where it is unknown or not clear."""
        found = [site for site in self.sites if site.key == text]
        found = found or [site for site in self.sites if site.name.casefold() == text.casefold()]
        return found[0] if len(found) == 1 else None

    def site_name(self, site_id: int) -> str:
        """Return how a site is written: by name, or by key where the name is not its alone."""
        site = next(one for one in self.sites if one.id == site_id)
        return site.name if self.site(site.name) == site else site.key

    def of_name(self, site_id: int, kind: str, name: str) -> int | None:
        """Return the id of who or what has that name."""
        wanted = (site_id, kind, name.casefold())
        for resource_id, one in self.stored.items():
            if (one["site_id"], one["kind"], one["name"].casefold()) == wanted:
                return resource_id
        return None


async def known(tx: AsyncConnection, kinds: Iterable[Kind]) -> Known:
    """Read what the lines of a table about those `kinds` may refer to."""
    table = schema.resource
    rows = await tx.execute(select(table).where(table.c.kind.in_([*kinds])).order_by(table.c.id))
    stored = {row.id: _stored(row._mapping) for row in rows}  # noqa: SLF001
    used = {one for values in stored.values() for one in values["features"]}
    return Known(
        await catalog.sites(tx),
        await overview.teams(tx),
        await people.skills(tx),
        sorted({*Feature, *used}),
        stored,
    )


async def rows(tx: AsyncConnection, kinds: Iterable[Kind], language: str) -> list[dict[str, str]]:
    """Return everybody or everything of those `kinds` that is in use, as cells."""
    there = await known(tx, kinds)
    teams = {team.id: team.name for team in there.teams}
    return [
        {
            "number": str(resource_id),
            "site": there.site_name(one["site_id"]),
            "kind": KINDS.say(one["kind"], language),
            "name": one["name"],
            "team": teams.get(one["team_id"], ""),
            "skills": joined(one["skills"]),
            "languages": joined(one["languages"]),
            "ways": ways(one["ways"], language),
            "features": joined(one["features"]),
            "camera": YES_NO.say("no" if NO_CAMERA in one["features"] else "yes", language),
            "setup": str(one["setup_minutes"]),
            "return": str(one["return_minutes"]),
            "active": YES_NO.say("yes", language),
        }
        for resource_id, one in there.stored.items()
        if one["active"]
    ]


async def steps(tx: AsyncConnection, table: Table, kinds: tuple[Kind, ...]) -> Steps:
    """Return what the lines of a table change."""
    there, found = await known(tx, kinds), Steps()
    for line in table.lines:
        before = len(found.problems)
        cells = Cells(line, found.problems)
        step = _step(cells, there, kinds)
        if len(found.problems) == before:
            if step is None:
                found.unchanged += 1
            else:
                found.steps.append(step)
    return found


def _step(cells: Cells, there: Known, kinds: tuple[Kind, ...]) -> Step | None:
    site = there.site(cells.text("site"))
    if site is None:
        cells.fault("site", "unknown", known=", ".join(one.name for one in there.sites))
    kind = kinds[0] if len(kinds) == 1 else _kind(cells, kinds)
    if site is None or kind is None:
        return None
    resource_id = _record(cells, there, site, kind)
    stored = there.stored.get(resource_id or 0)
    wanted = _wanted(cells, there, site, kind, stored or {**_PLAIN})
    active = cells.yes("active")
    if stored is None:
        if not active:
            cells.fault("active", "nothing_to_retire")
        return Step(cells.line.number, Action.ADD, kind, wanted["name"], site.name, after=wanted)
    if resource_id in there.met:
        cells.fault("name", "twice")
    there.met.add(resource_id or 0)
    return _difference(cells, resource_id or 0, stored, wanted, site, active=active)


def _difference(
    cells: Cells, resource_id: int, stored: dict[str, Any], wanted: dict[str, Any], site: Site,
    *, active: bool,
) -> Step | None:  # fmt: skip
    after = {name: value for name, value in wanted.items() if stored[name] != value}
    if active and not stored["active"]:
        action = Action.RETURN
    elif active:
        action = Action.CHANGE
    elif stored["active"]:
        action, after = Action.RETIRE, {}
    else:
        return None
    if action is Action.CHANGE and not after:
        return None
    return Step(
        cells.line.number, action, stored["kind"], stored["name"], site.name, resource_id,
        {name: stored[name] for name in after}, after,
    )  # fmt: skip


def _kind(cells: Cells, kinds: tuple[Kind, ...]) -> Kind | None:
    key = cells.word("kind", KINDS)
    if key is None:
        return None
    if key not in kinds:
        cells.fault("kind", "other_table")
        return None
    return Kind(key)


def _record(cells: Cells, there: Known, site: Site, kind: Kind) -> int | None:
    """Return the stored record a line is about: by its number, else by its name."""
    number = cells.number("number")
    if number is None:
        return there.of_name(site.id, kind, cells.text("name"))
    if number not in there.stored or there.stored[number]["kind"] != kind:
        cells.fault("number", "no_such_number")
    return number


def _wanted(
    cells: Cells, there: Known, site: Site, kind: Kind, stored: Mapping[str, Any]
) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: stored[name] for name in _PLAIN}
    wanted |= {"site_id": site.id, "name": cells.text("name")}
    if cells.has("team"):
        wanted["team_id"] = _team(cells, there, site)
    if cells.has("skills"):
        wanted["skills"] = cells.known("skills", there.skills)
    wanted["features"] = _features(cells, there, stored)
    if cells.has("languages"):
        wanted["languages"] = cells.languages("languages")
    if cells.has("ways"):
        wanted["ways"] = cells.ways("ways")
    for column in ("setup", "return"):
        if cells.has(column):
            wanted[f"{column}_minutes"] = cells.minutes(column)
    for lack in people.lacking(kind, wanted, there.teams):
        column = {"long_name": "name", "team_id": "team"}.get(lack, str(lack))
        # A team or skill that is unknown has been told of already.
        if not any((one.line, one.column) == (cells.line.number, column) for one in cells.problems):
            cells.fault(column, f"lack_{lack}")
    return wanted


def _features(cells: Cells, there: Known, stored: Mapping[str, Any]) -> list[str]:
    if cells.has("features"):
        return cells.known("features", there.features)
    if cells.has("camera"):
        return [] if cells.yes("camera") else [NO_CAMERA]
    return [*stored["features"]]


def _team(cells: Cells, there: Known, site: Site) -> int | None:
    name = cells.text("team")
    if not name:
        return None
    teams = [team for team in there.teams if team.site_id == site.id]
    for team in teams:
        if team.name.casefold() == name.casefold():
            return team.id
    code = "unknown" if teams else "unknown_none"
    cells.fault("team", code, known=", ".join(team.name for team in teams))
    return None


def _stored(row: RowMapping) -> dict[str, Any]:
    values = {name: row[name] for name in ("site_id", "kind", "name", "active", *_PLAIN)}
    # Their order says nothing, so it must not look like a change.
    return values | {name: sorted(values[name]) for name in _LISTS}
