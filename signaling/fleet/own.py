"""The relay in this process, behind the interface that rooms use."""

from collections.abc import Callable

from signaling.media import Condition, RelayState
from signaling.relay import Conference, Place, Relay

NAME = "own"


class OwnRoom:
    """A conference of the relay in this process; it never moves."""

    def __init__(self, conference: Conference) -> None:
        self.on_layout: Callable[[str], None] | None = None
        self.on_moved: Callable[[], None] | None = None
        self._conference = conference
        conference.on_layout = self._layout_changed
        self.admit = conference.admit
        self.remove = conference.remove

    async def offer(self, participant: str, sdp: str) -> str:
        """Answer an offer; raises BadOffer."""
        return self._conference.offer(participant, sdp)

    def layout(self, participant: str) -> tuple[Place, ...]:
        """Tell which pair of the participant carries whom; empty without a transport."""
        return self._conference.layout(participant)

    def received(self, participant: str) -> int | None:
        """Count the participant's media packets so far; None while they are not connected."""
        return self._conference.received().get(participant)

    def _layout_changed(self, participant: str) -> None:
        if self.on_layout is not None:
            self.on_layout(participant)


class OwnRelay:
    """Carries all rooms in this process."""

    moves = 0

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def conference(self, room: str) -> OwnRoom:
        """Give the media side of a room, opening it when it is new."""
        return OwnRoom(self._relay.conference(room))

    def dissolve(self, room: str) -> None:
        """Close the media side of a room and all its transports."""
        self._relay.dissolve(room)

    def release(self) -> None:
        """Do nothing: this relay ends with its process, and its rooms say goodbye before."""

    @property
    def states(self) -> tuple[RelayState, ...]:
        """The one relay, up: it lives on the loop that answers."""
        return (
            RelayState(
                NAME,
                Condition.UP,
                port=self._relay.port,
                tcp_port=self._relay.tcp_port or 0,
                counters=self._relay.counters,
            ),
        )

    async def close(self) -> None:
        """Close the relay."""
        await self._relay.close()
