"""Working hours of one person: weekly patterns, what is wrong with them, and editing a series.

Hours are changed on one day, from one day on, or altogether. The first two split the pattern by
its validity, so that at any time exactly one row says what is worked on a day.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, editing, resources, schema, worklist
from scheduling.editing import Values
from scheduling.hours import Pattern, Release
from scheduling.model import NotFound, PlanError
from scheduling.pattern_problems import Flaw, Problem, first_day, problems
from scheduling.worklist import Stranded

_WEEK = dt.timedelta(weeks=1)
_DAY = dt.timedelta(days=1)


class Scope(enum.StrEnum):
    """What of a series a change is about."""

    DAY = "day"
    FROM = "from"
    ALL = "all"


class Refused(PlanError):
    """The hours cannot be so; `problems` say why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class NotThatDay(PlanError):
    """The hours are not worked on the named day; `following` is the next one, if any."""

    def __init__(self, following: dt.date | None) -> None:
        super().__init__()
        self.following = following


@dataclass(frozen=True, slots=True)
class Row:
    """A stored pattern. `series` is the id of the row it was split off from, or its own."""

    id: int
    resource_id: int
    series: int
    pattern: Pattern

    @property
    def one_day(self) -> bool:
        """Whether it holds on a single day."""
        return self.pattern.valid_from == self.pattern.valid_until


async def of_resources(tx: AsyncConnection, resource_ids: Iterable[int]) -> dict[int, list[Row]]:
    """Return everybody's hours by weekday and time of day, those that come first first."""
    table = schema.working_pattern
    rows = await tx.execute(
        select(table)
        .where(table.c.resource_id.in_([*resource_ids]))
        .order_by(table.c.weekday, table.c.valid_from, table.c.starts_minute, table.c.id)
    )
    found: dict[int, list[Row]] = {}
    for row in rows:
        pattern = from_values(row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)
        found.setdefault(row.resource_id, []).append(
            Row(row.id, row.resource_id, row.series or row.id, pattern)
        )
    return found


async def by_id(tx: AsyncConnection, resource_id: int, pattern_id: int) -> Row:
    """Return one row of a person's hours, or raise `NotFound`."""
    for row in (await of_resources(tx, [resource_id])).get(resource_id, []):
        if row.id == pattern_id:
            return row
    raise NotFound


def values_of(pattern: Pattern) -> dict[str, Any]:
    """Return the pattern by column, as it is stored."""
    return {
        "weekday": pattern.weekday,
        "starts_minute": pattern.starts_minute,
        "ends_minute": pattern.ends_minute,
        "valid_from": pattern.valid_from,
        "valid_until": pattern.valid_until,
        "every_weeks": pattern.every_weeks,
        "ways": sorted(pattern.ways),
        "release": str(pattern.release),
    }


def from_values(values: Values | RowMapping) -> Pattern:
    """Make a pattern of its columns."""
    names = (
        "weekday", "starts_minute", "ends_minute", "valid_from", "valid_until", "every_weeks",
    )  # fmt: skip
    return Pattern(
        **{name: values[name] for name in names},
        ways=tuple(sorted(values["ways"])),
        release=Release(values["release"]),
    )


async def add(
    tx: AsyncConnection, resource_id: int, new: Sequence[Pattern], now: dt.datetime
) -> list[Stranded]:
    """Give somebody further hours. Raises `Refused`, `Retired` or `NotFound`."""
    person = await resources.for_change(tx, resource_id)
    await _check(tx, person, resource_id, new, without=())
    await _insert(tx, resource_id, new)
    return await _done(tx, person, resource_id, now)


async def change(
    tx: AsyncConnection,
    row: Row,
    pattern: Pattern,
    scope: Scope,
    day: dt.date,
    *,
    seen: str,
    now: dt.datetime,
) -> list[Stranded]:
    """Change hours on the one `day`, from it on, or all; return what no longer fits.

    `seen` is the fingerprint of the row's values that the form was filled from. Raises
    `Refused`, `NotThatDay`, `Conflict`, `Retired` or `NotFound`.
    """
    return await _edit(tx, row, pattern, scope, day, seen, now)


async def drop(
    tx: AsyncConnection, row: Row, scope: Scope, day: dt.date, *, seen: str, now: dt.datetime
) -> list[Stranded]:
    """Drop hours on the one `day`, from it on, or all; raises as `change` does."""
    return await _edit(tx, row, None, scope, day, seen, now)


async def put(
    tx: AsyncConnection, resource_id: int, wanted: Iterable[Pattern], now: dt.datetime
) -> list[Stranded]:
    """Give somebody exactly the `wanted` hours; those they have already stay as they are.

    Raises `Refused`, `Retired` or `NotFound`.
    """
    person = await resources.for_change(tx, resource_id)
    rows = (await of_resources(tx, [resource_id])).get(resource_id, [])
    new = [*wanted]
    gone = []
    for row in rows:
        if row.pattern in new:
            new.remove(row.pattern)
        else:
            gone.append(row.id)
    await _check(tx, person, resource_id, new, without=gone)
    await _delete(tx, gone)
    await _insert(tx, resource_id, new)
    return await _done(tx, person, resource_id, now)


