"""A second look at what was booked just when the plan changed, for the worklist.

A change of hours is reviewed with the change, but whoever was about to book had looked for a time
before and is booked after it. To make all bookings wait for such a change would cost every one of
them; so what was booked around it is looked at again when those under way must be done.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import structlog
from sqlalchemy.exc import IntegrityError

from scheduling import catalog, worklist
from scheduling.store import Store

log = structlog.get_logger()

SECONDS_BETWEEN_LOOKS = 30.0
UNDER_WAY = dt.timedelta(minutes=5)
"""A booking takes less from its search to its commit, even if it queues for the store."""


class SecondLook:
    """The worker that looks again after changes; several processes may each have one."""

    def __init__(self, store: Store, clock: Callable[[], dt.datetime]) -> None:
        self._store = store
        self._clock = clock
        self._seen: catalog.Version | None = None
        self._until = clock()

    async def run(self) -> None:
        """Look at once, since there may have been a change before the start, and ever again."""
        while True:
            noted = await self.look()
            if noted:
                log.info("noted bookings that a change of the plan overtook", appointments=noted)
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def look(self) -> int:
        """Note what does not fit, if anything has changed lately; return how many."""
        now = self._clock()
        async with self._store.reading() as tx:
            version = await catalog.version(tx)
        if version != self._seen:
            self._seen, self._until = version, now + UNDER_WAY
        if now > self._until:
            return 0
        try:
            async with self._store.writing() as tx:
                return len(await worklist.look_again(tx, now, since=now - 2 * UNDER_WAY))
        except IntegrityError:  # another process noted the same at the same time
            return 0
