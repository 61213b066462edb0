"""The relay's UDP sockets: one port, IPv4 and IPv6."""

import asyncio
import errno
import socket
import struct
import sys
import time
from collections.abc import Callable

from signaling.relay.counters import Counters

Address = tuple[str, int] | tuple[str, int, int, int]

_RECEIVE_BUFFER = 4 << 20  # bytes: half a second of 60 Mbit/s while the process is busy
_BATCH = 64
_ATTEMPTS = 20
_SO_TIMESTAMPNS = 35  # Linux; Python has no name for it
_TIMESPEC = struct.Struct("@ll")
_STAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
_LONGEST_WAIT = 1.0  # seconds a datagram may plausibly have waited in the socket
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class Endpoint:
    """Receives datagrams in the event loop and sends them without ever waiting.

    A datagram the kernel has no room for is dropped, as late media is worth nothing; a transport
    with a growing buffer would only delay what follows.
    """

    def __init__(self, sockets: list[socket.socket], counters: Counters) -> None:
        self.sockets = sockets
        self._by_length = {4 if each.family == socket.AF_INET6 else 2: each for each in sockets}
        self._counters = counters
        self.port: int = sockets[0].getsockname()[1]

    @classmethod
    def bind(cls, host_v4: str, host_v6: str | None, port: int, counters: Counters) -> "Endpoint":
        """Bind both families to the same port, a free one for 0; OSError when it is taken."""
        for attempt in range(_ATTEMPTS):
            try:
                return cls(_bind_both(host_v4, host_v6, port), counters)
            except OSError as error:
                # A port that is free for one family may be taken for the other.
                if port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                    raise
        raise OSError(errno.EADDRINUSE, "no port is free for both families")

    def listen(self, receive: Callable[[bytes, Address, float], None]) -> None:
        """Call `receive` with each datagram, its source and the monotonic time in seconds."""
        loop = asyncio.get_running_loop()
        for each in self.sockets:
            loop.add_reader(each, self._readable, each, receive)

    def send(self, datagram: bytes, address: Address) -> bool:
        """Send a datagram; False when the kernel does not take it."""
        try:
            self._by_length[len(address)].sendto(datagram, address)
        except (OSError, KeyError):
            self._counters.add("dropped_unsendable")
            return False
        return True

    def close(self) -> None:
        """Stop receiving and free the port."""
        loop = asyncio.get_running_loop()
        for each in self.sockets:
            loop.remove_reader(each)
            each.close()

    def _readable(
        self, readable: socket.socket, receive: Callable[[bytes, Address, float], None]
    ) -> None:
        now = time.monotonic()
        offset = now - time.time()
        for _ in range(_BATCH):
            try:
                datagram, stamps, _, address = readable.recvmsg(2048, _STAMP_SPACE)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error of an earlier datagram; the next read goes on.
                self._counters.add("socket_errors")
                continue
            receive(datagram, address, _arrival(stamps, offset, now))


def _arrival(stamps: list[tuple[int, int, bytes]], offset: float, now: float) -> float:
    """Return when the kernel received a datagram, in monotonic seconds.

    Senders estimate their bandwidth from these times. Ours alone would tell them of every
    moment this process was busy, as if the network had been slow.
    """
    for _, kind, stamp in stamps:
        if kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(stamp)
            arrived = float(seconds + nanoseconds / 1e9 + offset)
            # The wall clock may have been set between arrival and now.
            return arrived if now - _LONGEST_WAIT < arrived <= now else now
    return now


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
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if sys.platform == "linux":
            opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened
