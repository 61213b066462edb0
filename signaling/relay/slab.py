"""The memory that packets pass through: received into, patched, encrypted in place, sent from."""

import ctypes

SLOT = 2048
"""Bytes from one slot to the next."""
LONGEST_DATAGRAM = 1900
INCOMING = 64
"""Slots that datagrams are received into."""
MADE = 128
"""Slots for what the relay makes itself: copies for further receivers, repeats, feedback."""

_HEADROOM = 64  # bytes before a datagram, for a header longer than the one that came


class Slab:
    """One block of `INCOMING + MADE` slots, addressed by byte offsets into `memory`.

    Everything between a datagram's arrival and its leaving happens here, without an object per
    packet. A made slot is free for use again once everything was sent.
    """

    __slots__ = ("_block", "_made", "address", "memory", "starts")

    def __init__(self) -> None:
        self._block = bytearray(SLOT * (INCOMING + MADE))
        self.memory = memoryview(self._block)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._block))
        """Where `memory` begins, for the kernel and for libsrtp."""
        self.starts = tuple(SLOT * number + _HEADROOM for number in range(INCOMING))
        """Where each incoming datagram begins."""
        self._made = 0

    @property
    def exhausted(self) -> bool:
        """Whether every made slot is in use."""
        return self._made == MADE

    def place(self, packet: bytes) -> int:
        """Copy bytes into a made slot; give where they begin."""
        start = self._next()
        self.memory[start : start + len(packet)] = packet
        return start

    def copy(self, start: int, end: int) -> int:
        """Copy a part of the slab into a made slot; give where it begins."""
        fresh = self._next()
        self.memory[fresh : fresh + end - start] = self.memory[start:end]
        return fresh

    def release(self) -> None:
        """Take all made slots back: what they held has been sent."""
        self._made = 0

    def _next(self) -> int:
        start = SLOT * (INCOMING + self._made) + _HEADROOM
        self._made += 1
        return start
