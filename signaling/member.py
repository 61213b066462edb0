"""One person in a room: who they are, where they are, and how they are connected."""

from dataclasses import dataclass
from datetime import datetime

from signaling.messages import Cause, Level, Participant, Phase, Quality, Role, ServerMessage
from signaling.moment import Moment
from signaling.outbox import Outbox
from signaling.visits import Stay

_NOT_TOLD = Quality(Level.UNKNOWN, Cause.NONE)


@dataclass(frozen=True)
class Identity:
    """Who connects, as the page's authorisation found out.

    `key` is the same for one person whenever they come to this room.
    """

    key: str
    name: str
    role: Role


@dataclass(slots=True)
class Member:
    """One person in a room, with or without a socket at the moment."""

    id: str
    identity: Identity
    phase: Phase
    since: datetime
    stay: Stay
    outbox: Outbox | None = None
    lost: Moment | None = None
    """Since when the socket is gone without a word; media may still flow."""
    audio: bool = False
    video: bool = False
    quality: Quality = _NOT_TOLD
    granted: datetime | None = None
    """When credentials for TURN were sent last."""

    def seen(self) -> Participant:
        """Give the member as others see them."""
        level = Level.LOST if self.stay.interrupted else self.quality.level
        return Participant(
            self.id, self.identity.name, self.identity.role, self.phase, self.audio, self.video,
            level, self.quality.cause,
        )  # fmt: skip

    def sees(self, other: "Member") -> bool:
        """Tell whether this member may know of the other: hosts of all, the room of itself."""
        if self.identity.role is Role.HOST:
            return True
        return self.phase is Phase.ROOM and other.phase is Phase.ROOM

    def tell(self, message: ServerMessage) -> None:
        """Send a message, if there is a socket."""
        if self.outbox is not None:
            self.outbox.put(message)
