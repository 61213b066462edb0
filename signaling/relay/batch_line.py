"""A line that receives and sends many datagrams with one system call, on Linux.

`recvmmsg` and `sendmmsg` are called in the running process's own C library (cffi, no compiler).
Packets in a row to one receiver leave as one message that the kernel cuts (UDP_SEGMENT, Linux
4.18), as the packets of one picture do.
"""

import ctypes
import errno
import socket
import struct
import sys
from typing import Any

from cffi import FFI

from signaling.relay.counters import Counters
from signaling.relay.line import Address, Arrived, arrivals
from signaling.relay.slab import INCOMING, LONGEST_DATAGRAM, Slab

_UDP_SEGMENT = 103
_MESSAGES = 128
_TOGETHER = 16  # packets of one message; sixteen of the longest stay below 64 KiB
_NAME = 32  # bytes kept for an address
_CONTROL = 32
_HEADER = 8  # 64-bit words of struct mmsghdr, 64-bit Linux
_SEGMENT_MESSAGE = struct.Struct("@QiiH6x")
_STAMPED = 16 + 16  # bytes of a control message with a struct timespec
_DONT_WAIT = 0x40

_ffi = FFI()
_ffi.cdef(
    """
    int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout);
    int sendmmsg(int fd, void *messages, unsigned int count, int flags);
    """
)


def is_available() -> bool:
    """Tell whether this system has the calls, and structures as they are written here."""
    return (
        sys.platform == "linux" and ctypes.sizeof(ctypes.c_void_p) == 8 and _library() is not None
    )


def _library() -> Any:
    try:
        library = _ffi.dlopen(None)
        complete = library.recvmmsg and library.sendmmsg
    except (OSError, AttributeError):
        return None
    return library if complete else None


class _Messages:
    """An array of `struct mmsghdr` with vectors, names and control data, as 64-bit words."""

    def __init__(self, count: int, vectors: int) -> None:
        self._blocks = [
            bytearray(count * size) for size in (8 * _HEADER, 16 * vectors, _NAME, _CONTROL)
        ]
        at, vector_at, name_at, control_at = (
            ctypes.addressof(ctypes.c_char.from_buffer(each)) for each in self._blocks
        )
        self.pointer = _ffi.cast("void *", at)
        self.headers, self.vectors, self.names, self.control = (
            memoryview(each).cast("Q") for each in self._blocks
        )
        self.half_headers = self.headers.cast("B").cast("I")
        self.name_bytes = self.names.cast("B")
        self.control_bytes = self.control.cast("B")
        for number in range(count):
            self.headers[_HEADER * number] = name_at + _NAME * number
            self.headers[_HEADER * number + 2] = vector_at + 16 * vectors * number
            self.headers[_HEADER * number + 3] = 1
            self.headers[_HEADER * number + 4] = control_at + _CONTROL * number