async def _edit(
    tx: AsyncConnection, row: Row, pattern: Pattern | None, scope: Scope, day: dt.date,
    seen: str, now: dt.datetime,
) -> list[Stranded]:  # fmt: skip
    person = await resources.for_change(tx, row.resource_id)
    rows = (await of_resources(tx, [row.resource_id])).get(row.resource_id, [])
    present = next((one for one in rows if one.id == row.id), None)
    if present is None:
        raise NotFound
    editing.refuse_if_changed(seen, values_of(present.pattern))
    becomes = _becomes(present, rows, pattern, scope, day)
    new = [piece for pieces in becomes.values() for piece in pieces]
    await _check(tx, person, row.resource_id, new, without=becomes)
    for row_id, pieces in becomes.items():
        # The first piece keeps the row, so that its address stays.
        if pieces:
            await _update(tx, row_id, pieces[0])
            await _insert(tx, row.resource_id, pieces[1:], present.series)
    await _delete(tx, [row_id for row_id, pieces in becomes.items() if not pieces])
    return await _done(tx, person, row.resource_id, now)


def _becomes(
    row: Row, rows: Iterable[Row], pattern: Pattern | None, scope: Scope, day: dt.date
) -> dict[int, list[Pattern]]:
    """Return what takes the place of each row that the change is about, by id."""
    if scope is Scope.DAY:
        return {row.id: _split(row.pattern, pattern, scope, day)}
    since = max(day, row.pattern.valid_from)
    rest = [
        one
        for one in rows
        if one.series == row.series
        and one.id != row.id
        and (scope is Scope.ALL or one.pattern.valid_from > since)
    ]
    if scope is Scope.ALL:
        becomes = {row.id: [pattern] if pattern is not None else []}
    else:
        if pattern is not None and not all(one.one_day for one in rest):
            pattern = replace(pattern, valid_until=row.pattern.valid_until)
        becomes = {row.id: _split(row.pattern, pattern, scope, day)}
    for one in rest:
        if pattern is None:
            becomes[one.id] = []
        elif not one.one_day:
            # The other parts of the series keep the time in which they hold.
            becomes[one.id] = [_holding_as(one.pattern, pattern)]
    return becomes


def _holding_as(before: Pattern, pattern: Pattern) -> Pattern:
    return replace(pattern, valid_from=before.valid_from, valid_until=before.valid_until)


def _split(before: Pattern, pattern: Pattern | None, scope: Scope, day: dt.date) -> list[Pattern]:
    """Return the pieces that take the place of a pattern, those in which nothing is worked apart."""
    following = first_day(before, day)
    if following is None or (scope is Scope.DAY and following != day):
        raise NotThatDay(following)
    # Cut between weeks: the alternation is counted from the week of `valid_from`.
    monday = following - _DAY * following.weekday()
    pieces = [replace(before, valid_until=monday - _DAY)]
    if scope is Scope.DAY:
        if pattern is not None:
            once = replace(pattern, weekday=day.weekday(), valid_from=day, valid_until=day)
            pieces.append(replace(once, every_weeks=1))
        pieces.append(replace(before, valid_from=monday + _WEEK * before.every_weeks))
    elif pattern is not None:
        pieces.append(replace(pattern, valid_from=following))
    return [
        piece
        for number, piece in enumerate(pieces)
        # What was entered is checked and refused with a reason instead of left out.
        if (scope is Scope.FROM and number) or first_day(piece, piece.valid_from) is not None
    ]


async def _check(
    tx: AsyncConnection,
    person: Mapping[str, Any],
    resource_id: int,
    new: Sequence[Pattern],
    without: Iterable[int],
) -> None:
    left_out = {*without}
    rows = (await of_resources(tx, [resource_id])).get(resource_id, [])
    others = [row.pattern for row in rows if row.id not in left_out]
    old = [row.pattern for row in rows if row.id in left_out]
    site = await editing.stored(tx, schema.site, person["site_id"])
    found = [
        problem
        for number, pattern in enumerate(new)
        for problem in problems(pattern, [*others, *new[:number]], site["opening"])
        # What stays as it was is not held against who changes another day of it.
        if problem.flaw is not Flaw.OPENING or not _among(pattern, old)
    ]
    if found:
        raise Refused(found)


def _among(pattern: Pattern, old: Iterable[Pattern]) -> bool:
    return any(
        replace(one, valid_from=pattern.valid_from, valid_until=pattern.valid_until) == pattern
        for one in old
    )


async def _done(
    tx: AsyncConnection, person: Mapping[str, Any], resource_id: int, now: dt.datetime
) -> list[Stranded]:
    await catalog.changed(tx, person["site_id"])
    return await worklist.review(tx, now, resource_ids=[resource_id])


async def _insert(
    tx: AsyncConnection, resource_id: int, new: Sequence[Pattern], series: int | None = None
) -> None:
    if new:
        rows = [{**values_of(one), "resource_id": resource_id, "series": series} for one in new]
        await tx.execute(insert(schema.working_pattern), rows)


async def _update(tx: AsyncConnection, pattern_id: int, pattern: Pattern) -> None:
    table = schema.working_pattern
    await tx.execute(update(table).where(table.c.id == pattern_id).values(values_of(pattern)))


async def _delete(tx: AsyncConnection, ids: list[int]) -> None:
    table = schema.working_pattern
    if ids:
        await tx.execute(delete(table).where(table.c.id.in_(ids)))
