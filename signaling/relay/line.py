"""How datagrams come and go: the small interface, and its plain form on Python's own sockets."""

import enum
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from signaling.relay.counters import Counters
from signaling.relay.slab import INCOMING, LONGEST_DATAGRAM, Slab

Address = Any
"""Whom a datagram came from: hashable, made by a line and understood by that line alone."""

Take = Callable[[Address, int, int, int], None]
"""Takes source, beginning in the slab, bytes, and arrival in monotonic microseconds."""

SO_TIMESTAMPNS = 35  # Linux; Python has no name for it
_TIMESPEC = struct.Struct("@ll")
_STAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
_LONGEST_WAIT = 1_000_000  # microseconds a datagram may plausibly have waited in the socket


class Calls(enum.StrEnum):
    """What is asked of the kernel, where it can: each does without one thing of the one before."""

    SEGMENTED = "segmented"
    """Packets in a row to one receiver leave as one message (UDP_SEGMENT)."""
    BATCHED = "batched"
    """Many datagrams are received and sent with one call."""
    PLAIN = "plain"


class Pollable(Protocol):
    """What an event loop can watch."""

    def fileno(self) -> int:
        """Give the descriptor."""

    def close(self) -> None:
        """Free it."""


class Line(Protocol):
    """A port of ours and the slab that its datagrams pass through."""

    @property
    def socket(self) -> Pollable:
        """What is readable when datagrams wait."""

    def receive(self, take: Take, flush: Callable[[], None]) -> int:
        """Receive what waits, at most `INCOMING` datagrams, into the slab's incoming slots.

        `take` is called for each one, unless the compiled part has forwarded it; then `flush`, which
        acts on what that part tells of, sends, and frees its slots. Gives how many came.
        """

    def post(self, address: Address, start: int, length: int) -> None:
        """Have bytes of the slab sent, at the latest by `flush`. They must stay until then."""

    def flush(self) -> None:
        """Send what was posted. What the kernel does not take is dropped and counted."""

    def owns(self, address: Address) -> bool:
        """Tell whether this line made the address."""

    def host_and_port(self, address: Address) -> tuple[str, int]:
        """Give an address as an IP literal and a port."""


class PlainLine:
    """One system call per datagram, on every system that Python runs on."""

    def __init__(self, opened: socket.socket, slab: Slab, counters: Counters) -> None:
        self.socket = opened
        self._slab = slab
        self._counters = counters
        self._address_length = 4 if opened.family == socket.AF_INET6 else 2
        self._starts = slab.starts
        self._slots = [slab.memory[each : each + LONGEST_DATAGRAM] for each in slab.starts]

    def receive(self, take: Take, flush: Callable[[], None]) -> int:  # noqa: ARG002
        """Receive datagrams one by one until none waits, then hand each on."""
        sources: list[Address] = []
        lengths: list[int] = []
        stamps: list[int] = []
        while len(sources) < INCOMING:
            try:
                length, control, _, address = self.socket.recvmsg_into(
                    (self._slots[len(sources)],), _STAMP_SPACE
                )
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error of an earlier datagram; the next read goes on.
                self._counters.add("socket_errors")
                continue
            sources.append(address)
            lengths.append(length)
            stamps.append(_stamp(control))
        for datagram in zip(sources, self._starts, lengths, arrivals(stamps), strict=False):
            take(*datagram)
        return len(sources)

    def post(self, address: Address, start: int, length: int) -> None:
        """Send at once."""
        try:
            self.socket.sendto(self._slab.memory[start : start + length], address)
        except OSError:
            self._counters.add("dropped_unsendable")

    def flush(self) -> None:
        """Nothing waits here."""

    def owns(self, address: Address) -> bool:
        """Tell by the form that Python gives addresses of the two families."""
        return isinstance(address, tuple) and len(address) == self._address_length

    def host_and_port(self, address: Address) -> tuple[str, int]:
        """Give the first two of Python's fields."""
        return address[0], address[1]


def arrivals(stamps: list[int]) -> list[int]:
    """Turn the kernel's stamps, wall-clock microseconds, into monotonic ones.

    Senders estimate their bandwidth from these times. The moment of reading alone would tell
    them of every moment this process was busy, as if the network had been slow. A stamp that
    cannot be, since the clock was set or there is none, counts as now.
    """
    if not stamps:
        return stamps
    now = time.monotonic_ns() // 1000
    offset = now - time.time_ns() // 1000
    earliest, latest = min(stamps) + offset, max(stamps) + offset
    if earliest > now - _LONGEST_WAIT and latest <= now:
        return [each + offset for each in stamps]
    return [each + offset if now - _LONGEST_WAIT < each + offset <= now else now for each in stamps]


def ask_for_stamps(opened: socket.socket) -> None:
    """Have the kernel note when each datagram arrived, where it can."""
    if sys.platform == "linux":
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def _stamp(control: list[tuple[int, int, bytes]]) -> int:
    for _, kind, stamp in control:
        if kind == SO_TIMESTAMPNS and len(stamp) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(stamp)
            return int(seconds * 1_000_000 + nanoseconds // 1000)
    return 0
