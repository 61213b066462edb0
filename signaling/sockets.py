"""One participant's WebSocket: who may open it, what it reads, what it writes."""

import asyncio
import time
from collections import deque
from contextlib import suppress

from aiohttp import ClientError, WSCloseCode, WSMessage, WSMsgType
from aiohttp.web import HTTPForbidden, Request, WebSocketResponse

from signaling.frames import decode, encode
from signaling.member import Identity, Member
from signaling.messages import (
    LONGEST_FRAME,
    SUBPROTOCOL,
    Admit,
    ClientMessage,
    Code,
    Dismiss,
    End,
    EndReason,
    Failure,
    Hello,
    Leave,
    OfferMessage,
    Ping,
    Pong,
    ProtocolError,
    Quality,
    State,
)
from signaling.outbox import Outbox
from signaling.room import HEARTBEAT, Room
from signaling.rooms import Rooms
from signaling.text import Text

_HELLO_WITHIN = 10.0  # seconds
_SILENCE = 3.0 * HEARTBEAT  # seconds
_MOST_MESSAGES, _PER_SECONDS = 50, 5.0
_GOODBYES = {WSCloseCode.OK, WSCloseCode.GOING_AWAY}
_LAST_WORDS = 2.0  # seconds for what is still to be written at the end


async def serve(
    request: Request, rooms: Rooms, room: str, identity: Identity, *, origin: str
) -> WebSocketResponse:
    """Speak the protocol with one authorised person until either side ends it.

    `origin` is the server's own, such as `https://termin.example`. Raises HTTPForbidden when
    the request comes from a page of another origin (RFC 6455 section 10.2).
    """
    if request.headers.get("Origin") != origin:
        raise HTTPForbidden
    # Frames above the protocol's limit are still read up to four times of it, so that the
    # client learns why it is cut off.
    socket = WebSocketResponse(
        protocols=(SUBPROTOCOL,), max_msg_size=4 * LONGEST_FRAME, compress=False, timeout=1.0
    )
    await socket.prepare(request)
    await _Connection(socket, rooms, room, identity).run()
    return socket


class _Connection:
    """The one reader of a socket, beside the one task that writes it."""

    def __init__(
        self, socket: WebSocketResponse, rooms: Rooms, room: str, identity: Identity
    ) -> None:
        self._socket = socket
        self._rooms = rooms
        self._room_id = room
        self._identity = identity
        self._outbox = Outbox()
        self._recent: deque[float] = deque(maxlen=_MOST_MESSAGES)
        self._left = False

    async def run(self) -> None:
        writer = asyncio.create_task(self._write(), name="socket writer")
        reader = asyncio.create_task(self._read(), name="socket reader")
        closing = asyncio.create_task(self._outbox.wait_closed(), name="socket end")
        try:
            await asyncio.wait({writer, reader, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
            reader.cancel()
            try:
                with suppress(asyncio.CancelledError):
                    await reader
            finally:
                self._outbox.close()
                with suppress(TimeoutError):
                    await asyncio.wait_for(writer, _LAST_WORDS)
                await self._close()

    async def _read(self) -> None:
        if self._rooms.closed:
            self._outbox.end(EndReason.SHUTDOWN)
            return
        try:
            hello = await self._hello()
            room = self._rooms.room(self._room_id)
            member = room.join(self._identity, self._outbox, audio=hello.audio, video=hello.video)
        except ProtocolError as error:
            self._fail(error)
            return
        if member is not None:
            try:
                await self._converse(room, member, hello.offer)
            finally:
                self._depart(room, member)

    async def _converse(self, room: Room, member: Member, offer: OfferMessage | None) -> None:
        message: ClientMessage | None = offer
        if message is None:
            message = await self._next(_SILENCE)
        while message is not None and not self._outbox.closed:
            try:
                await self._act(room, member, message)
            except ProtocolError as error:
                self._fail(error)
            message = await self._next(_SILENCE)

    async def _hello(self) -> Hello:
        message = await self._first()
        if not isinstance(message, Hello):
            raise ProtocolError(Code.HELLO_EXPECTED, "the first message is hello")
        return message

    async def _first(self) -> ClientMessage | None:
        try:
            return decode(self._text(await self._socket.receive(_HELLO_WITHIN)) or "")
        except TimeoutError as error:
            raise ProtocolError(Code.HELLO_EXPECTED, "no hello within ten seconds") from error
        except ProtocolError as error:
            if error.fatal:
                raise
            raise ProtocolError(Code.HELLO_EXPECTED, error.message) from error

    async def _next(self, within: float) -> ClientMessage | None:
        """Give the next message that can be read; None when the socket is over."""
        while True:
            try:
                text = self._text(await self._socket.receive(within))
                return None if text is None else decode(text)
            except TimeoutError:
                return None
            except ProtocolError as error:
                self._fail(error)
                if error.fatal:
                    return None

    def _text(self, frame: WSMessage) -> str | None:
        if frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
            goodbye = frame.type is WSMsgType.CLOSE and frame.data in _GOODBYES
            self._left = self._left or goodbye
            return None
        now = time.monotonic()
        if len(self._recent) == _MOST_MESSAGES and now - self._recent[0] < _PER_SECONDS:
            raise ProtocolError(Code.TOO_MANY_MESSAGES, "more than 50 messages in 5 s")
        self._recent.append(now)
        if frame.type is not WSMsgType.TEXT:
            raise ProtocolError(Code.TOO_LARGE, "only text is spoken here")
        text: str = frame.data
        if len(text) > LONGEST_FRAME or len(text.encode()) > LONGEST_FRAME:
            raise ProtocolError(Code.TOO_LARGE, "more than 64 KiB")
        return text

    async def _act(self, room: Room, member: Member, message: ClientMessage) -> None:
        match message:
            case OfferMessage():
                await room.offer(member, message)
            case State(audio, video):
                room.set_state(member, audio=audio, video=video)
            case Quality(level):
                if room.set_quality(member, message):
                    self._rooms.told_levels[level] += 1
            case Text():
                room.write(member, message)
            case Leave():
                self._left = True
                self._outbox.close()
            case Ping(number):
                self._outbox.put(Pong(number))
                room.renew(member)
            case Hello():
                raise ProtocolError(Code.BAD_MESSAGE, "hello was said already")
            case Admit() | Dismiss() | End():
                await self._preside(room, member, message)

    async def _preside(self, room: Room, member: Member, message: Admit | Dismiss | End) -> None:
        match message:
            case Admit(participant):
                room.admit(member, participant)
            case Dismiss(participant):
                room.dismiss(member, participant)
            case End():
                room.require_host(member)
                await self._rooms.end(self._room_id)

    def _fail(self, error: ProtocolError) -> None:
        self._outbox.put(Failure(error.code, error.message, error.fatal))
        if error.fatal:
            self._outbox.close()

    def _depart(self, room: Room, member: Member) -> None:
        # A page that is closed says so (1001); a network that broke says nothing, and a client
        # that gave its socket up says it without a code. Then its person has time to come back
        # while the media may still flow.
        if member.outbox is not self._outbox:
            return
        if self._left or self._outbox.closed:
            room.remove(member)
        else:
            room.lose(member, self._outbox)

    async def _write(self) -> None:
        with suppress(ConnectionError, ClientError):
            while messages := await self._outbox.take():
                for message in messages:
                    await self._socket.send_str(encode(message))

    async def _close(self) -> None:
        with suppress(ConnectionError, ClientError, TimeoutError):
            await asyncio.wait_for(self._socket.close(), _LAST_WORDS)
