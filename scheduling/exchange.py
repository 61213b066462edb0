"""Import and export of caseworkers, hours and resources as tables.

An import is carried out in a savepoint, also when it is only looked at: so a preview tells
exactly what would happen, and every line that the plan would refuse. Lines that are missing in
a file leave their records alone; somebody named in a table of hours gets exactly those hours.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import (
    editing,
    exchange_hours,
    exchange_records,
    exchange_tables,
    patterns,
    resources,
)
from scheduling.exchange_steps import Action, Step
from scheduling.exchange_tables import Problem
from scheduling.model import Kind, PlanError
from scheduling.patterns import Refused
from scheduling.resources import NameTaken, OnLoan


class Sort(enum.StrEnum):
    """What a table is about."""

    CASEWORKERS = "caseworkers"
    RESOURCES = "resources"
    HOURS = "hours"


COLUMNS: Mapping[Sort, tuple[str, ...]] = {
    Sort.CASEWORKERS: (
        "number", "site", "name", "team", "skills", "languages", "ways", "camera", "active",
    ),
    Sort.RESOURCES: (
        "number", "site", "kind", "name", "features", "languages", "ways", "setup", "return",
        "active",
    ),
    Sort.HOURS: (
        "site", "kind", "name", "weekday", "from", "until", "ways", "every_weeks", "release",
        "valid_from", "valid_until",
    ),
}  # fmt: skip

NEEDED: Mapping[Sort, tuple[str, ...]] = {
    Sort.CASEWORKERS: ("site", "name"),
    Sort.RESOURCES: ("site", "kind", "name"),
    Sort.HOURS: ("site", "name", "weekday", "from", "until"),
}


class Stale(PlanError):
    """The plan has changed since the preview; `preview` says what the import would do now."""

    def __init__(self, preview: Preview) -> None:
        super().__init__()
        self.preview = preview


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do, what is wrong with it, and how many appointments it would hit."""

    sort: Sort
    steps: tuple[Step, ...] = ()
    problems: tuple[Problem, ...] = ()
    stranded: int = 0
    unchanged: int = 0

    @property
    def fingerprint(self) -> str:
        """What tells whether another preview would show the same."""
        return editing.fingerprint({"steps": [step.told() for step in self.steps]})


@dataclass(slots=True)
class _Tried:
    problems: list[Problem] = field(default_factory=list)
    stranded: set[int] = field(default_factory=set)


async def export(tx: AsyncConnection, sort: Sort, language: str) -> bytes:
    """Return the table as a file, with the words of that language."""
    if sort is Sort.HOURS:
        rows = await exchange_hours.rows(tx, language)
    else:
        rows = await exchange_records.rows(tx, _kinds(sort), language)
    return exchange_tables.write(COLUMNS[sort], rows, language)


async def preview(tx: AsyncConnection, sort: Sort, content: bytes, now: dt.datetime) -> Preview:
    """Return what importing a file would do; `tx` must be one that may write, and is left alone."""
    trial = await tx.begin_nested()
    try:
        return await _carry_out(tx, sort, content, now)
    finally:
        await trial.rollback()


async def apply(
    tx: AsyncConnection, sort: Sort, content: bytes, shown: str, now: dt.datetime
) -> Preview:
    """Import a file whose preview had the fingerprint `shown`.

    Raises `Stale`, and the transaction must not be committed, when it would now do something
    else or is refused.
    """
    done = await _carry_out(tx, sort, content, now)
    if done.problems or done.fingerprint != shown:
        raise Stale(done)
    return done


async def _carry_out(tx: AsyncConnection, sort: Sort, content: bytes, now: dt.datetime) -> Preview:
    table = exchange_tables.read(content, COLUMNS[sort], NEEDED[sort])
    if table.problems:
        return Preview(sort, problems=tuple(table.problems))
    if sort is Sort.HOURS:
        found = await exchange_hours.steps(tx, table, now)
    else:
        found = await exchange_records.steps(tx, table, _kinds(sort))
    tried = _Tried([*found.problems])
    for step in found.steps:
        await _try(tx, step, tried, now)
    tried.problems.sort(key=lambda problem: problem.line)
    return Preview(
        sort, tuple(found.steps), tuple(tried.problems), len(tried.stranded), found.unchanged
    )


async def _try(tx: AsyncConnection, step: Step, tried: _Tried, now: dt.datetime) -> None:
    try:
        async with tx.begin_nested():
            listed = await _do(tx, step, now)
    except NameTaken:
        tried.problems.append(Problem(step.line, "name", "name_taken"))
    except OnLoan as loan:
        borrower = loan.loan.borrower.name
        tried.problems.append(Problem(step.line, "active", "on_loan", {"value": borrower}))
    except Refused as refused:
        tried.problems += exchange_hours.told(step, refused.problems)
    else:
        tried.stranded |= {one.appointment.id for one in listed}


async def _do(tx: AsyncConnection, step: Step, now: dt.datetime) -> Sequence[Any]:
    match step.action:
        case Action.ADD:
            await resources.add(tx, Kind(step.kind), step.after)
            return []
        case Action.RETIRE:
            return await resources.retire(tx, step.resource_id, now)
        case Action.HOURS:
            wanted = [patterns.from_values(one) for one in step.after["hours"]]
            return await patterns.put(tx, step.resource_id, wanted, now)
        case _:
            if step.action is Action.RETURN:
                await resources.bring_back(tx, step.resource_id)
            present = await resources.for_change(tx, step.resource_id)
            return await resources.change(
                tx, step.resource_id, step.after, seen=editing.fingerprint(present), now=now
            )


def _kinds(sort: Sort) -> tuple[Kind, ...]:
    if sort is Sort.CASEWORKERS:
        return (Kind.CASEWORKER,)
    return tuple(kind for kind in Kind if kind is not Kind.CASEWORKER)
