"""People in calls without a browser: they sign in, open sockets, and speak over real media."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, CookieJar

from tests.browser.office import EMAIL, PASSWORD, Call, Office
from tests.signaling.peer import AUDIO, Peer, rtp_packet

SUBPROTOCOL = "sprechzeit.v1"
PATIENCE = 20.0  # seconds
PING_EVERY = 10.0  # seconds; also renews the consent to send (RFC 7675)
SPEAK_EVERY = 0.02  # seconds, as Opus sends
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Guest:
    """Somebody in a call: a session of their own, one socket, one media connection at a time.

    `origin` is the server's. Lets everybody in, as host, and does on `moved` what a browser does.
    """

    def __init__(self, origin: str, name: str, ssrc: int) -> None:
        self.ended = ""
        """The reason with which the server ended the socket."""
        self.connections = 0
        self.longest_silence = 0.0  # seconds
        self._origin = origin
        self._name = name
        self._ssrc = ssrc
        self._session = ClientSession(origin, cookie_jar=CookieJar(unsafe=True))
        self._socket: ClientWebSocketResponse | None = None
        self._peer: Peer | None = None
        self._answers: dict[int, asyncio.Future[str]] = {}
        self._inside = asyncio.Event()
        self._heard = 0.0
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def sign_in(self) -> None:
        """Sign the office's caseworker in."""
        async with self._session.get("/staff/sign-in") as page:
            fields = dict(_FIELD.findall(await page.text()))
        form = {**fields, "email": EMAIL, "password": PASSWORD}
        async with self._session.post("/staff/sign-in", data=form, allow_redirects=False) as answer:
            if answer.status != 303:
                raise RuntimeError("the caseworker cannot sign in")

    async def join(self, path: str) -> None:
        """Open the socket at `path`, wait to be in the room, connect sound and hear somebody."""
        self._socket = await self._session.ws_connect(
            path, origin=self._origin, protocols=(SUBPROTOCOL,), max_msg_size=0
        )
        await self.say("hello", version=1, audio=True, video=True)
        self._begin(self._read())
        self._begin(self._ping())
        async with asyncio.timeout(PATIENCE):
            await self._inside.wait()
            await self._connect()
        self._begin(self._speak())

    async def hears(self) -> None:
        """Wait until sound comes."""
        since = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            while self._heard < since:
                await asyncio.sleep(SPEAK_EVERY)

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a message over the socket."""
        assert self._socket is not None
        await self._socket.send_json({"type": kind, **fields})

    async def leave(self) -> None:
        """Leave with a word on the socket and on the media connection."""
        with contextlib.suppress(ClientError, ConnectionError):
            await self.say("leave")
        await self._rest()
        if self._peer is not None:
            await self._peer.close()
        await self._session.close()

    async def vanish(self) -> None:
        """Go as a network does: neither the socket nor the media connection says goodbye."""
        if self._peer is not None:
            self._peer.transport.close()
            await self._peer.close()
        await self._session.close()
        await self._rest()

    async def _rest(self) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        if self._peer is not None:
            await self._peer.close()
        peer = Peer(self._name, self._ssrc)
        await peer.open()
        self.connections += 1
        number = self.connections
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self.say("offer", id=number, sdp=peer.offer(seats=1))
        peer.answer = await answer
        del self._answers[number]
        await peer.bind()
        await peer.handshake()
        self._peer = peer

    async def _read(self) -> None:
        assert self._socket is not None
        async for frame in self._socket:
            match frame.json():
                case {"type": "welcome", "phase": "room"} | {"type": "admitted"}:
                    self._inside.set()
                case {"type": "answer", "id": number, "sdp": sdp} if number in self._answers:
                    self._answers[number].set_result(sdp)
                case {"type": "participant", "phase": "lobby", "id": waiting}:
                    await self.say("admit", participant=waiting)  # only hosts are told of them
                case {"type": "moved"}:
                    self._begin(self._connect())
                case {"type": "ended", "reason": reason}:
                    self.ended = reason

    async def _ping(self) -> None:
        number = 0
        while True:
            number += 1
            await self.say("ping", id=number)
            if self._peer is not None:
                self._peer.confirmed.clear()
                self._peer.send(self._peer.binding_request())
            await asyncio.sleep(PING_EVERY)

    async def _speak(self) -> None:
        """Send sound, and note when some came; what was noted is thrown away."""
        self._heard = time.monotonic()
        while True:
            peer = self._peer
            if peer is not None:
                self._sequence += 1
                peer.send_rtp(rtp_packet(self._ssrc, self._sequence, payload_type=AUDIO))
                if peer.rtp:
                    now = time.monotonic()
                    self.longest_silence = max(self.longest_silence, now - self._heard)
                    self._heard = now
                for kept in (peer.rtp, peer.rtcp, peer.raw_received, peer.sent):
                    kept.clear()
            await asyncio.sleep(SPEAK_EVERY)


async def welcoming_host(stack: contextlib.AsyncExitStack, office: Office, call: Call) -> Guest:
    """Put the caseworker, who lets everybody in, into a call until `stack` ends."""
    host = Guest(office.url, "host", 1000)
    await host.sign_in()
    await host.join(f"/staff/appointments/{call.appointment_id}/socket")
    stack.push_async_callback(host.leave)
    return host


async def call_of_two(stack: contextlib.AsyncExitStack, office: Office) -> tuple[Guest, Guest]:
    """Let a caseworker and a claimant hear each other until `stack` ends."""
    call = await office.book_call()
    host = await welcoming_host(stack, office, call)
    guest = Guest(office.url, "guest", 2000)
    await guest.join(f"/call/{call.claimant}/socket")
    stack.push_async_callback(guest.leave)
    await asyncio.gather(host.hears(), guest.hears())
    return host, guest
