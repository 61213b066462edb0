"""The relay's TCP port (RFC 6544, passive): who is let in, for how long, and what passes."""

import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from signaling.relay import framing
from signaling.relay.counters import Counters
from signaling.relay.line import Address, Take
from signaling.relay.slab import INCOMING, Slab
from signaling.relay.tcp_connection import Carried, Connection

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_PROOF_WITHIN = 10.0  # seconds
_CONSENT = 30.0  # seconds, RFC 7675 section 5.1
_MOST_STRANGERS = 256
_MOST_STRANGERS_PER_NETWORK = 32  # an office behind one address may come all at once
_ACCEPTED_AT_ONCE = 32
_REST = 1.0  # seconds without accepting when the process has no descriptor left
_RESET = struct.pack("ii", 1, 0)

Socket = socket.socket


class TcpLine:
    """A line whose addresses are connections; it waits on all of them as one descriptor.

    Until a peer has proved itself by authentic STUN (`admit`), it is a stranger: strangers are
    few, have ten seconds and four kilobytes, and the oldest gives way to a newcomer. `tick` is
    to be called some times a second, outside of receiving and flushing: there the connections
    of admitted peers are closed, and `on_lost` is told of each.
    """

    def __init__(
        self,
        listeners: list[Socket],
        slab: Slab,
        counters: Counters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.port: int = listeners[0].getsockname()[1]
        self.on_lost: Callable[[Connection], None] = lambda _: None
        self._listeners = listeners
        self._starts = slab.starts
        self._slots = [slab.memory[start:] for start in slab.starts]
        self._memory = slab.memory
        self._counters = counters
        self._clock = clock
        self._poll = selectors.DefaultSelector()
        self._connections: dict[Connection, None] = {}
        self._strangers: dict[Connection, None] = {}
        self._per_network: Counter[str] = Counter()
        self._posted: dict[Connection, None] = {}
        self._accepting_from: float | None = None
        self._listen()

    @property
    def socket(self) -> "TcpLine":
        """What the loop watches: this line, whose descriptor is readable when anything waits."""
        return self

    def fileno(self) -> int:
        """Give the descriptor that all sockets are watched by."""
        return self._poll.fileno()

    def receive(self, take: Take, flush: Callable[[], None]) -> int:  # noqa: ARG002
        """Let newcomers in, write where there is room again, and receive into the slots."""
        sources: list[Address] = []
        lengths: list[int] = []
        for key, events in self._poll.select(0):
            connection = key.data
            if not isinstance(connection, Connection):
                self._accept(connection)
                continue
            if events & _WRITE:
                self._write(connection)
            if len(lengths) < INCOMING and not connection.ended:
                self._receive(connection, events, sources, lengths)
        now = time.monotonic_ns() // 1000
        for source, start, length in zip(sources, self._starts, lengths, strict=False):
            take(source, start, length, now)
        return len(sources)

    def post(self, address: Connection, start: int, length: int) -> None:
        """Copy a packet of the slab to what waits for the connection."""
        if address.ended:
            self._counters.add("dropped_unsendable")
            return
        packet = self._memory[start : start + length]
        if address.carries_picture(packet):
            dropped = address.queue.put_picture(framing.frame(packet), self._clock())
            if dropped:
                self._counters.add("dropped_tcp_pictures", dropped)
        else:
            dropped = address.queue.put(framing.frame(packet))
            if dropped:
                self._counters.add("dropped_unsendable", dropped)
        self._posted[address] = None

    def flush(self) -> None:
        """Write what was posted, as far as the kernel takes it."""
        if self._posted:
            posted, self._posted = self._posted, {}
            for connection in posted:
                if not connection.ended:
                    self._write(connection)

    def owns(self, address: Address) -> bool:
        """Tell whether an address is a connection."""
        return isinstance(address, Connection)

    def host_and_port(self, address: Connection) -> tuple[str, int]:
        """Give where the connection comes from."""
        return address.host, address.port

    def admit(self, address: Connection, owner: Carried) -> None:
        """Note that the peer proved to be `owner`, and may stay for the time being."""
        if address.owner is None:
            self._no_stranger(address)
            self._counters.add("tcp_admitted")
        address.owner = owner
        address.expires = self._clock() + _CONSENT

    def tick(self) -> None:
        """Close what has ended or lasted too long; let pictures in again where there is room."""
        now = self._clock()
        if self._accepting_from is not None and now >= self._accepting_from:
            self._listen()
        for connection in tuple(self._connections):
            if connection.ended or now > connection.expires:
                self._bury(connection)
            elif connection.queue.resume():
                connection.ask_for_key_frames(now)

    def close(self) -> None:
        """Close everything and free the port."""
        for connection in self._connections:
            connection.close()
        for listener in self._listeners:
            listener.close()
        self._connections.clear()
        self._strangers.clear()
        self._poll.close()

    def _listen(self) -> None:
        self._accepting_from = None
        for each in self._listeners:
            self._poll.register(each, _READ, each)

    def _accept(self, listener: Socket) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                opened, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:
                # No descriptor is left; the listener would wake us for ever.
                self._counters.add("socket_errors")
                self._accepting_from = self._clock() + _REST
                for each in self._listeners:
                    self._poll.unregister(each)
                return
            self._welcome(opened, peer[0], peer[1])

    def _welcome(self, opened: Socket, host: str, port: int) -> None:
        try:
            connection = Connection(opened, host, port, self._clock() + _PROOF_WITHIN)
        except OSError:  # gone already
            opened.close()
            return
        if self._per_network[connection.network] >= _MOST_STRANGERS_PER_NETWORK:
            self._counters.add("dropped_tcp_stranger")
            _reset(connection)
            return
        if len(self._strangers) >= _MOST_STRANGERS:
            self._bury(next(iter(self._strangers)))
        self._connections[connection] = self._strangers[connection] = None
        self._per_network[connection.network] += 1
        self._watch(connection)

    def _receive(
        self, connection: Connection, events: int, sources: list[Address], lengths: list[int]
    ) -> None:
        if events & _READ:
            connection.read()
        try:
            datagrams = connection.frames(INCOMING - len(lengths))
        except framing.BadFrame:
            self._counters.add("dropped_bad_frame")
            connection.ended = True
            datagrams = []
        if connection.ended and connection.owner is None:
            self._bury(connection)
            return
        for datagram in datagrams:
            self._slots[len(lengths)][: len(datagram)] = datagram
            sources.append(connection)
            lengths.append(len(datagram))
        self._watch(connection)

    def _write(self, connection: Connection) -> None:
        connection.write()
        self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Be woken by what is to be done next.

        A connection that is behind is watched for room to write, too, which there nearly always
        is: so this line stays readable until all was taken.
        """
        wanted = _READ | (_WRITE if connection.queue or connection.behind else 0)
        if connection.ended:
            wanted = 0
        if wanted == connection.watched:
            return
        if not wanted:
            self._poll.unregister(connection.socket)
        elif connection.watched:
            self._poll.modify(connection.socket, wanted, connection)
        else:
            self._poll.register(connection.socket, wanted, connection)
        connection.watched = wanted

    def _no_stranger(self, connection: Connection) -> None:
        if self._strangers.pop(connection, self) is None:
            self._per_network[connection.network] -= 1
            if not self._per_network[connection.network]:
                del self._per_network[connection.network]

    def _bury(self, connection: Connection) -> None:
        admitted = connection.owner is not None
        connection.ended = True
        self._watch(connection)
        self._no_stranger(connection)
        del self._connections[connection]
        self._posted.pop(connection, None)
        if admitted:
            connection.close()
            self.on_lost(connection)
        else:
            self._counters.add("dropped_tcp_stranger")
            _reset(connection)


def _reset(connection: Connection) -> None:
    """Close without keeping anything in the kernel for somebody who proved nothing."""
    with suppress(OSError):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()
