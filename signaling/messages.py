"""The wire protocol's messages, as `docs/signaling.md` has them: one type per message."""

from dataclasses import dataclass
from enum import StrEnum

from signaling.text import Returned, Text, Written

VERSION = 1
SUBPROTOCOL = "sprechzeit.v1"
LONGEST_FRAME = 64 * 1024


class Code(StrEnum):
    """Stable error codes."""

    BAD_MESSAGE = "bad_message"
    TOO_LARGE = "too_large"
    HELLO_EXPECTED = "hello_expected"
    VERSION = "version"
    BAD_OFFER = "bad_offer"
    BAD_TEXT = "bad_text"
    NOT_ALLOWED = "not_allowed"
    UNKNOWN_PARTICIPANT = "unknown_participant"
    ROOM_FULL = "room_full"
    TOO_MANY_MESSAGES = "too_many_messages"
    SLOW = "slow"
    NO_RELAY = "no_relay"


FATAL = frozenset({
    Code.TOO_LARGE, Code.HELLO_EXPECTED, Code.VERSION, Code.ROOM_FULL,
    Code.TOO_MANY_MESSAGES, Code.SLOW,
})  # fmt: skip


class ProtocolError(Exception):
    """What a client did cannot be done; `code` and `fatal` go over the wire."""

    def __init__(self, code: Code, message: str, *, fatal: bool | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fatal = code in FATAL if fatal is None else fatal


class Phase(StrEnum):
    """Where a participant is."""

    LOBBY = "lobby"
    ROOM = "room"


class Role(StrEnum):
    """What a participant may do: a host admits, dismisses and ends; a guest waits to be let in."""

    HOST = "host"
    GUEST = "guest"


class Level(StrEnum):
    """How well somebody is connected; LOST is what the server finds, the others they tell."""

    UNKNOWN = "unknown"
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"
    LOST = "lost"


class Cause(StrEnum):
    """What weighs most when a connection is not good."""

    NONE = "none"
    LOSS_IN = "loss_in"
    LOSS_OUT = "loss_out"
    DELAY = "delay"
    JITTER = "jitter"
    FREEZES = "freezes"
    NARROW = "narrow"


class EndReason(StrEnum):
    """Why the server ends a participant's socket."""

    ENDED = "ended"
    DISMISSED = "dismissed"
    REPLACED = "replaced"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class OfferMessage:
    """`offer`: a new SDP offer; also part of `hello`."""

    id: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Hello:
    """`hello`: the first message."""

    audio: bool
    video: bool
    offer: OfferMessage | None


@dataclass(frozen=True, slots=True)
class State:
    """`state`: microphone and camera on or off."""

    audio: bool
    video: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """`quality`: how well the client finds itself connected; shown to others, never relied upon."""

    level: Level
    cause: Cause


@dataclass(frozen=True, slots=True)
class Admit:
    """`admit`: let a guest in."""

    participant: str


@dataclass(frozen=True, slots=True)
class Dismiss:
    """`dismiss`: turn a guest away for good."""

    participant: str


@dataclass(frozen=True, slots=True)
class Leave:
    """`leave`: leave the room; others stay."""


@dataclass(frozen=True, slots=True)
class End:
    """`end`: end the consultation for all."""


@dataclass(frozen=True, slots=True)
class Ping:
    """`ping`: answered by `pong` with the same id."""

    id: int


ClientMessage = Hello | OfferMessage | State | Quality | Text | Admit | Dismiss | Leave | End | Ping


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody as others see them; also the body of `participant`."""

    id: str
    name: str
    role: Role
    phase: Phase
    audio: bool
    video: bool
    quality: Level = Level.UNKNOWN
    cause: Cause = Cause.NONE


class TransportPolicy(StrEnum):
    """Which ways to the relay a client may try, in the words of RTCConfiguration."""

    ALL = "all"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class IceServer:
    """A TURN server of the office and credentials for it, as RTCIceServer has them."""

    urls: tuple[str, ...]
    username: str
    credential: str


@dataclass(frozen=True, slots=True)
class Ice:
    """`ice`: how the relay may be reached from the next ICE restart on."""

    iceServers: tuple[IceServer, ...] = ()  # noqa: N815  the name RTCConfiguration has
    iceTransportPolicy: TransportPolicy = TransportPolicy.ALL  # noqa: N815  as above


@dataclass(frozen=True, slots=True)
class Welcome:
    """`welcome`: answers `hello`."""

    you: str
    role: Role
    phase: Phase
    participants: tuple[Participant, ...]
    heartbeat: int
    iceServers: tuple[IceServer, ...] = ()  # noqa: N815  as in Ice
    iceTransportPolicy: TransportPolicy = TransportPolicy.ALL  # noqa: N815  as in Ice


@dataclass(frozen=True, slots=True)
class Answer:
    """`answer`: answers the offer of the same id."""

    id: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """`admitted`: you are in; media flows from now on."""

    participants: tuple[Participant, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """`participant`: somebody is new or has changed."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class Gone:
    """`gone`: somebody left."""

    participant: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One receiving pair of a `layout`: the mids and whom it carries."""

    audio: str
    video: str
    participant: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """`layout`: which receiving pair carries whom."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """`moved`: another relay carries the media; offer on a new peer connection."""


@dataclass(frozen=True, slots=True)
class Ended:
    """`ended`: the socket closes after this."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class Pong:
    """`pong`: answers `ping`."""

    id: int


@dataclass(frozen=True, slots=True)
class Failure:
    """`error`: something asked for was not done."""

    code: Code
    message: str
    fatal: bool


ServerMessage = (
    Welcome | Ice | Answer | Admitted | Changed | Gone | Layout | Moved | Ended | Pong | Failure
    | Written | Returned
)  # fmt: skip
