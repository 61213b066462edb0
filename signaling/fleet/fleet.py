"""Several relay processes as one: rooms are spread by load and moved when a relay goes."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

import structlog

from signaling.fleet.address import ControlAddress
from signaling.fleet.link import Link, Patience
from signaling.fleet.wire import Admit, Remove
from signaling.media import Condition, NoRelay, RelayState
from signaling.relay import Place

FULL = 0.7
"""The part of a core above which a relay gets rooms only when all others are as busy."""
_PEOPLE = 2
"""Expected in a room that was opened a moment ago."""
_MOST_LOSSES, _WITHIN, _REST = 3, 60.0, 30.0
_log = structlog.get_logger(__name__)


class FleetRoom:
    """The media side of one room, on whichever relay it is placed."""

    def __init__(self) -> None:
        self.on_layout: Callable[[str], None] | None = None
        self.on_moved: Callable[[], None] | None = None
        self.link: Link | None = None
        self.rests_until = 0.0
        self._number = 0
        self._admitted: dict[str, None] = {}
        self._layouts: dict[str, tuple[Place, ...]] = {}
        self._received: Mapping[str, int] = {}
        self._losses: deque[float] = deque(maxlen=_MOST_LOSSES)

    async def offer(self, participant: str, sdp: str) -> str:
        """Answer an offer; raises BadOffer, and NoRelay when nobody can answer in time."""
        link, number = self.link, self._number
        if link is None:
            raise NoRelay
        answer = await link.offer(number, participant, sdp)
        if (link, number) != (self.link, self._number):
            raise NoRelay  # it moved meanwhile, and `on_moved` has told so
        return answer

    def admit(self, participant: str) -> None:
        """Begin to forward between the participant and everyone else admitted."""
        self._admitted[participant] = None
        if self.link is not None:
            self.link.post(Admit(self._number, participant))

    def remove(self, participant: str) -> None:
        """Stop forwarding and close the participant's transport."""
        self._admitted.pop(participant, None)
        self._layouts.pop(participant, None)
        if self.link is not None:
            self.link.post(Remove(self._number, participant))

    def layout(self, participant: str) -> tuple[Place, ...]:
        """Tell which pair of the participant carries whom; empty without a transport."""
        return self._layouts.get(participant, ())

    def received(self, participant: str) -> int | None:
        """Count the participant's media packets so far; None while they are not connected."""
        return self._received.get(participant) if self.link is not None else None

    def heard(self, packets: Mapping[str, int]) -> None:
        """Take from the relay how many packets have come from whom."""
        self._received = packets

    def placed(self, participant: str, places: tuple[Place, ...], *, told: bool) -> None:
        """Take a participant's layout from the relay."""
        self._layouts[participant] = places
        if told and self.on_layout is not None:
            self.on_layout(participant)

    def enter(self, link: Link) -> None:
        """Take place on a relay; everyone admitted is admitted there."""
        self.link, self._number = link, link.open(self)
        for participant in self._admitted:
            link.post(Admit(self._number, participant))

    def leave(self, now: float | None = None) -> None:
        """Have no relay any more; `now` (monotonic seconds) when it was lost against its will."""
        self.link = None
        self._layouts.clear()
        self._received = {}
        if now is None:
            return
        self._losses.append(now)
        if len(self._losses) == _MOST_LOSSES and now - self._losses[0] < _WITHIN:
            # Something in this room may be what brings relays down: the others come first.
            self.rests_until = now + _REST
            _log.warning("room rests", losses=_MOST_LOSSES, seconds=_REST)

    def close(self) -> None:
        """Close the room on its relay."""
        if self.link is not None:
            self.link.dissolve(self._number)
            self.link = None


class Fleet:
    """Carries rooms on the relay processes at `addresses`. Needs a running event loop."""

    def __init__(
        self, addresses: Iterable[ControlAddress], secret: bytes, patience: Patience | None = None
    ) -> None:
        self.moves = 0
        self.links = tuple(
            Link(each, secret, self._changed, patience or Patience()) for each in addresses
        )
        self._rooms: dict[str, FleetRoom] = {}
        self._loop = asyncio.get_running_loop()
        self._closed = False

    @property
    def states(self) -> tuple[RelayState, ...]:
        """The relays, in the order of the configuration."""
        return tuple(each.state for each in self.links)

    def conference(self, room: str) -> FleetRoom:
        """Give the media side of a room, opening it on the relay with the least to do."""
        if room not in self._rooms:
            self._rooms[room] = FleetRoom()
            self._place(self._rooms[room])
        return self._rooms[room]

    def dissolve(self, room: str) -> None:
        """Close the media side of a room and all its transports."""
        conference = self._rooms.pop(room, None)
        if conference is not None:
            conference.close()

    async def tried(self, within: float) -> None:
        """Wait until each relay has answered or failed to, for `within` seconds at most."""
        attempts = [asyncio.create_task(each.tried.wait()) for each in self.links]
        _, late = await asyncio.wait(attempts, timeout=within)
        for each in late:
            each.cancel()

    def release(self) -> None:
        """Give no more orders; relays carry the rooms on until they notice, and for a while."""
        self._closed = True
        self._rooms.clear()
        for link in self.links:
            link.retire()

    async def close(self) -> None:
        """Let go of all rooms; the links end with the tasks that run them."""
        self.release()

    def _changed(self, link: Link) -> None:
        if self._closed:
            return
        match link.condition:
            case Condition.UP:
                self._place_all(each for each in self._rooms.values() if each.link is None)
                for leaving in self.links:
                    if leaving.condition is Condition.LEAVING:
                        self._move_off(leaving, lost=False)
            case Condition.LEAVING if self._best() is not None:
                # Its rooms go on there until their people have gone.
                self._move_off(link, lost=False)
            case Condition.DOWN | Condition.REFUSED:
                self._move_off(link, lost=True)
            case _:
                pass  # there is nowhere else to go: it carries them to its end

    def _move_off(self, link: Link, *, lost: bool) -> None:
        rooms = [each for each in self._rooms.values() if each.link is link]
        link.forsake()
        for room in rooms:
            room.leave(self._loop.time() if lost else None)
        self._place_all(rooms)

    def _place_all(self, rooms: Iterable[FleetRoom]) -> None:
        for room in tuple(rooms):
            if self._place(room):
                self.moves += 1
                if room.on_moved is not None:
                    room.on_moved()

    def _place(self, room: FleetRoom) -> bool:
        link = self._best()
        if link is None:
            return False
        now = self._loop.time()
        if room.rests_until > now:
            self._loop.call_later(room.rests_until - now, self._rested, room)
            return False
        room.enter(link)
        return True

    def _rested(self, room: FleetRoom) -> None:
        if room in self._rooms.values() and room.link is None:
            self._place_all([room])

    def _best(self) -> Link | None:
        up = [each for each in self.links if each.condition is Condition.UP]
        return min(up, key=_burden, default=None)


def _burden(link: Link) -> tuple[bool, int]:
    load = link.load
    assert load is not None  # a relay that is up has told it
    return load.cpu > FULL, load.participants + _PEOPLE * link.since_load
