"""When packets arrived at a headless caller, told to their sender as browsers do.

Source: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1. It is written apart from
the relay's, which has to understand it.
"""

from __future__ import annotations

import struct
from operator import sub

_HEADER = struct.Struct("!BBHIIHHI")
_TRANSPORT_FEEDBACK, _FORMAT = 205, 15
_TICK_US, _REFERENCE_US = 250, 64_000
_SOON, _LATE = 1, 2  # what came; 0 is what did not
_ONE_BYTE = 0xBEDE
_FAR = 0x8000  # a number so far ahead is one that comes late


def transport_wide_number(packet: bytes, identifier: int) -> int:
    """Give the transport-wide number of a packet with a header extension, -1 when it has none.

    `identifier` is the element's (RFC 8285 section 4.2). An SRTP packet will do.
    """
    wanted = identifier << 4 | 1
    if packet[16] == wanted and packet[0] & 0x0F == 0:
        return packet[17] << 8 | packet[18]  # it comes first, as nearly always
    position = 12 + 4 * (packet[0] & 0x0F)
    profile, words = struct.unpack_from("!HH", packet, position)
    position += 4
    end = min(position + 4 * words, len(packet) - 2)
    while profile == _ONE_BYTE and position < end:
        head = packet[position]
        if head == wanted:
            return packet[position + 1] << 8 | packet[position + 2]
        position += 2 + (head & 0x0F) if head else 1
    return -1


class Arrivals:
    """What arrived since the last feedback; `numbers` and `times` are appended to by pairs.

    Numbers have 16 bits, times are microseconds of any clock that does not run backwards.
    """

    __slots__ = ("_count", "_next", "numbers", "times")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.times: list[int] = []
        self._count = 0
        self._next = -1

    def feedback(self, ssrc: int, media: int) -> bytes:
        """Give the feedback of `ssrc` on what arrived, of which `media` is one stream.

        Empty when nothing did.
        """
        numbers, times = self.numbers, self.times
        if not numbers:
            return b""
        self.numbers, self.times = [], []
        base = numbers[0] if self._next < 0 else self._next
        reference = times[0] // _REFERENCE_US
        body = b""
        if numbers == list(range(base, base + len(numbers))):
            body = _unbroken(times, reference)
        length = len(numbers)
        if not body:
            length, body = _broken(numbers, times, base, reference)
        self._next = base + length & 0xFFFF
        self._count = self._count + 1 & 0xFF
        padding = -len(body) % 4
        if padding:
            body += bytes(padding - 1) + bytes((padding,))
        return body and (
            _HEADER.pack(
                0x80 | _FORMAT | (0x20 if padding else 0), _TRANSPORT_FEEDBACK, 4 + len(body) // 4,
                ssrc, media, base, length, (reference & 0xFFFFFF) << 8 | self._count,
            )
            + body
        )  # fmt: skip


def _unbroken(times: list[int], reference: int) -> bytes:
    """Tell of packets that all came in order: one run, a byte each; empty when bytes do not do."""
    ticks = [each // _TICK_US for each in times]
    try:
        deltas = bytes(map(sub, ticks, [reference * (_REFERENCE_US // _TICK_US), *ticks]))
    except ValueError:  # more than 255
        return b""
    return (_SOON << 13 | len(times)).to_bytes(2, "big") + deltas


def _broken(numbers: list[int], times: list[int], base: int, reference: int) -> tuple[int, bytes]:
    """Tell of any packets: two bits each, seven to a chunk; gives how many are told of.

    Of what came before `base` nothing is told any more.
    """
    arrived: dict[int, int] = {}
    for number, at in zip(numbers, times, strict=True):
        ahead = number - base & 0xFFFF
        if ahead < _FAR:
            arrived.setdefault(ahead, at)
    symbols = bytearray(max(arrived, default=-1) + 1)
    deltas = bytearray()
    clock = reference * (_REFERENCE_US // _TICK_US)
    for ahead in sorted(arrived):
        delta = arrived[ahead] // _TICK_US - clock
        clock += delta
        symbols[ahead] = _SOON if 0 <= delta <= 0xFF else _LATE
        if symbols[ahead] == _SOON:
            deltas.append(delta)
        else:
            deltas += struct.pack("!h", max(-0x8000, min(0x7FFF, delta)))
    chunks = bytearray()
    for first in range(0, len(symbols), 7):
        word = 0b11
        for each in symbols[first : first + 7].ljust(7, b"\0"):
            word = word << 2 | each
        chunks += word.to_bytes(2, "big")
    return len(symbols), bytes(chunks + deltas)
