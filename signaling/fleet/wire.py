"""The control protocol between servers and relays: frames, and one type per message.

A frame is its length in four bytes, big-endian, and a JSON object whose `type` names the message;
docs/media.md tells who says what when.
"""

import asyncio
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from signaling.relay import Place

VERSION = 1
LONGEST = 512 * 1024
"""Bytes of a frame: an offer of 64 KiB as JSON escapes it at worst, and then some."""
LONGEST_GREETING = 1024
"""Bytes of a frame of somebody who has not proved to know the secret."""
MOST_UNREAD = 4 * 1024 * 1024
"""Bytes that may wait to be read by the other side before the connection is given up."""

T = TypeVar("T")


class WireError(Exception):
    """The other side said what is no message of this protocol."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Relay: the first message. `nonce` is to be proved."""

    version: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """Server: proves the secret over the relay's nonce, and asks for the same."""

    version: int
    nonce: str
    proof: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Relay: no, and the connection closes. `reason` is `version`, `secret` or `busy`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Load:
    """Relay: the answer to the greeting's proof, and every second from then on.

    `cpu` is the part of one core that the process took since the last; `participants` are those
    of all servers. `tcp_port` is 0 where the relay has none.
    """

    participants: int
    cpu: float
    port: int
    tcp_port: int
    addresses: tuple[str, ...]
    counters: dict[str, int]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Relay: answers the greeting with its own proof."""

    proof: str
    load: Load


@dataclass(frozen=True, slots=True)
class Offer:
    """Server: `sdp` of a participant; opens the room when it is new."""

    id: int
    room: int
    participant: str
    sdp: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Relay: answers the offer of that id."""

    id: int
    sdp: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Relay: the offer of that id has no answer. `bad`: the fault is the offer's."""

    id: int
    bad: bool
    message: str


@dataclass(frozen=True, slots=True)
class Admit:
    """Server: forward from and to the participant."""

    room: int
    participant: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Server: close the participant's transport."""

    room: int
    participant: str


@dataclass(frozen=True, slots=True)
class Dissolve:
    """Server: close the room."""

    room: int


@dataclass(frozen=True, slots=True)
class Alive:
    """Server: every second, so that the relay notices when it is gone."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Relay: the pairs of a participant carry others than before."""

    room: int
    participant: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Relay: every second, the media packets so far of everyone connected in a room."""

    room: int
    packets: dict[str, int]


@dataclass(frozen=True, slots=True)
class Leaving:
    """Relay: it ends soon; rooms are to be carried elsewhere."""


Order = Greeting | Offer | Admit | Remove | Dissolve | Alive
Report = Challenge | Refused | Accepted | Load | Answer | Failure | Layout | Heard | Leaving
Message = Order | Report

ORDERS: Mapping[str, type[Order]] = {
    "greeting": Greeting, "offer": Offer, "admit": Admit, "remove": Remove,
    "dissolve": Dissolve, "alive": Alive,
}  # fmt: skip
REPORTS: Mapping[str, type[Report]] = {
    "challenge": Challenge, "refused": Refused, "accepted": Accepted, "load": Load,
    "answer": Answer, "failure": Failure, "layout": Layout, "heard": Heard, "leaving": Leaving,
}  # fmt: skip
VERDICTS: Mapping[str, type[Accepted | Refused]] = {"accepted": Accepted, "refused": Refused}
_NAMES = {kind: name for name, kind in [*ORDERS.items(), *REPORTS.items()]}
_FIELDS: Mapping[type, Mapping[str, Any]] = {
    kind: get_type_hints(kind) for kind in [*_NAMES, Place]
}


def proof(secret: bytes, side: str, nonces: tuple[str, str]) -> str:
    """Prove to know the secret, as `side` of a connection with the relay's and the server's nonce.

    The side is part of it, so that a proof cannot be sent back to whom it came from.
    """
    said = f"sprechzeit control {VERSION} {side} {' '.join(nonces)}"
    return hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()


def encode(message: Message) -> bytes:
    """Write a message as a frame."""
    body = {"type": _NAMES[type(message)], **dataclasses.asdict(message)}
    text = json.dumps(body, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "big") + text


async def receive(
    reader: asyncio.StreamReader, known: Mapping[str, type[T]], longest: int = LONGEST
) -> T:
    """Read the next frame as one of the `known` messages.

    Raises WireError, and asyncio.IncompleteReadError or OSError at the connection's end.
    """
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > longest:
        raise WireError("a frame is too long")
    return decode(await reader.readexactly(length), known)


def decode(text: bytes, known: Mapping[str, type[T]]) -> T:
    """Read the JSON of a frame as one of the `known` messages; raises WireError."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError("a frame is not JSON") from error
    name = body.pop("type", None) if isinstance(body, dict) else None
    kind = known.get(name) if isinstance(name, str) else None
    if kind is None:
        raise WireError("a message is of no known type")
    return _read(kind, body)


def _read(kind: type[T], body: object) -> T:
    fields = _FIELDS[kind]
    if not isinstance(body, dict):
        raise WireError(f"{kind.__name__} is no object")
    # A later version may say more; what is said here must be there.
    return kind(**{name: _value(wanted, body.get(name)) for name, wanted in fields.items()})


def _value(wanted: Any, value: object) -> object:  # noqa: PLR0911  one line per type
    match value:
        case bool() | str() if wanted is type(value):
            return value
        case int() if wanted is int and not isinstance(value, bool):
            return value
        case int() | float() if wanted is float and not isinstance(value, bool):
            return float(value)
        case None if wanted == str | None:
            return None
        case str() if wanted == str | None:
            return value
        case list() if wanted == tuple[str, ...]:
            return tuple(_value(str, each) for each in value)
        case list() if wanted == tuple[Place, ...]:
            return tuple(_read(Place, each) for each in value)
        case dict() if wanted == dict[str, int]:
            return {str(name): _value(int, each) for name, each in value.items()}
        case dict() if wanted is Load:
            return _read(Load, value)
        case _:
            raise WireError("a field is missing or of the wrong type")


def send(writer: asyncio.StreamWriter, message: Message) -> None:
    """Write a message without waiting; who does not read what waits is cut off."""
    transport = writer.transport
    if transport.is_closing():
        return
    if transport.get_write_buffer_size() > MOST_UNREAD:
        transport.abort()
        return
    writer.write(encode(message))
