"""Packets as another implementation reads them: aiortc's parser, or the bytes themselves."""

import struct

from aiortc.rtp import RtpPacket

from tests.signaling.peer import TRANSPORT_WIDE

DELTA_US = 250
REFERENCE_US = 64_000


def sequence(packet):
    """Give the sequence number."""
    return int.from_bytes(packet[2:4], "big")


def payload(packet):
    """Give what stands behind the header."""
    return RtpPacket.parse(packet).payload


def wide_number(packet):
    """Give the transport-wide number, None for a packet without one."""
    if not packet[0] & 0x10 or packet[16] != TRANSPORT_WIDE << 4 | 1:
        return None
    return int.from_bytes(packet[17:19], "big")


def read_wide(message):
    """Read transport-wide feedback into {number: arrival in µs or None}."""
    padding = message[-1] if message[0] & 0x20 else 0
    end = len(message) - padding
    base, count = struct.unpack_from("!HH", message, 12)
    clock = int.from_bytes(message[16:19], "big", signed=True) * REFERENCE_US
    symbols, position = [], 20
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", message, position)
        position += 2
        if chunk >> 14 == 2:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
        elif chunk & 0x8000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> 13 & 3] * (chunk & 0x1FFF)
    arrivals = {}
    for index, symbol in enumerate(symbols[:count]):
        if symbol:
            size = {1: "!B", 2: "!h"}[symbol]
            clock += struct.unpack_from(size, message, position)[0] * DELTA_US
            position += struct.calcsize(size)
        arrivals[(base + index) & 0xFFFF] = clock if symbol else None
    assert 0 <= end - position < 4
    assert len(message) == 4 + 4 * int.from_bytes(message[2:4], "big")
    return arrivals


def write_wide(media, count, arrivals):
    """Write feedback on ascending (number, arrival in µs), each packet with a status of its own."""
    reference = arrivals[0][1] // REFERENCE_US
    clock = reference * REFERENCE_US // DELTA_US
    chunks = deltas = b""
    expected = arrivals[0][0]
    for number, at in arrivals:
        if number - expected:
            chunks += struct.pack("!H", number - expected)
        expected = number + 1
        chunks += struct.pack("!H", 2 << 13 | 1)
        deltas += struct.pack("!h", at // DELTA_US - clock)
        clock = at // DELTA_US
    body = chunks + deltas
    body += bytes(-len(body) % 4)
    told = expected - arrivals[0][0]
    return struct.pack(
        "!BBHIIHHI", 0x8F, 205, 4 + len(body) // 4, 1, media, arrivals[0][0] & 0xFFFF, told,
        (reference & 0xFFFFFF) << 8 | count & 0xFF,
    ) + body  # fmt: skip
