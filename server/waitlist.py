"""Offering earlier times: a look at the waiting list every few seconds, and the letters of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import structlog

from scheduling import offers, outbox, waitlist
from scheduling.store import Store
from web.letters import Letters

log = structlog.get_logger()

SECONDS_BETWEEN_ROUNDS = 15.0


class Waitlist:
    """The worker that offers what became free; several processes may each have one."""

    def __init__(self, store: Store, letters: Letters, clock: Callable[[], dt.datetime]) -> None:
        self._store = store
        self._letters = letters
        self._clock = clock

    async def run(self) -> None:
        """Offer what is free, at once and then again and again."""
        while True:
            offered = await self.offer_once()
            if offered:
                log.info("offered earlier times", offers=offered)
            await asyncio.sleep(SECONDS_BETWEEN_ROUNDS)

    async def offer_once(self) -> int:
        """Make the offers that are possible now; return how many.

        An offer and its letter are stored in one transaction: nobody is promised a time
        without being told, and no letter promises one that is not kept.
        """
        now = self._clock()
        async with self._store.reading() as tx:
            if not await offers.anybody_waits(tx, now):
                return 0
        async with self._store.writing() as tx:
            made = await waitlist.offer(tx, now)
            for offer in made:
                person = offer.appointment.person
                if person.email:  # booked by phone, without an address: the office tells them
                    letter = self._letters.to_waiting(offer, now=now)
                    await outbox.post(tx, person.email, letter, now)
        return len(made)
