"""Tables of hours: somebody who is named gets exactly the hours of their lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import people
from scheduling.exchange_cells import Cells, clock, ways
from scheduling.exchange_records import Known, known
from scheduling.exchange_steps import Action, Step, Steps
from scheduling.exchange_tables import Problem, Table
from scheduling.exchange_words import KINDS, RELEASES, WEEKDAYS
from scheduling.grid import local_date
from scheduling.hours import Pattern, Release
from scheduling.model import Kind
from scheduling.pattern_problems import Flaw
from scheduling.pattern_problems import Problem as Unfit
from scheduling.patterns import of_resources, values_of


async def rows(tx: AsyncConnection, language: str) -> list[dict[str, str]]:
    """Return everybody's hours as cells."""
    there = await known(tx, people.KINDS)
    hours = await of_resources(tx, there.stored)
    return [
        {
            "site": there.site_name(one["site_id"]),
            "kind": KINDS.say(one["kind"], language),
            "name": one["name"],
            **_cells(row.pattern, language),
        }
        for resource_id, one in there.stored.items()
        if one["active"]
        for row in hours.get(resource_id, ())
    ]


async def steps(tx: AsyncConnection, table: Table, now: dt.datetime) -> Steps:
    """Return whose hours the lines of a table change. Without ``valid from`` it is today.

    Of whom some lines cannot be read, the others are tried all the same, so that one look tells
    all that is wrong; nothing is imported then.
    """
    there, found = await known(tx, people.KINDS), Steps()
    wanted: dict[int, list[tuple[int, Pattern]]] = {}
    undated: set[int] = set()
    for line in table.lines:
        before = len(found.problems)
        cells = Cells(line, found.problems)
        resource_id = _person(cells, there)
        pattern = _pattern(cells, local_date(now))
        if not cells.text("valid_from"):
            undated.add(line.number)
        if resource_id is not None and len(found.problems) == before:
            wanted.setdefault(resource_id, []).append((line.number, pattern))
    hours = await of_resources(tx, wanted)
    for resource_id, lines in wanted.items():
        stored = [row.pattern for row in hours.get(resource_id, ())]
        dated = [
            (number, _as_stored(pattern, stored) if number in undated else pattern)
            for number, pattern in lines
        ]
        step = _step(there, resource_id, stored, dated)
        if step is None:
            found.unchanged += 1
        else:
            found.steps.append(step)
    return found


def told(step: Step, problems: Iterable[Unfit]) -> Iterator[Problem]:
    """Yield what the plan refuses of a step, each at the line it is about."""
    wanted = [*zip(step.lines, step.after["hours"], strict=True)]
    for problem in problems:
        values = values_of(problem.pattern)
        line = next((number for number, one in wanted if one == values), step.line)
        column = "valid_until" if problem.flaw in {Flaw.VALIDITY, Flaw.NEVER} else "from"
        other = problem.other
        yield Problem(
            line,
            column,
            f"flaw_{problem.flaw}",
            {
                "day": problem.day.isoformat() if problem.day else "",
                "start": clock(other.starts_minute) if other else "",
                "end": clock(other.ends_minute) if other else "",
                "opening": ", ".join(f"{clock(one)}-{clock(two)}" for one, two in problem.opening),
            },
        )


def _as_stored(pattern: Pattern, stored: list[Pattern]) -> Pattern:
    """Return the stored hours that differ in nothing but since when they hold, if there are any."""
    return next(
        (one for one in stored if replace(one, valid_from=pattern.valid_from) == pattern), pattern
    )


def _step(
    there: Known, resource_id: int, stored: list[Pattern], lines: list[tuple[int, Pattern]]
) -> Step | None:
    gone, new = [*stored], []
    for _, pattern in lines:
        if pattern in gone:
            gone.remove(pattern)
        else:
            new.append(pattern)
    if not gone and not new:
        return None
    one = there.stored[resource_id]
    return Step(
        lines[0][0], Action.HOURS, one["kind"], one["name"], there.site_name(one["site_id"]),
        resource_id,
        before={"hours": _values(stored), "gone": _values(gone)},
        after={"hours": _values(pattern for _, pattern in lines), "new": _values(new)},
        lines=tuple(number for number, _ in lines),
    )  # fmt: skip


def _person(cells: Cells, there: Known) -> int | None:
    site = there.site(cells.text("site"))
    if site is None:
        cells.fault("site", "unknown", known=", ".join(one.name for one in there.sites))
        return None
    kind = cells.word("kind", KINDS, Kind.CASEWORKER)
    if kind is not None and kind not in people.KINDS:
        cells.fault("kind", "no_hours")
        return None
    found = there.of_name(site.id, kind or "", cells.text("name"))
    if found is None or not there.stored[found]["active"]:
        cells.fault("name", "nobody")
        return None
    return found


def _pattern(cells: Cells, today: dt.date) -> Pattern:
    return Pattern(
        weekday=cells.weekday("weekday"),
        starts_minute=cells.clock("from"),
        ends_minute=cells.clock("until"),
        valid_from=cells.day("valid_from") or today,
        valid_until=cells.day("valid_until"),
        every_weeks=cells.weeks("every_weeks"),
        ways=tuple(cells.ways("ways")),
        release=Release(cells.release("release")),
    )


def _cells(pattern: Pattern, language: str) -> dict[str, str]:
    return {
        "weekday": WEEKDAYS.say(str(pattern.weekday), language),
        "from": clock(pattern.starts_minute),
        "until": clock(pattern.ends_minute),
        "ways": ways(pattern.ways, language),
        "every_weeks": str(pattern.every_weeks),
        "release": RELEASES.say(pattern.release, language),
        "valid_from": pattern.valid_from.isoformat(),
        "valid_until": pattern.valid_until.isoformat() if pattern.valid_until else "",
    }


def _values(some: Iterable[Pattern]) -> list[dict[str, Any]]:
    return [values_of(one) for one in some]
