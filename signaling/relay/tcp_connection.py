"""One TCP connection to the relay's port: what it has read, what waits to be written."""

import socket
from collections.abc import Mapping
from typing import Protocol

from signaling.relay import framing
from signaling.relay.send_queue import SendQueue
from signaling.relay.sink import Sink
from signaling.relay.slab import LONGEST_DATAGRAM

_READ_AT_ONCE = 16 * 1024  # bytes
_LONGEST_FRAME = framing.HEAD + LONGEST_DATAGRAM
_UNSENT = 8 * 1024  # bytes the kernel keeps beyond what is under way; the rest waits here
_MOST_BEFORE_PROOF = 4096  # bytes from somebody who has proved nothing yet


class Carried(Protocol):
    """The participant whose media a connection carries."""

    @property
    def sinks(self) -> Mapping[int, Sink]:
        """Streams the participant receives, by SSRC."""


class Connection:
    """A stream of frames from one peer; it is itself the address that its datagrams come from.

    `expires` is the moment, in monotonic seconds, at which it is closed unless the peer proves
    again that it is who the ufrag says. Reading and writing never wait and never raise: a
    connection that broke is `ended`.
    """

    __slots__ = (
        "_heard", "_rest", "behind", "ended", "expires", "host", "network", "owner", "port", "queue",
        "socket", "watched",
    )  # fmt: skip

    def __init__(self, opened: socket.socket, host: str, port: int, expires: float) -> None:
        self.socket = opened
        self.host, self.port = host, port
        self.network = network_of(host)
        self.expires = expires
        self.owner: Carried | None = None
        """Who has proved to be at the other end; nobody at first."""
        self.ended = False
        self.behind = False
        """Whether whole datagrams may be left of what was read."""
        self.watched = 0
        """The selector's events that are waited for."""
        self.queue = SendQueue()
        self._rest = bytearray()
        self._heard = 0
        prepare(opened)

    def read(self) -> None:
        """Read some of what has arrived, unless there is a whole datagram to take first."""
        if len(self._rest) >= _LONGEST_FRAME:
            return
        try:
            read = self.socket.recv(_READ_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            read = b""
        self._heard += len(read)
        if not read or (self.owner is None and self._heard > _MOST_BEFORE_PROOF):
            self.ended = True
        self._rest += read

    def frames(self, most: int) -> list[bytearray]:
        """Take at most `most` whole datagrams out of what was read; raises BadFrame."""
        found, position = framing.whole_frames(self._rest, most)
        taken = [self._rest[each] for each in found]
        del self._rest[:position]
        self.behind = len(taken) == most
        return taken

    def write(self) -> bool:
        """Write what waits; tell whether nothing waits any more."""
        try:
            return self.ended or self.queue.drain(self._send)
        except OSError:
            self.ended = True
            return True

    def carries_picture(self, packet: memoryview) -> bool:
        """Tell whether a protected packet is a part of a picture or a repeat of one."""
        if self.owner is None or packet[0] >> 6 != 2 or 192 <= packet[1] <= 223:
            return False
        sink = self.owner.sinks.get(int.from_bytes(packet[8:12], "big"))
        return sink is None or sink.kind == "video"

    def ask_for_key_frames(self, now: float) -> None:
        """Have every picture that the peer is shown begin anew."""
        sinks = self.owner.sinks.values() if self.owner is not None else ()
        for sink in sinks:
            if sink.encoding is not None:
                sink.encoding.request_key_frame(now)

    def close(self) -> None:
        """Free the socket and what waited for it."""
        self.ended = True
        self.queue.clear()
        self._rest.clear()
        self.socket.close()

    def _send(self, frames: list[bytes | memoryview]) -> int:
        try:
            return self.socket.sendmsg(frames)
        except (BlockingIOError, InterruptedError):
            return 0


def prepare(opened: socket.socket) -> None:
    """Have nothing held back by the kernel: not for fuller packets, nor in a long queue."""
    opened.settimeout(0)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)


def network_of(host: str) -> str:
    """Give whom an address counts for: itself, or the /64 that one subscriber has in IPv6."""
    if ":" not in host:
        return host
    return socket.inet_pton(socket.AF_INET6, host.partition("%")[0])[:8].hex()
