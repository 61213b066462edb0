"""The memory that packets pass through: received into, patched, encrypted in place, sent from."""

import secrets
from typing import Any

from signaling.relay import srtp
from signaling.relay.plane.library import ffi, lib

SLOT: int = lib.PLANE_SLOT
"""Bytes from one slot to the next."""
LONGEST_DATAGRAM: int = lib.PLANE_LONGEST
INCOMING: int = lib.PLANE_INCOMING
"""Slots that datagrams are received into."""
MADE: int = lib.PLANE_MADE
"""Slots for what the relay makes itself: copies for further receivers, repeats, feedback."""

_HEADROOM: int = lib.PLANE_HEADROOM
_PLACES = 256  # addresses known at first; more room is made when half of it is taken


class Slab:
    """One block of `INCOMING + MADE` slots, addressed by byte offsets into `memory`.

    Everything between a datagram's arrival and its leaving happens here, without an object per
    packet. A made slot is free for use again once everything was sent. `plane` is the block as
    the compiled part sees it, with who is behind which address and what Python is to be told.
    """

    __slots__ = ("_block", "_places", "memory", "plane", "starts")

    def __init__(self) -> None:
        self._block = ffi.new("unsigned char[]", SLOT * (INCOMING + MADE))
        self.memory = memoryview(ffi.buffer(self._block)).cast("B")
        self.starts = tuple(SLOT * number + _HEADROOM for number in range(INCOMING))
        """Where each incoming datagram begins."""
        self.plane: Any = ffi.new("struct plane *")
        self.plane.slab = self._block
        self.plane.seed = secrets.randbits(64)
        for name in srtp.BINDING_PARTS:
            setattr(self.plane, name.removeprefix("srtp_"), srtp.function(name))
        self._places = self._new_places(_PLACES)

    @property
    def crowded(self) -> bool:
        """Whether there may be too little room for what the next packet brings about."""
        return bool(lib.plane_crowded(self.plane))

    def place(self, packet: bytes) -> int:
        """Copy bytes into a made slot; give where they begin."""
        made: int = self.plane.made
        start = SLOT * (INCOMING + made) + _HEADROOM
        self.plane.made = made + 1
        self.memory[start : start + len(packet)] = packet
        return start

    def release(self) -> None:
        """Take all made slots back: what they held has been sent."""
        self.plane.made = 0

    def settle(self, address: bytes, leg: Any) -> None:
        """Take what comes from a socket address, or with an SSRC or a ufrag, for a participant's."""
        if 2 * self.plane.place_count >= self.plane.place_size:
            before, size = self._places, self.plane.place_size
            self._places = self._new_places(2 * size)
            for each in before:
                if each.leg != ffi.NULL:
                    lib.place_put(self.plane, each.name, each.leg)
        lib.place_put(self.plane, address, leg)

    def leave(self, address: bytes) -> None:
        """Take it for a stranger's."""
        lib.place_drop(self.plane, address)

    def _new_places(self, size: int) -> Any:
        places = ffi.new("struct place[]", size)
        self.plane.places, self.plane.place_size, self.plane.place_count = places, size, 0
        return places


def ufrag_name(ufrag: str) -> bytes:
    """Give what a ufrag of ours is known by among addresses: no family has its number."""
    return b"\xff\xfe" + ufrag.encode("ascii") + bytes(lib.PLANE_NAME - 2 - lib.PLANE_UFRAG)


def ssrc_name(ssrc: int) -> bytes:
    """Give what an SSRC is known by among addresses: no family has its number."""
    return b"\xff\xff" + ssrc.to_bytes(4, "big") + bytes(lib.PLANE_NAME - 6)
