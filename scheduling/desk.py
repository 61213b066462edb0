"""Where orders are booked: those that arrive while the store is busy are booked together.

To look for one time and to book it takes a dozen statements and a commit; for many it takes hardly
more. So nobody waits in order to be together with others, but whoever has to wait anyway is
(group commit, see `scheduling.turns`, taken to the statements).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as QueueTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import booking, orders, rows, schema
from scheduling.claims import is_contended
from scheduling.model import SlotTaken
from scheduling.orders import Confirmed, Order, Placed
from scheduling.store import QUEUE_SECONDS, Store

MOST = 32
"""How many orders are booked together: the first of them waits for the last."""

ROUNDS = 4
"""How often they are tried together. One that lost a race to another process makes all of them
fail, and each on its own costs as much as a batch; which one fails for another reason, shows when
each is on its own then."""

Ask = Callable[[AsyncConnection], Awaitable[Order]]
"""Says what is to be booked, with the help of what it reads; may raise whatever it wants."""


@dataclass(slots=True, eq=False)
class _Place:
    """Somebody in the queue. Whoever has gone meanwhile has no answer to wait for."""

    ask: Ask
    since: float
    answer: asyncio.Future[Confirmed] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def tell(self, answer: Confirmed | Exception) -> None:
        """Answer, if anybody still waits."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class Desk:
    """Books orders on one store, in the order in which they arrive.

    `turn` decides between caseworkers, or rooms, that are equally good. Several processes on one
    store, each with another one, seldom reach for the same people at once.
    """

    def __init__(self, store: Store, turn: int = 0) -> None:
        self._store = store
        self._turn = turn
        self._numbers = rows.Numbers(schema.appointment)
        self._queue: deque[_Place] = deque()
        self._work: asyncio.Task[None] | None = None

    async def book(self, ask: Ask) -> Confirmed:
        """Book what `ask` says; return when it is committed.

        Raises what `ask` raises, `SlotTaken`, or what the store raises when it cannot be reached.
        Whoever is cancelled before their turn has booked nothing; later, it is booked all the same.
        """
        place = _Place(ask, asyncio.get_running_loop().time())
        self._queue.append(place)
        if self._work is None:
            self._work = asyncio.ensure_future(self._serve_all())
        return await place.answer

    async def close(self) -> None:
        """Book what is waiting."""
        if self._work is not None:
            await asyncio.wait([self._work])

    async def _serve_all(self) -> None:
        try:
            while self._queue:
                await self._serve([*self._next()])
        finally:
            self._work = None

    def _next(self) -> Sequence[_Place]:
        """Return whose turn it is now."""
        latest = asyncio.get_running_loop().time() - QUEUE_SECONDS
        found: list[_Place] = []
        while self._queue and len(found) < MOST:
            place = self._queue.popleft()
            if place.since < latest:
                place.tell(QueueTimeout("the queue for bookings is too long"))
            elif not place.answer.done():
                found.append(place)
        return found

    async def _serve(self, places: Sequence[_Place]) -> None:
        try:
            for _ in range(ROUNDS):
                if await self._served(places):
                    return
            left = [one for one in places if not one.answer.done()]
            await asyncio.gather(*(self._serve_alone(one) for one in left))
        except Exception as error:  # noqa: BLE001  (whoever waits raises it)
            for place in places:
                place.tell(error)

    async def _served(self, places: Sequence[_Place]) -> bool:
        """Book what they want, all of it or nothing; return whether that was possible."""
        async with self._store.reading() as tx:
            asked = await _asked(tx, [one for one in places if not one.answer.done()])
            placed = await orders.place(tx, [order for _, order in asked], self._turn)
            to_book = [one for one in placed if isinstance(one, Placed)]
            ids = await self._numbers.take(tx, len(to_book))
        try:
            confirmed = await self._together(to_book, ids)
        except Exception as error:
            if _may_be_anothers_fault(error):
                return False
            raise
        # Whoever lost to one of the others is told when that is committed: they see it then.
        booked = iter(confirmed)
        for (place, _), one in zip(asked, placed, strict=True):
            place.tell(one if isinstance(one, SlotTaken) else next(booked))
        return True

    async def _together(self, placed: Sequence[Placed], ids: Sequence[int]) -> Sequence[Confirmed]:
        if not placed:
            return ()
        async with self._store.writing_once() as tx:
            return await orders.book(tx, placed, ids)

    async def _serve_alone(self, place: _Place) -> None:
        try:
            async with self._store.writing() as tx:
                confirmed = await booking.book_one(tx, await place.ask(tx))
        except Exception as error:  # noqa: BLE001  (whoever waits raises it)
            place.tell(error)
        else:
            place.tell(confirmed)


async def _asked(
    tx: AsyncConnection, places: Sequence[_Place]
) -> list[tuple[_Place, Order]]:  # fmt: skip
    """Return what each of them wants; whoever cannot say it is told so."""
    asked = []
    for place in places:
        try:
            asked.append((place, await place.ask(tx)))
        except Exception as error:  # noqa: BLE001  (it is raised where it was asked)
            place.tell(error)
    return asked


def _may_be_anothers_fault(error: Exception) -> bool:
    """Tell whether one of several orders may have made all of them fail."""
    if isinstance(error, DBAPIError):
        return isinstance(error, IntegrityError) or is_contended(error)
    return not isinstance(error, SQLAlchemyError | OSError)
