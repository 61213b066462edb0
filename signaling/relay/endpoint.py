"""The relay's UDP port, IPv4 and IPv6: when it is read, and what leaves through it."""

import asyncio
import errno
import socket
import time
from collections.abc import Callable

from signaling.relay import batch_line
from signaling.relay.batch_line import BatchLine
from signaling.relay.counters import Counters
from signaling.relay.line import Address, Calls, Line, PlainLine, ask_for_stamps
from signaling.relay.slab import INCOMING, Slab

_RECEIVE_BUFFER = 4 << 20  # bytes: half a second of 60 Mbit/s while the process is busy
_SO_RCVBUFFORCE = 33  # Linux, with CAP_NET_ADMIN; Python has no name for it
_PASSES = 4  # full slabs taken in a row before other work has its turn
_ATTEMPTS = 20
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

_PAUSE = 0.001  # seconds that a datagram waits at most for others to be handled with it
_BUSY = 0.0005  # seconds between wake-ups, below which waiting is cheaper than waking
_CALM = 4  # datagrams in eight pauses, below which being woken is cheaper
_WINDOW = 8

Receive = Callable[[Line], int]
"""Takes what waits on a line and acts on it; gives the number of datagrams."""


class Endpoint:
    """Receives in the event loop and sends without ever waiting.

    While little comes, the socket wakes the loop. While much comes, it is looked at every
    millisecond instead: a wake-up costs more than handling a packet, and several are handled
    after one. A datagram the kernel has no room for is dropped, as late media is worth nothing.
    """

    def __init__(
        self, sockets: list[socket.socket], counters: Counters, calls: Calls = Calls.SEGMENTED
    ) -> None:
        self.slab = Slab()
        counters.include(self.slab.plane.counts)
        self.port: int = sockets[0].getsockname()[1]
        self.lines: list[Line] = []
        for each in sockets:
            if calls is not Calls.PLAIN and batch_line.is_available():
                self.lines.append(BatchLine(each, self.slab, calls))
            else:
                self.lines.append(PlainLine(each, self.slab, counters))
        self.act: Callable[[], None] = lambda: None
        """Acts on what the compiled part tells of; called before everything is sent."""
        self._receive: Receive = lambda _: 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake: dict[Line, float] = {}
        self._timers: dict[Line, asyncio.TimerHandle] = {}
        self._flushing: asyncio.Handle | None = None

    @classmethod
    def bind(
        cls,
        host_v4: str,
        host_v6: str | None,
        port: int,
        counters: Counters,
        calls: Calls = Calls.SEGMENTED,
    ) -> "Endpoint":
        """Bind both families to the same port, a free one for 0; OSError when it is taken."""
        for attempt in range(_ATTEMPTS):
            try:
                return cls(_bind_both(host_v4, host_v6, port), counters, calls)
            except OSError as error:
                # A port that is free for one family may be taken for the other.
                if port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                    raise
        raise OSError(errno.EADDRINUSE, "no port is free for both families")

    def add(self, line: Line) -> None:
        """Carry datagrams over one more line; before `listen`."""
        self.lines.append(line)

    def listen(self, receive: Receive) -> None:
        """Call `receive` with each line on which datagrams wait."""
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        for each in self.lines:
            self._awake[each] = 0.0
            self._loop.add_reader(each.socket, self._readable, each)

    def line(self, address: Address) -> Line:
        """Give the line that an address belongs to."""
        return next(each for each in self.lines if each.owns(address))

    def place(self, packet: bytes) -> int:
        """Copy bytes into the slab, to be sent from there; give where they begin."""
        self.make_room()
        return self.slab.place(packet)

    def send(self, datagram: bytes, address: Address) -> None:
        """Send bytes as they are."""
        self.line(address).post(address, self.place(datagram), len(datagram))

    def flush(self) -> None:
        """Send everything posted."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        self.act()
        for each in self.lines:
            each.flush()
        self.slab.release()

    def close(self) -> None:
        """Stop receiving and free the port."""
        self.flush()
        for timer in self._timers.values():
            timer.cancel()
        for each in self.lines:
            if self._loop is not None:
                self._loop.remove_reader(each.socket)
            each.socket.close()

    def make_room(self) -> None:
        """See to it that there is a slot for what is to be sent, and that it will be."""
        if self.slab.crowded:
            self.flush()
        # Whoever sends outside of receiving needs not remember to flush.
        if self._flushing is None and self._loop is not None:
            self._flushing = self._loop.call_soon(self.flush)

    def _readable(self, line: Line) -> None:
        now = time.monotonic()
        found = self._drain(line)
        if found < INCOMING and now - self._awake[line] < _BUSY and self._loop is not None:
            self._loop.remove_reader(line.socket)
            self._timers[line] = self._loop.call_later(_PAUSE, self._look, line, 0, 0)
        self._awake[line] = now

    def _look(self, line: Line, count: int, seen: int) -> None:
        assert self._loop is not None
        count += 1
        try:
            seen += self._drain(line)
        finally:
            if count < _WINDOW or seen >= _CALM:
                count, seen = (0, 0) if count == _WINDOW else (count, seen)
                self._timers[line] = self._loop.call_later(_PAUSE, self._look, line, count, seen)
            else:
                del self._timers[line]
                self._loop.add_reader(line.socket, self._readable, line)

    def _drain(self, line: Line) -> int:
        found = 0
        for _ in range(_PASSES):
            taken = self._receive(line)
            self.flush()
            found += taken
            if taken < INCOMING:
                break
        return found


def _bind_both(host_v4: str, host_v6: str | None, port: int) -> list[socket.socket]:
    bound = [_bind(socket.AF_INET, host_v4, port)]
    if host_v6 is None:
        return bound
    try:
        bound.append(_bind(socket.AF_INET6, host_v6, bound[0].getsockname()[1]))
    except OSError as error:
        if error.errno not in _NO_IPV6:
            bound[0].close()
            raise
    return bound


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.settimeout(0)
        _widen(opened)
        ask_for_stamps(opened)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def _widen(opened: socket.socket) -> None:
    """Ask for a long receive buffer, beyond the system's limit where the process may."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except OSError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
