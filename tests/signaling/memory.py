"""What this process holds in memory, and what of it is in use."""

import ctypes
import gc
import sys
from dataclasses import dataclass
from pathlib import Path


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """What is in use once cycles are collected, and what the system has given.

    What lies free in an allocator is resident and not in use: it comes and goes with the order
    in which things of many sizes are let go of.
    """

    blocks: int
    """Of Python's own, small objects."""
    malloc_kib: int
    """Of everything else: OpenSSL's, libsrtp's, larger objects; 0 where nobody tells."""
    resident_kib: int

    @classmethod
    def now(cls):
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(sys.getallocatedblocks(), _allocated() // 1024, pages * 4)

    def __sub__(self, earlier):
        return Memory(
            self.blocks - earlier.blocks,
            self.malloc_kib - earlier.malloc_kib,
            self.resident_kib - earlier.resident_kib,
        )


def _allocated():
    """Give the bytes that malloc has given away (mallinfo2(3), glibc 2.33)."""
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        return 0
    mallinfo2.restype = _Mallinfo2
    told = mallinfo2()
    return told.uordblks + told.hblkhd
