"""Claims on resources: the only code that writes them.

Booking, holding, moving and cancelling differ in what is wanted, not in how it is taken:
`take` gives an owner exactly the claims it wants, all of them or none.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import added
from scheduling import claim_statements as statements
from scheduling.model import Resource, SlotTaken, Span, TopicWay
from scheduling.rows import Rows, add, additions, as_json
from scheduling.schema import claim, resource
from scheduling.slots import Option


@dataclass(frozen=True, slots=True)
class ForAppointment:
    """Claims owned by an appointment."""

    id: int


@dataclass(frozen=True, slots=True)
class ForHold:
    """Claims owned by a hold; after `expires_at` anybody may take them."""

    id: int
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class ForSession:
    """Claims owned by a group session; its seats claim nothing."""

    id: int


Owner = ForAppointment | ForHold | ForSession

_CONTENDED = {"40P01", "55P03"}
"""SQLSTATE of deadlock_detected and lock_not_available (PostgreSQL, appendix A)."""


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_QUEUE = (
    select(resource.c.id)
    .where(resource.c.id.in_(_IDS))
    .order_by(resource.c.id)
    .with_for_update(key_share=True)
)
_RAISE = (
    update(resource)
    .where(resource.c.id.in_(_IDS))
    .values(claims_version=resource.c.claims_version + 1)
)
_SWEEP = delete(claim).where(
    claim.c.resource_id.in_(_IDS),
    claim.c.starts_at < bindparam("last"),
    claim.c.ends_at > bindparam("first"),
    claim.c.expires_at <= bindparam("now"),
)
_INSERT = insert(claim)


async def take(
    tx: AsyncConnection, owner: Owner, wanted: Mapping[int, Span], now: dt.datetime
) -> None:
    """Replace all claims of `owner` by `wanted` (spans by resource id).

    Raises `SlotTaken`, and has changed nothing, when one of them overlaps another's claim.
    """
    async with attempt(tx):
        held = await tx.scalars(select(claim.c.resource_id).where(_owned_by(owner)))
        await _queue_for(tx, {*held, *wanted})
        await tx.execute(delete(claim).where(_owned_by(owner)))
        if wanted:
            await _insert(tx, owner, wanted, now)


async def take_together(
    tx: AsyncConnection, wanted: Sequence[tuple[Owner, Mapping[int, Span]]], along: Rows,
    now: dt.datetime,
) -> None:  # fmt: skip
    """Give several new owners, whose own rows are among those `along`, what they want.

    All of it or nothing, in `attempt`, or by itself: PostgreSQL needs but one statement.
    """
    claimed = [row for owner, spans in wanted for row in _rows(owner, spans)]
    entries = _entries(wanted)
    if tx.dialect.name == "postgresql":
        parts, given = additions(along, first=5)
        statement = statements.TOGETHER.format(along="".join(f", {part}" for part in parts))
        asked = ([*entries], [*entries.values()], as_json(claim, claimed), now, *given)
        await tx.exec_driver_sql(statement, asked)
        return
    await tx.exec_driver_sql(statements.ADD_ALL, (json.dumps(entries),))
    swept = [
        (resource_id, span.end.timestamp(), span.start.timestamp(), now.timestamp())
        for _, spans in wanted
        for resource_id, span in spans.items()
    ]
    await tx.exec_driver_sql(statements.SWEEP_ONE, swept)
    await add(tx, {**along, claim: claimed})


def _entries(wanted: Sequence[tuple[Owner, Mapping[int, Span]]]) -> Mapping[int, str]:
    """Return what is added to each resource, by id in order (`scheduling.added`)."""
    entries = defaultdict[int, str](str)
    for owner, spans in wanted:
        expires_at = owner.expires_at if isinstance(owner, ForHold) else None
        for resource_id, span in spans.items():
            entries[resource_id] += added.entry(span, expires_at)
    return dict(sorted(entries.items()))


@asynccontextmanager
async def attempt(tx: AsyncConnection) -> AsyncIterator[None]:
    """Try to claim: raises `SlotTaken`, and has changed nothing, when another was faster.

    Outside of a transaction (`Store.writing_once`) it holds one statement, which is all or nothing.
    """
    try:
        async with nullcontext() if _commits_by_itself(tx) else tx.begin_nested():
            yield
    except IntegrityError as error:
        raise SlotTaken from error
    except DBAPIError as error:
        if is_contended(error):
            raise SlotTaken from error
        raise


def _commits_by_itself(tx: AsyncConnection) -> bool:
    """Tell whether each statement is a transaction of its own."""
    options = tx.sync_connection.get_execution_options() if tx.sync_connection else {}
    return options.get("isolation_level") == "AUTOCOMMIT"


async def give_way(tx: AsyncConnection) -> None:
    """Let this transaction wait only shortly for what others are about to take.

    For transactions that claim more than once: they cannot queue for everything in one order,
    so they and another can come to wait for each other. This one then gives up before the
    database ends the other's (PostgreSQL's ``deadlock_timeout`` is a second).
    """
    if tx.dialect.name == "postgresql":
        await tx.execute(text("SET LOCAL lock_timeout = '700ms'"))


def is_contended(error: DBAPIError) -> bool:
    """Tell whether the database refused because another transaction is in the way."""
    return getattr(error.orig, "sqlstate", None) in _CONTENDED


def needed(offer: TopicWay, option: Option, span: Span) -> dict[int, Span]:
    """Return what a consultation claims: the caseworker with buffer, devices with their way."""
    buffer = dt.timedelta(minutes=offer.buffer_minutes)
    wanted = {option.caseworker.id: Span(span.start, span.end + buffer)}
    for other in option.others:
        wanted[other.id] = with_its_way(other, span)
    return wanted


def with_its_way(used: Resource, span: Span) -> Span:
    """Return how long something is claimed that is `used` for a time: on its way as well."""
    return Span(
        span.start - dt.timedelta(minutes=used.setup_minutes),
        span.end + dt.timedelta(minutes=used.return_minutes),
    )


async def release(tx: AsyncConnection, owner: Owner) -> None:
    """Give back everything `owner` has claimed."""
    held = [*await tx.scalars(select(claim.c.resource_id).where(_owned_by(owner)))]
    await _queue_for(tx, held)
    await tx.execute(delete(claim).where(_owned_by(owner)))


async def hand_over(
    tx: AsyncConnection, hold_id: int, appointment_id: int, resource_ids: Collection[int],
    along: Rows,
) -> None:  # fmt: skip
    """Turn the claims of a hold, which are on those resources, into those of an appointment.

    The appointment is among the rows `along`, and the hold is confirmed by it. A hold whose time
    is over still counts while nobody has taken any of its claims. Raises `SlotTaken` when one is
    gone; the transaction is to be given up then.
    """
    ids = sorted(resource_ids)
    if tx.dialect.name == "postgresql":
        parts, given = additions(along, first=4)
        statement = statements.HAND_OVER.format(along="".join(f", {part}" for part in parts))
        asked = (ids, hold_id, appointment_id, *given)
        kept = len((await tx.exec_driver_sql(statement, asked)).all())
    else:
        await tx.exec_driver_sql(statements.ADD_HELD, (hold_id,))
        await add(tx, along)
        owners = (appointment_id, hold_id)
        kept = (await tx.exec_driver_sql(statements.HAND_OVER_ALL, owners)).rowcount
        await tx.exec_driver_sql(statements.CONFIRM, owners)
    if kept != len(ids):
        raise SlotTaken


async def _queue_for(tx: AsyncConnection, resource_ids: Collection[int]) -> None:
    """Wait for our turn on those resources, and note that their claims change."""
    # Two transactions that insert into an exclusion constraint at once can wait for each
    # other in a circle. Queueing on the resources first, in one order, prevents it; the
    # constraint still decides. SQLite has a single writer anyway.
    ids = {"ids": [*resource_ids]}
    if len(resource_ids) > 1 and tx.dialect.name == "postgresql":
        await tx.execute(_QUEUE, ids)
    await tx.execute(_RAISE, ids)


async def _insert(
    tx: AsyncConnection, owner: Owner, wanted: Mapping[int, Span], now: dt.datetime
) -> None:
    spans = wanted.values()
    first, last = min(span.start for span in spans), max(span.end for span in spans)
    await tx.execute(_SWEEP, {"ids": [*wanted], "first": first, "last": last, "now": now})
    await tx.execute(_INSERT, [*_rows(owner, wanted)])


def _owned_by(owner: Owner) -> ColumnElement[bool]:
    if isinstance(owner, ForHold):
        return claim.c.hold_id == owner.id
    if isinstance(owner, ForSession):
        return claim.c.session_id == owner.id
    return claim.c.appointment_id == owner.id


def _rows(owner: Owner, wanted: Mapping[int, Span]) -> Iterable[dict[str, object]]:
    for resource_id, span in sorted(wanted.items()):
        yield {
            "resource_id": resource_id,
            "starts_at": span.start,
            "ends_at": span.end,
            "appointment_id": owner.id if isinstance(owner, ForAppointment) else None,
            "hold_id": owner.id if isinstance(owner, ForHold) else None,
            "session_id": owner.id if isinstance(owner, ForSession) else None,
            "expires_at": owner.expires_at if isinstance(owner, ForHold) else None,
        }
