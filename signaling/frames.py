"""Messages as the JSON text that goes over the wire, and frames read back into messages."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from signaling.messages import (
    VERSION,
    Admit,
    Admitted,
    Answer,
    Cause,
    Changed,
    ClientMessage,
    Code,
    Dismiss,
    End,
    Ended,
    Failure,
    Gone,
    Hello,
    Ice,
    Layout,
    Leave,
    Level,
    Moved,
    OfferMessage,
    Ping,
    Pong,
    ProtocolError,
    Quality,
    ServerMessage,
    State,
    Welcome,
)
from signaling.text import MOST_LINES, Line, Returned, Text, Written

_T = TypeVar("_T")

_LONGEST_ID = 128

_NAMES: Mapping[type, str] = {
    Welcome: "welcome", Ice: "ice", Answer: "answer", Admitted: "admitted", Gone: "gone",
    Layout: "layout", Moved: "moved", Ended: "ended", Pong: "pong", Failure: "error",
    Written: "text", Returned: "returned",
}  # fmt: skip


_TOLD = frozenset({Level.GOOD, Level.FAIR, Level.POOR})


def encode(message: ServerMessage) -> str:
    """Write a message as the JSON text that goes over the wire."""
    if isinstance(message, Changed):
        return _json({"type": "participant", **dataclasses.asdict(message.participant)})
    return _json({"type": _NAMES[type(message)], **dataclasses.asdict(message)})


def decode(text: str) -> ClientMessage:
    """Read a client's frame; raises ProtocolError with `bad_message` or `version`."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(Code.BAD_MESSAGE, "not JSON") from error
    kind = body.get("type") if isinstance(body, dict) else None
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise ProtocolError(Code.BAD_MESSAGE, "no type that is known")
    return reader(body)


def _json(body: Mapping[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _field(body: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    value = body.get(name)
    # bool is an int in Python, not in JSON.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProtocolError(Code.BAD_MESSAGE, f"{name} is missing or of the wrong type")
    return value


def _hello(body: Mapping[str, Any]) -> Hello:
    if _field(body, "version", int) != VERSION:
        raise ProtocolError(Code.VERSION, f"version {VERSION} is spoken here")
    offer = body.get("offer")
    if offer is not None and not isinstance(offer, dict):
        raise ProtocolError(Code.BAD_MESSAGE, "offer is no object")
    return Hello(
        _field(body, "audio", bool), _field(body, "video", bool), _offer(offer) if offer else None
    )


def _offer(body: Mapping[str, Any]) -> OfferMessage:
    return OfferMessage(_field(body, "id", int), _field(body, "sdp", str))


def _state(body: Mapping[str, Any]) -> State:
    return State(_field(body, "audio", bool), _field(body, "video", bool))


def _quality(body: Mapping[str, Any]) -> Quality:
    level, cause = _field(body, "level", str), _field(body, "cause", str)
    if level not in _TOLD or cause not in set(Cause):
        raise ProtocolError(Code.BAD_MESSAGE, "no level or cause that is known")
    return Quality(Level(level), Cause(cause))


def _text(body: Mapping[str, Any]) -> Text:
    lines = _field(body, "lines", list)
    if not 1 <= len(lines) <= MOST_LINES:
        raise ProtocolError(Code.BAD_TEXT, f"one to {MOST_LINES} lines make a message")
    to = None if body.get("to") is None else _field(body, "to", str)[:_LONGEST_ID]
    return Text(tuple(_line(each) for each in lines), to)


def _line(body: object) -> Line:
    if not isinstance(body, dict):
        raise ProtocolError(Code.BAD_MESSAGE, "a line is no object")
    line = Line(
        _field(body, "number", int), _field(body, "text", str), done=_field(body, "done", bool)
    )
    if not line.acceptable:
        raise ProtocolError(Code.BAD_TEXT, "a line too long, or with characters that are no text")
    return line


def _participant(body: Mapping[str, Any]) -> str:
    return _field(body, "participant", str)[:_LONGEST_ID]


_READERS: Mapping[str, Callable[[Mapping[str, Any]], ClientMessage]] = {
    "hello": _hello,
    "offer": _offer,
    "state": _state,
    "quality": _quality,
    "text": _text,
    "admit": lambda body: Admit(_participant(body)),
    "dismiss": lambda body: Dismiss(_participant(body)),
    "leave": lambda _: Leave(),
    "end": lambda _: End(),
    "ping": lambda body: Ping(_field(body, "id", int)),
}
