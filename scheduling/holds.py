"""A slot kept while somebody types: hold, read, release."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy import Row, bindparam, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, claims, rows, schema, slots
from scheduling.changes import things
from scheduling.grid import local_date
from scheduling.model import Hold, HoldExpired, Needs, NotFound, SlotTaken, Span, Topic, Way
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import digest, new_token

Taken = TypeVar("Taken")

LOOKS = 2
"""How often a hold looks who is free: whoever lost one room to a neighbour may get the next."""

_RELEASE = (
    update(schema.hold)
    .where(schema.hold.c.id == bindparam("hold"))
    .values(expires_at=bindparam("now"))
)
# A slot offered to somebody who waits moves their appointment; it makes no second one.
_OFFERED = exists().where(schema.waiting.c.hold_id == schema.hold.c.id).label("is_offer")
_BY_TOKEN = select(schema.hold, _OFFERED, *catalog.VERSION).where(
    schema.hold.c.token_hash == bindparam("hash")
)
_LOCKED = _BY_TOKEN.with_for_update(of=schema.hold)


async def hold(
    tx: AsyncConnection,
    *,
    topic: Topic,
    way: Way,
    start: dt.datetime,
    now: dt.datetime,
    site_id: int | None = None,
    caseworker_id: int | None = None,
    needs: Needs | None = None,
    minutes: int = 10,
    for_staff: bool = False,
    with_people: tuple[int, ...] = (),
    found: Sequence[Option] | None = None,
) -> tuple[str, Hold]:
    """Keep the slot at `start` for `minutes`; return the hold's token and the hold.

    It is kept for `with_people`, colleagues beside the caseworker, as well.

    `found` are those whom the same search has found free a moment ago; who is free is looked
    up when none is given, or all of them have been taken since.
    Raises `SlotTaken` when the start is not, or no longer, possible. `Store.writing_once` is enough.
    """
    query = wanted(
        topic, way, start, site_id=site_id, needs=needs, caseworker_id=caseworker_id,
        for_staff=for_staff, with_people=with_people,
    )  # fmt: skip
    expires_at = now + dt.timedelta(minutes=minutes)
    return await first_taken(
        tx, query, start, now, found,
        lambda option: _take(tx, query, option, start, expires_at, now),
    )  # fmt: skip


async def first_taken(
    tx: AsyncConnection,
    query: SlotQuery,
    start: dt.datetime,
    now: dt.datetime,
    found: Sequence[Option] | None,
    take: Callable[[Option], Awaitable[Taken]],
) -> Taken:
    """Return what `take` gives for the first option that is not taken meanwhile.

    `found` is tried first, then whoever is free when looked up. Raises `SlotTaken` after that.
    """
    for _ in range(LOOKS):
        for option in await slots.options(tx, query, start, now) if found is None else found:
            try:
                return await take(option)
            except SlotTaken:
                continue
        found = None
    raise SlotTaken


def wanted(
    topic: Topic,
    way: Way,
    start: dt.datetime,
    *,
    site_id: int | None,
    needs: Needs | None,
    caseworker_id: int | None = None,
    for_staff: bool = False,
    with_people: tuple[int, ...] = (),
) -> SlotQuery:
    """Return the search for whoever could take `start`."""
    date = local_date(start)
    return SlotQuery(
        topic, way, date, date, site_id, needs or Needs(), caseworker_id,
        with_people=with_people, for_staff=for_staff,
    )  # fmt: skip


async def read_hold(tx: AsyncConnection, token: str, now: dt.datetime) -> Hold:
    """Return the hold of a `token`.

    Raises `NotFound` for an unknown token, `HoldExpired` when its time is over.
    A confirmed hold never expires.
    """
    found, _ = await _by_token(tx, token)
    if found.appointment_id is None and found.expires_at <= now:
        raise HoldExpired(found)
    return found


async def locked(tx: AsyncConnection, token: str) -> Hold:
    """Return the hold of a `token` to whoever confirms it; others wait meanwhile.

    Raises `NotFound` for an unknown token, and for a slot that was offered in exchange for an
    appointment.
    """
    found, is_offer = await _by_token(tx, token, lock=True)
    if is_offer:
        raise NotFound
    return found


async def release(tx: AsyncConnection, token: str, now: dt.datetime) -> None:
    """Give a held slot back. A confirmed hold is left alone."""
    found, _ = await _by_token(tx, token, lock=True)
    if found.appointment_id is None:
        await claims.release(tx, claims.ForHold(found.id, found.expires_at))
        await tx.execute(_RELEASE, {"hold": found.id, "now": now})


async def _take(
    tx: AsyncConnection, query: SlotQuery, option: Option, start: dt.datetime,
    expires_at: dt.datetime, now: dt.datetime,
) -> tuple[str, Hold]:  # fmt: skip
    token = new_token()
    span = Span(start, start + dt.timedelta(minutes=query.offer.minutes))
    taken = things(option)
    (hold_id,) = await rows.new_ids(tx, schema.hold, 1)
    along = {
        schema.hold: [{
            "id": hold_id,
            "token_hash": digest(token),
            "topic_id": query.topic.id,
            "way": query.way,
            "site_id": option.place_id,
            "caseworker_id": option.caseworker.id,
            **taken,
            "starts_at": span.start,
            "ends_at": span.end,
            "expires_at": expires_at,
        }]
    }  # fmt: skip
    wanted = claims.needed(query.offer, option, span)
    async with claims.attempt(tx):
        await claims.take_together(tx, [(claims.ForHold(hold_id, expires_at), wanted)], along, now)
    place = (await catalog.current(tx)).site(option.place_id)
    return token, Hold(
        hold_id, query.topic, query.way, place, option.caseworker, span, expires_at,
        **taken, appointment_id=None,
    )  # fmt: skip


async def _by_token(tx: AsyncConnection, token: str, *, lock: bool = False) -> tuple[Hold, bool]:
    found = await tx.execute(_LOCKED if lock else _BY_TOKEN, {"hash": digest(token)})
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return await _read(tx, row), row.is_offer


async def _read(tx: AsyncConnection, row: Row[tuple[object, ...]]) -> Hold:
    catalogue = await catalog.current(tx, catalog.version_of(row))
    people = await catalog.resources_of(tx, catalogue, [row.caseworker_id])
    return Hold(
        id=row.id,
        topic=catalogue.topic(row.topic_id),
        way=Way(row.way),
        site=catalogue.site(row.site_id),
        caseworker=people[row.caseworker_id],
        span=Span(row.starts_at, row.ends_at),
        expires_at=row.expires_at,
        room_id=row.room_id,
        tablet_id=row.tablet_id,
        camera_id=row.camera_id,
        interpreter_id=row.interpreter_id,
        appointment_id=row.appointment_id,
    )
