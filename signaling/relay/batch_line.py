"""A line that receives and sends many datagrams with one system call, on Linux: `line.c`."""

import socket
import sys
from collections.abc import Callable
from typing import Any

from signaling.relay.line import Address, Calls, Take
from signaling.relay.plane.library import ffi, lib
from signaling.relay.slab import Slab

_UDP_SEGMENT = 103


def is_available() -> bool:
    """Tell whether this system has the calls."""
    return bool(lib.line_size())


class BatchLine:
    """Receives up to `INCOMING` datagrams with one call, and sends all that they led to with one.

    Addresses are the bytes of `struct sockaddr_in6`, or the first eight of `struct sockaddr_in`
    and zeroes. Media of known addresses is forwarded without Python.
    """

    def __init__(self, opened: socket.socket, slab: Slab, calls: Calls = Calls.SEGMENTED) -> None:
        self.socket = opened
        self._slab = slab
        self._memory = ffi.new("unsigned char[]", lib.line_size())
        self.line: Any = ffi.cast("struct line *", self._memory)
        """The line as the compiled part sees it."""
        self._wide = opened.family == socket.AF_INET6
        self._family = int(opened.family).to_bytes(2, sys.byteorder)
        segments = calls is Calls.SEGMENTED and _can_segment(opened)
        lib.line_open(self.line, slab.plane, opened.fileno(), self._wide, int(segments))

    def receive(self, take: Take, flush: Callable[[], None]) -> int:  # noqa: ARG002
        """Forward what waits, and tell of the rest by events."""
        count: int = lib.line_take(self.line)
        done = 0
        while done < count:
            done = lib.line_handle(self.line, done, count)
            flush()  # without it there may be no room for what the next ones bring about
        return count

    def post(self, address: Address, start: int, length: int) -> None:
        """Have bytes of the slab sent by `flush`."""
        lib.line_post(self.line, address, start, length)

    def flush(self) -> None:
        """Send all messages; one that the kernel refuses does not hold up the others."""
        lib.line_flush(self.line)

    def owns(self, address: Address) -> bool:
        """Tell by the family that the bytes begin with."""
        return isinstance(address, bytes) and address[:2] == self._family

    def host_and_port(self, address: Address) -> tuple[str, int]:
        """Read the fields of the C structure."""
        family, at, length = (socket.AF_INET6, 8, 16) if self._wide else (socket.AF_INET, 4, 4)
        host = socket.inet_ntop(family, address[at : at + length])
        return host, int.from_bytes(address[2:4], "big")


def _can_segment(opened: socket.socket) -> bool:
    try:
        opened.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
    except OSError:
        return False
    return True