class BatchLine:
    """Receives up to `INCOMING` datagrams with one call, and sends all that they led to with one.

    Addresses are the leading bytes of `struct sockaddr_in` as a number (family, port, host), and
    all bytes of `struct sockaddr_in6`.
    """

    def __init__(self, opened: socket.socket, slab: Slab, counters: Counters) -> None:
        self.socket = opened
        self._slab_at = slab.address
        self._memory = slab.memory
        self._counters = counters
        self._descriptor = opened.fileno()
        self._calls = _library()
        self._wide = opened.family == socket.AF_INET6
        name_length = 28 if self._wide else 16
        self._incoming = _Messages(INCOMING, 1)
        self._outgoing = _Messages(_MESSAGES, _TOGETHER)
        for number, start in enumerate(slab.starts):
            self._incoming.vectors[2 * number] = slab.address + start
            self._incoming.vectors[2 * number + 1] = LONGEST_DATAGRAM
            self._incoming.half_headers[2 * _HEADER * number + 2] = name_length
            self._incoming.headers[_HEADER * number + 5] = _CONTROL
        for number in range(_MESSAGES):
            self._outgoing.half_headers[2 * _HEADER * number + 2] = name_length
        self._restored = self._incoming.headers.tobytes()
        self._restored_view = memoryview(self._restored).cast("Q")
        self._may_segment = _can_segment(opened)
        self._posted = 0
        self._last: Address = None
        self._length = 0
        self._together = 0

    def take(self) -> Arrived:
        """Receive what waits with one system call."""
        messages = self._incoming
        count = self._calls.recvmmsg(
            self._descriptor, messages.pointer, INCOMING, _DONT_WAIT, _ffi.NULL
        )
        if count <= 0:
            if count < 0 and _ffi.errno not in {errno.EAGAIN, errno.EINTR}:
                self._counters.add("socket_errors")
            return [], [], []
        end = _HEADER * count
        lengths = messages.half_headers[14 : 2 * end : 2 * _HEADER].tolist()
        seconds = messages.control[2 : 4 * count : 4].tolist()
        parts = messages.control[3 : 4 * count : 4].tolist()
        if seconds[0] == seconds[-1]:
            whole = seconds[0] * 1_000_000
            stamps = [whole + part // 1000 for part in parts]
        else:
            stamps = [a * 1_000_000 + b // 1000 for a, b in zip(seconds, parts, strict=True)]
        # The kernel has written how much control data it gave; without resetting that, the next
        # datagram in the slot would get none.
        messages.headers[:end] = self._restored_view[:end]
        return self._sources(count), lengths, arrivals(stamps)

    def post(self, address: Address, start: int, length: int) -> None:
        """Add a packet to the message before, when it may go with it, or begin another."""
        messages, number = self._outgoing, self._posted
        if (
            address == self._last
            and length <= self._length
            and self._together < _TOGETHER
            and self._may_segment
        ):
            number -= 1
            vector = 2 * (_TOGETHER * number + self._together)
            self._together += 1
            messages.headers[_HEADER * number + 3] = self._together
            if self._together == 2:
                self._cut(number)
            if length < self._length:
                self._length = 0  # only the last piece may be shorter
        else:
            if number == _MESSAGES:
                self.flush()
                number = 0
            vector = 2 * _TOGETHER * number
            header = _HEADER * number
            messages.headers[header + 3] = 1
            messages.headers[header + 5] = 0
            if self._wide:
                messages.name_bytes[_NAME * number : _NAME * number + 28] = address
            else:
                messages.names[4 * number] = address
            self._last, self._length, self._together = address, length, 1
            self._posted = number + 1
        messages.vectors[vector] = self._slab_at + start
        messages.vectors[vector + 1] = length

    def flush(self) -> None:
        """Send all messages; one that the kernel refuses does not hold up the others."""
        count, sent = self._posted, 0
        self._posted, self._last = 0, None
        while sent < count:
            pointer = self._outgoing.pointer + 8 * _HEADER * sent
            result = self._calls.sendmmsg(self._descriptor, pointer, count - sent, _DONT_WAIT)
            if result > 0:
                sent += result
                continue
            if _ffi.errno in {errno.EAGAIN, errno.ENOBUFS}:
                # Media that waits is worth nothing, and what follows would wait behind it.
                self._counters.add("dropped_unsendable", count - sent)
                return
            self._send_in_pieces(sent)
            sent += 1

    def owns(self, address: Address) -> bool:
        """Tell by the form of the two families' addresses."""
        return isinstance(address, bytes if self._wide else int)

    def host_and_port(self, address: Address) -> tuple[str, int]:
        """Read host and port from the bytes of the socket address."""
        packed = address if self._wide else address.to_bytes(8, sys.byteorder)
        host = packed[8:24] if self._wide else packed[4:8]
        return socket.inet_ntop(self.socket.family, host), int.from_bytes(packed[2:4], "big")

    def _sources(self, count: int) -> list[Address]:
        if not self._wide:
            return self._incoming.names[: 4 * count : 4].tolist()
        names = self._incoming.name_bytes[: _NAME * count].tobytes()
        return [names[at : at + 28] for at in range(0, _NAME * count, _NAME)]

    def _cut(self, number: int) -> None:
        _SEGMENT_MESSAGE.pack_into(
            self._outgoing.control_bytes, _CONTROL * number,
            18, socket.IPPROTO_UDP, _UDP_SEGMENT, self._length,
        )  # fmt: skip
        self._outgoing.headers[_HEADER * number + 5] = _SEGMENT_MESSAGE.size

    def _send_in_pieces(self, number: int) -> None:
        """Send the packets of a refused message one by one: a path may not take it whole."""
        messages = self._outgoing
        together = messages.headers[_HEADER * number + 3]
        name = messages.name_bytes[_NAME * number : _NAME * number + 28].tobytes()
        address = name if self._wide else int.from_bytes(name[:8], sys.byteorder)
        if together > 1:
            self._may_segment = False
        for index in range(together):
            vector = 2 * (_TOGETHER * number + index)
            start = messages.vectors[vector] - self._slab_at
            packet = self._memory[start : start + messages.vectors[vector + 1]]
            try:
                self.socket.sendto(packet, self.host_and_port(address))
            except OSError:
                self._counters.add("dropped_unsendable")


def _can_segment(opened: socket.socket) -> bool:
    try:
        opened.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 0)
    except OSError:
        return False
    return True
