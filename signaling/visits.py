"""Visits: who was in which room from when to when, and how often nothing came from them meanwhile.

Nothing is known here of what was said or shown. What is told is what the server itself saw.
"""

import asyncio
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from signaling.moment import Moment

SILENCE = timedelta(seconds=2)
"""For how long nothing may come from somebody who was sending until it is an interruption."""
_STREAM = 10
"""Packets since the last look: less is the control of an idle connection, no voice."""
_TOLD_EVERY = timedelta(seconds=30)
"""How old the end of a visit may be when the server is killed."""
_MOST = 4096


class Ending(StrEnum):
    """How a visit ended; NOT_YET while it goes on."""

    NOT_YET = ""
    LEFT = "left"
    LOST = "lost"
    ENDED = "ended"
    DISMISSED = "dismissed"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in a room as far as it is known; `key` is that of the person's identity."""

    id: str
    room: str
    key: str
    arrived: datetime
    seen: datetime
    """When the server last looked; the end once there is an `ending`."""
    admitted: datetime | None = None
    connected: datetime | None = None
    """When picture and sound could pass for the first time."""
    interruptions: int = 0
    interrupted: timedelta = timedelta()
    ending: Ending = Ending.NOT_YET


class Visits:
    """What has changed of visits and was not taken yet: each visit once, as it is now."""

    def __init__(self) -> None:
        self._changed: dict[str, Visit] = {}
        self._wake = asyncio.Event()

    def note(self, visit: Visit) -> None:
        """Remember how a visit is now; the oldest is forgotten when too many wait."""
        self._changed[visit.id] = visit
        if len(self._changed) > _MOST:
            del self._changed[next(iter(self._changed))]
        self._wake.set()

    def take(self) -> list[Visit]:
        """Give what has changed since it was last asked."""
        taken, self._changed = list(self._changed.values()), {}
        return taken

    def give_back(self, visits: list[Visit]) -> None:
        """Remember what could not be dealt with, where nothing newer is known."""
        newer, self._changed = self._changed, {}
        for visit in (*visits, *newer.values()):
            self.note(visit)

    async def wait(self) -> None:
        """Wait until something has changed."""
        while not self._changed:
            self._wake.clear()
            await self._wake.wait()


class Stay:
    """Follows one visit from the arrival on, and notes in `visits` what changes."""

    def __init__(self, visits: Visits, room: str, key: str, now: Moment) -> None:
        self.visit = Visit(secrets.token_urlsafe(9), room, key, now.wall, now.wall)
        self._visits = visits
        self._told = now
        self._until = now  # since when nothing comes, now if something does
        self._received: int | None = None
        self._streaming = False
        self._moved = now
        self._silent: Moment | None = None
        visits.note(self.visit)

    @property
    def interrupted(self) -> bool:
        """Whether nothing comes from the person although something should."""
        return self._silent is not None

    def admit(self, now: Moment) -> None:
        """Note that the person is in the room."""
        if self.visit.admitted is None:
            self._tell(now, admitted=now.wall)

    def watch(
        self, now: Moment, received: int | None, *, expected: bool, lost: Moment | None
    ) -> None:
        """Look at the visit, once a second.

        `received` counts the media packets of the person so far, None where they have no
        transport; `expected` says that they send if they can; `lost` is since when their socket
        is broken.
        """
        if self.visit.connected is None and received is not None:
            self._tell(now, connected=now.wall)
        if received and received != self._received:
            self._streaming = received - (self._received or 0) >= _STREAM
            self._moved = now
            self._mend(now)
        elif not expected:
            self._moved = now
            self._mend(now)
        elif self._silent is None:
            since = self._moved if self._streaming else lost
            if since is not None and now - since >= SILENCE:
                self._silent = since
        elif lost is None and not self._streaming:
            self._mend(now)
        self._received = received
        self._until = self._silent or lost or now
        if now - self._told >= _TOLD_EVERY:
            self._tell(now)

    def leave(self, now: Moment, ending: Ending) -> None:
        """Note the end.

        Somebody who was lost was there until they fell silent; who went or was sent while nothing
        got through was interrupted until then.
        """
        if ending is Ending.LOST:
            self._tell(now, seen=self._until.wall, ending=ending)
            return
        self._mend(now)
        self._tell(now, ending=ending)

    def _mend(self, now: Moment) -> None:
        if self._silent is None:
            return
        length, self._silent = now - self._silent, None
        count, sum_ = self.visit.interruptions + 1, self.visit.interrupted + length
        self._tell(now, interruptions=count, interrupted=sum_)

    def _tell(self, now: Moment, **changes: object) -> None:
        self.visit = replace(self.visit, **({"seen": now.wall} | changes))  # type: ignore[arg-type]
        self._told = now
        self._visits.note(self.visit)
