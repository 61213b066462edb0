"""A relay process's end of the control protocol: servers come, and their rooms live here."""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from signaling.fleet import wire
from signaling.fleet.address import ControlAddress
from signaling.fleet.wire import (
    Accepted,
    Admit,
    Alive,
    Answer,
    Challenge,
    Dissolve,
    Failure,
    Greeting,
    Heard,
    Layout,
    Leaving,
    Load,
    Offer,
    Order,
    Refused,
    Remove,
    Report,
    WireError,
)
from signaling.relay import BadOffer, Conference, Relay

BEAT = 1.0  # seconds between two reports of the load
_MOST_SERVERS = 64
_MOST_STRANGERS = 64
_MOST_ROOMS = 4096
_LOOK = 0.05  # seconds
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a relay waits, in seconds."""

    greeting: float = 5.0
    """For a stranger to prove the secret."""
    silence: float = 10.0
    """For a server to say that it is alive."""
    orphans: float = 20.0
    """For the rooms of a server that has gone: as long as a lost socket keeps its seat."""


class Station:
    """Takes orders of servers for one relay, and tells them how it is."""

    def __init__(self, relay: Relay, secret: bytes, patience: Patience) -> None:
        self.relay = relay
        self.secret = secret
        self.patience = patience
        self.leaving = False
        self.servers: set[_Server] = set()
        self._strangers = 0
        self._orphans: dict[_Server, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._measured = (time.monotonic(), time.process_time())
        self._cpu = 0.0
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(BEAT, self._beat)

    @classmethod
    async def open(
        cls,
        relay: Relay,
        address: ControlAddress,
        secret: bytes,
        patience: Patience | None = None,
    ) -> "Station":
        """Listen at `address`; raises OSError when it cannot be had."""
        station = cls(relay, secret, patience or Patience())
        try:
            station._listener = await address.listen(station._connected)
        except OSError:
            station._timer.cancel()
            raise
        return station

    @property
    def load(self) -> Load:
        """How the relay is now."""
        counters = dict(self.relay.counters)
        return Load(
            participants=counters["participants"],
            cpu=self._cpu,
            port=self.relay.port,
            tcp_port=self.relay.tcp_port or 0,
            addresses=self.relay.advertised,
            counters=counters,
        )

    async def leave(self, within: float) -> None:
        """Ask the servers to carry their rooms elsewhere; return when all have gone.

        Takes `within` seconds at most: somebody whose page does not answer is left behind.
        """
        self.leaving = True
        for server in tuple(self.servers):
            server.report(Leaving())
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.servers and self.relay.counters["participants_connected"]:  # noqa: ASYNC110
                    # Clients say goodbye by DTLS, which nobody waits for otherwise.
                    await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """Cut all servers off; their rooms are dissolved."""
        self._timer.cancel()
        if self._listener is not None:
            self._listener.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for orphan, timer in tuple(self._orphans.items()):
            timer.cancel()
            orphan.dissolve()

    def _beat(self) -> None:
        self._timer = self._loop.call_later(BEAT, self._beat)
        now = (time.monotonic(), time.process_time())
        self._cpu = (now[1] - self._measured[1]) / max(now[0] - self._measured[0], 1e-3)
        self._measured = now
        load = self.load
        for server in tuple(self.servers):
            server.report(load)
            server.report_heard()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with suppress(WireError, asyncio.IncompleteReadError, OSError, TimeoutError):
                if self._strangers < _MOST_STRANGERS:
                    await self._receive(reader, writer)
        except asyncio.CancelledError:
            pass  # the relay ends; a task of asyncio's own streams must not raise it
        finally:
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._strangers += 1
        try:
            async with asyncio.timeout(self.patience.greeting):
                welcome = await self._greeted(reader, writer)
        finally:
            self._strangers -= 1
        if not welcome:
            return
        self._numbers += 1
        server = _Server(self, writer, self._numbers)
        self.servers.add(server)
        _log.info("server came", servers=len(self.servers))
        try:
            if self.leaving:
                server.report(Leaving())
            await server.serve(reader)
        finally:
            self.servers.discard(server)
            self._orphans[server] = self._loop.call_later(
                self.patience.orphans, self._forget, server
            )
            _log.info("server went", servers=len(self.servers))

    async def _greeted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonce = secrets.token_hex(16)
        wire.send(writer, Challenge(wire.VERSION, nonce))
        greeting = await wire.receive(reader, {"greeting": Greeting}, wire.LONGEST_GREETING)
        nonces = (nonce, greeting.nonce)
        expected = wire.proof(self.secret, "server", nonces)
        reason = ""
        if greeting.version != wire.VERSION:
            reason = "version"
        elif not hmac.compare_digest(greeting.proof.encode(), expected.encode()):
            reason = "secret"
        elif len(self.servers) + len(self._orphans) >= _MOST_SERVERS:
            reason = "busy"
        if reason:
            _log.warning("server refused", reason=reason)
            wire.send(writer, Refused(reason))
            return False
        wire.send(writer, Accepted(wire.proof(self.secret, "relay", nonces), self.load))
        return True

    def _forget(self, server: "_Server") -> None:
        del self._orphans[server]
        server.dissolve()


class _Server:
    """One server's connection and the rooms it opened over it."""

    def __init__(self, station: Station, writer: asyncio.StreamWriter, number: int) -> None:
        self._station = station
        self._writer = writer
        self._number = number
        self._rooms: dict[int, Conference] = {}

    def report(self, report: Report) -> None:
        """Tell the server something."""
        wire.send(self._writer, report)

    def report_heard(self) -> None:
        """Tell of each room how much has come from whom."""
        for room, conference in self._rooms.items():
            self.report(Heard(room, conference.received()))

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Obey until the connection breaks or the server falls silent."""
        while True:
            async with asyncio.timeout(self._station.patience.silence):
                order = await wire.receive(reader, wire.ORDERS)
            self._obey(order)

    def dissolve(self) -> None:
        """Close all rooms."""
        for room in tuple(self._rooms):
            self._close(room)

    def _obey(self, order: Order) -> None:
        match order:
            case Offer():
                self.report(self._answer(order))
            case Admit(room, participant):
                self._conference(room).admit(participant)
            case Remove(room, participant):
                if room in self._rooms:
                    self._rooms[room].remove(participant)
            case Dissolve(room):
                self._close(room)
            case Alive():
                pass
            case Greeting():
                raise WireError("a second greeting")

    def _answer(self, offer: Offer) -> Answer | Failure:
        try:
            conference = self._conference(offer.room)
            answer = conference.offer(offer.participant, offer.sdp)
        except BadOffer as error:
            return Failure(offer.id, bad=True, message=str(error))
        except WireError:
            raise
        except Exception:  # noqa: BLE001  whatever it is, it is logged
            # A fault in answering one offer must not take the other rooms down.
            _log.exception("offer failed")
            return Failure(offer.id, bad=False, message="the relay failed")
        return Answer(offer.id, answer, conference.layout(offer.participant))

    def _conference(self, room: int) -> Conference:
        if room not in self._rooms:
            if len(self._rooms) >= _MOST_ROOMS:
                raise WireError("too many rooms")
            conference = self._station.relay.conference(self._name(room))
            conference.on_layout = self._teller(room, conference)
            self._rooms[room] = conference
        return self._rooms[room]

    def _teller(self, room: int, conference: Conference) -> Callable[[str], None]:
        return lambda participant: self.report(
            Layout(room, participant, conference.layout(participant))
        )

    def _close(self, room: int) -> None:
        if self._rooms.pop(room, None) is not None:
            self._station.relay.dissolve(self._name(room))

    def _name(self, room: int) -> str:
        # Servers number their rooms themselves; two may use the same number.
        return f"{self._number}/{room}"
