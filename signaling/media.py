"""What rooms ask of whoever carries their media: a relay in this process, or several elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from signaling.relay import Place


class NoRelay(Exception):
    """No relay answers for the room at the moment; `on_moved` tells when one does."""


class MediaRoom(Protocol):
    """The media side of one room.

    `on_layout` is called with a participant whose layout changed; `on_moved` when another relay
    carries the room from now on and everyone is to offer on a new connection.
    """

    on_layout: Callable[[str], None] | None
    on_moved: Callable[[], None] | None

    async def offer(self, participant: str, sdp: str) -> str:
        """Answer an offer; raises BadOffer, and NoRelay when nobody can answer in time."""

    def admit(self, participant: str) -> None:
        """Begin to forward between the participant and everyone else admitted."""

    def remove(self, participant: str) -> None:
        """Stop forwarding and close the participant's transport."""

    def layout(self, participant: str) -> tuple[Place, ...]:
        """Tell which pair of the participant carries whom; empty without a transport."""

    def received(self, participant: str) -> int | None:
        """Count the participant's media packets so far; None while they are not connected."""


class Condition(StrEnum):
    """How a relay is."""

    UP = "up"
    LEAVING = "leaving"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RelayState:
    """One relay, as monitoring sees it.

    `cpu` is the part of one core that its process took in the last second, None where it
    has none of its own; `reason` says why it is down or refused. `counters` are its own.
    """

    name: str
    condition: Condition
    port: int = 0
    tcp_port: int = 0
    """0 where there is none, or where it is not known yet."""
    cpu: float | None = None
    reason: str = ""
    counters: Mapping[str, int] = field(default_factory=dict)


class Carrier(Protocol):
    """Carries the media of rooms."""

    def conference(self, room: str) -> MediaRoom:
        """Give the media side of a room, opening it when it is new."""

    def dissolve(self, room: str) -> None:
        """Close the media side of a room and all its transports."""

    def release(self) -> None:
        """Give no more orders, as this process ends: relays elsewhere carry on for a while."""

    @property
    def states(self) -> tuple[RelayState, ...]:
        """The relays behind it, in the order of the configuration."""

    @property
    def moves(self) -> int:
        """How many times a room came to another relay since the start."""

    async def close(self) -> None:
        """Let go of everything."""
