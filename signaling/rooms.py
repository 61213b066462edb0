"""All rooms of one server process, and who wants to know when their lobbies change."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Self
from weakref import WeakSet

import structlog

from signaling.media import Carrier
from signaling.member import Identity
from signaling.messages import EndReason, Level, Phase, Role
from signaling.moment import Moment
from signaling.room import Room
from signaling.turn import Turn
from signaling.visits import Stay, Visits

__all__ = ["Identity", "Role", "Rooms", "Waiting"]

EMPTY = timedelta(minutes=10)
_SWEEP = 1.0  # seconds
_MOST_CHANGES = 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """A guest in the lobby."""

    name: str
    key: str
    since: datetime


class Changes:
    """Room ids whose lobby or presence changed, each at most once until it is taken.

    An asynchronous iterator; as a context manager it stops listening at the end of the block.
    """

    def __init__(self, subscribers: "WeakSet[Changes]") -> None:
        self._rooms: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._subscribers = subscribers
        subscribers.add(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._subscribers.discard(self)

    def note(self, room: str) -> None:
        """Remember a change; the oldest is forgotten when too many rooms wait."""
        self._rooms[room] = None
        if len(self._rooms) > _MOST_CHANGES:
            del self._rooms[next(iter(self._rooms))]
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        while not self._rooms:
            self._wake.clear()
            await self._wake.wait()
        room = next(iter(self._rooms))
        del self._rooms[room]
        return room


class Rooms:
    """The registry of rooms. It lives in memory: after a restart people reconnect into new ones.

    `clock` gives aware datetimes, `steady` monotonic seconds; `turn` grants the office's TURN
    servers. Needs a running event loop.
    """

    def __init__(
        self,
        carrier: Carrier,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = monotonic,
        turn: Turn | None = None,
    ) -> None:
        self.turn = turn or Turn()
        self.on_ended: Callable[[str], Awaitable[None]] | None = None
        self.visits = Visits()
        self.told_levels: Counter[Level] = Counter()
        self._carrier = carrier
        self._clock = clock
        self._steady = steady
        self._rooms: dict[str, Room] = {}
        self._subscribers: WeakSet[Changes] = WeakSet()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_SWEEP, self._swept)
        self.closed = False

    def room(self, room: str) -> Room:
        """Give the room of this id, opening it when it is new."""
        if room not in self._rooms:
            self._rooms[room] = Room(
                self._carrier.conference(room),
                self._now,
                lambda: self._changed(room),
                lambda key: Stay(self.visits, room, key, self._now()),
                self.turn,
            )
            _log.info("room opened")
        return self._rooms[room]

    def waiting(self, room: str) -> tuple[Waiting, ...]:
        """Give the guests in the lobby of a room, the longest waiting first."""
        members = self._rooms[room].members.values() if room in self._rooms else ()
        lobby = [each for each in members if each.phase is Phase.LOBBY]
        return tuple(
            Waiting(each.identity.name, each.identity.key, each.since)
            for each in sorted(lobby, key=lambda each: each.since)
        )

    def live(self, room: str) -> bool:
        """Tell whether a host is or was in the room and it has not ended."""
        return room in self._rooms and self._rooms[room].hosted

    def levels(self) -> Mapping[Level, int]:
        """Count those who are in a room by how well they are connected now."""
        rooms = self._rooms.values()
        inside = [each for room in rooms for each in room.members.values()]
        return Counter(each.seen().quality for each in inside if each.phase is Phase.ROOM)

    def subscribe(self) -> Changes:
        """Give an iterator of the ids of rooms that change from now on."""
        return Changes(self._subscribers)

    async def end(self, room: str) -> None:
        """End a room as its host asked, after telling `on_ended`.

        In this order a guest's link is dead before their socket is, so that nobody comes back
        into a room that is over.
        """
        try:
            if self.on_ended is not None:
                await self.on_ended(room)
        finally:
            self._close(room, EndReason.ENDED)

    async def dismiss_all(self, room: str) -> None:
        """End a room from outside, as when its appointment was cancelled."""
        self._close(room, EndReason.ENDED)

    def sweep(self) -> None:
        """Let go of members who did not come back and of rooms empty for ten minutes."""
        now = self._now()
        for key, room in tuple(self._rooms.items()):
            room.sweep()
            if room.empty_since is not None and now - room.empty_since >= EMPTY:
                self._close(key, EndReason.ENDED)

    async def close(self) -> None:
        """Tell everyone that the server goes down; they come back when it is up again."""
        self.closed = True
        self._timer.cancel()
        self._carrier.release()  # media goes on meanwhile where another process carries it
        for room in tuple(self._rooms):
            self._close(room, EndReason.SHUTDOWN)

    def _close(self, room: str, reason: EndReason) -> None:
        if room in self._rooms:
            self._rooms.pop(room).end(reason)
            self._carrier.dissolve(room)
            self._changed(room)
            _log.info("room closed", reason=str(reason))

    def _now(self) -> Moment:
        return Moment(self._clock(), self._steady())

    def _swept(self) -> None:
        self._timer = self._loop.call_later(_SWEEP, self._swept)
        self.sweep()

    def _changed(self, room: str) -> None:
        for each in tuple(self._subscribers):
            each.note(room)
