"""The bytes of RTCP: reports (RFC 3550), feedback (RFC 4585, 5104) and transport-wide feedback."""

import struct
from collections.abc import Iterable, Iterator
from operator import sub

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206

NACK = 1
TRANSPORT_WIDE = 15
PICTURE_LOSS = 1
FULL_INTRA_REQUEST = 4
APPLICATION_LAYER = 15

SENDER_INFO = struct.Struct("!IIIIII")
_HEADER = struct.Struct("!BBH")
_REPORT = struct.Struct("!IIIIII")
_DELTA = struct.Struct("!h")
_WIDE = struct.Struct("!BBHIIHHI")

MOST_TOLD = 2048
"""Packets that one feedback may tell of."""
DELTA_US = 250
REFERENCE_US = 64_000


def blocks(compound: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield (packet type, count or format, body after the four-byte header) of each packet.

    Stops without a word at the first packet whose header or length is wrong.
    """
    position = 0
    while position + 4 <= len(compound):
        first, kind, words = _HEADER.unpack_from(compound, position)
        end = position + 4 + 4 * words
        if first >> 6 != 2 or end > len(compound):
            return
        yield kind, first & 0x1F, compound[position + 4 : end]
        position = end


def sender_report(
    ssrc: int, ntp: tuple[int, int], timestamp: int, packets: int, octets: int
) -> bytes:
    """Build a sender report without report blocks (RFC 3550 section 6.4.1)."""
    return _HEADER.pack(0x80, SENDER_REPORT, 6) + SENDER_INFO.pack(
        ssrc, ntp[0], ntp[1], timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF
    )


def source_description(ssrc: int, cname: str) -> bytes:
    """Build a source description with a CNAME (RFC 3550 section 6.5)."""
    name = cname.encode("ascii")
    item = bytes((1, len(name))) + name + b"\x00"
    body = ssrc.to_bytes(4, "big") + item + bytes(-len(item) % 4)
    return _HEADER.pack(0x81, SOURCE_DESCRIPTION, len(body) // 4) + body


def report_block(
    ssrc: int, lost: tuple[int, int], highest: int, jitter: int, echo: tuple[int, int]
) -> bytes:
    """Build one report block (RFC 3550 section 6.4.1).

    `lost` is (fraction in 1/256, cumulative packets); `highest` the extended sequence number;
    `jitter` in clock ticks; `echo` the last sender report's middle bits and its age in 1/65536 s.
    """
    fraction, cumulative = lost
    clamped = max(-0x800000, min(0x7FFFFF, cumulative)) & 0xFFFFFF
    return _REPORT.pack(
        ssrc, (fraction << 24) | clamped, highest & 0xFFFFFFFF, jitter, echo[0], echo[1]
    )


def echoes(body: bytes, start: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Yield (SSRC, middle bits of the last sender report, its age) of each report block.

    The blocks begin at `start`; the age is in 1/65536 s (RFC 3550 section 6.4.1).
    """
    for position in range(start, min(start + 24 * count, len(body) - 23), 24):
        ssrc, _, _, _, middle, age = _REPORT.unpack_from(body, position)
        yield ssrc, middle, age


def receiver_report(ssrc: int, report_blocks: list[bytes]) -> bytes:
    """Build a receiver report of at most 31 blocks."""
    body = ssrc.to_bytes(4, "big") + b"".join(report_blocks)
    return _HEADER.pack(0x80 | len(report_blocks), RECEIVER_REPORT, len(body) // 4) + body


def picture_loss(ssrc: int, media: int) -> bytes:
    """Ask the sender of `media` for a key frame (RFC 4585 section 6.3.1)."""
    return _HEADER.pack(0x80 | PICTURE_LOSS, PAYLOAD_FEEDBACK, 2) + struct.pack("!II", ssrc, media)


def nack(ssrc: int, media: int, missing: Iterable[int]) -> bytes:
    """Ask for lost packets again by sequence number (RFC 4585 section 6.2.1)."""
    pairs: list[list[int]] = []
    for sequence in missing:
        distance = (sequence - pairs[-1][0]) & 0xFFFF if pairs else 0
        if pairs and 1 <= distance <= 16:
            pairs[-1][1] |= 1 << (distance - 1)
        else:
            pairs.append([sequence & 0xFFFF, 0])
    body = struct.pack("!II", ssrc, media) + b"".join(struct.pack("!HH", *pair) for pair in pairs)
    return _HEADER.pack(0x80 | NACK, TRANSPORT_FEEDBACK, len(body) // 4) + body


def nacked(body: bytes) -> Iterator[int]:
    """Yield the sequence numbers that the body of a NACK names."""
    for position in range(8, len(body) - 3, 4):
        first, mask = struct.unpack_from("!HH", body, position)
        yield first
        for bit in range(16):
            if mask >> bit & 1:
                yield (first + bit + 1) & 0xFFFF


def intra_requested(body: bytes) -> Iterator[int]:
    """Yield the SSRCs that the body of a full intra request names (RFC 5104 section 4.3.1)."""
    for position in range(8, len(body) - 7, 8):
        yield int.from_bytes(body[position : position + 4], "big")


def estimate(ssrc: int, media: int, bits: int) -> bytes:
    """Tell the sender of `media` the bit/s that can be taken (REMB).

    Source: draft-alvestrand-rmcat-remb-03 section 2.2.
    """
    exponent = max(0, bits.bit_length() - 18)
    packed = 1 << 24 | exponent << 18 | bits >> exponent
    return _HEADER.pack(0x80 | APPLICATION_LAYER, PAYLOAD_FEEDBACK, 5) + struct.pack(
        "!II4sII", ssrc, 0, b"REMB", packed, media
    )


def transport_wide(
    ssrc: int, media: int, count: int, arrivals: list[tuple[int, int]], base: int
) -> bytes:
    """Report when each packet of a transport arrived, and which did not.

    `arrivals` holds (unwrapped transport-wide sequence number, arrival in µs), ascending by
    number and not empty; `base` is the number the report starts at, not above the first;
    `count` numbers the feedback packets. Gaps beyond 8.19 s are told as 8.19 s.
    Source: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
    """
    reference = arrivals[0][1] // REFERENCE_US
    clock = reference * REFERENCE_US // DELTA_US
    symbols = bytearray()
    deltas = bytearray()
    expected = base
    for number, arrival in arrivals:
        if number != expected:
            symbols += bytes(number - expected)
        expected = number + 1
        delta = arrival // DELTA_US - clock
        clock += delta
        if 0 <= delta <= 0xFF:
            symbols.append(1)
            deltas.append(delta)
        else:
            symbols.append(2)
            deltas += struct.pack("!h", max(-0x8000, min(0x7FFF, delta)))
    body = _chunks(symbols) + bytes(deltas)
    return _wide(ssrc, media, count, (base, len(symbols), reference), body)


def arrivals(body: bytes) -> list[tuple[int, int]]:
    """Give (16-bit number, arrival in µs) of each packet that transport-wide feedback tells of.

    The arrival is by the teller's clock, -1 for a packet that did not come. What is cut off or
    tells of more than `MOST_TOLD` packets gives what stands before. Source: as above.
    """
    if len(body) < 16:
        return []
    base, count, reference = struct.unpack_from("!HHI", body, 8)
    symbols, position = _symbols(body, min(count, MOST_TOLD))
    # The reference is signed; an offset keeps every time above the -1 of a lost packet.
    clock = ((reference >> 8 ^ 0x800000) & 0xFFFFFF) * REFERENCE_US
    told = []
    for number, symbol in enumerate(symbols, base):
        arrival = -1
        if symbol:
            if position + symbol > len(body):
                break
            delta = body[position] if symbol == 1 else _DELTA.unpack_from(body, position)[0]
            position += symbol
            clock += delta * DELTA_US
            arrival = clock
        told.append((number & 0xFFFF, arrival))
    return told


def _symbols(body: bytes, count: int) -> tuple[list[int], int]:
    """Give the status of each packet, 0 for lost, else the bytes of its delta; and their start."""
    symbols: list[int] = []
    position = 16
    while len(symbols) < count and position + 2 <= len(body):
        chunk = body[position] << 8 | body[position + 1]
        position += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * min(chunk & 0x1FFF, count)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -2, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]
    return [each if each < 3 else 0 for each in symbols], position


def transport_wide_unbroken(
    ssrc: int, media: int, count: int, times: list[int], base: int
) -> bytes | None:
    """Report packets of which none is missing: the numbers from `base` on arrived at `times`.

    `times` in microseconds, at most 8,191. Gives None when one of them is before the last one or
    more than 63 ms after it; `transport_wide` tells these too.
    """
    reference = times[0] // REFERENCE_US
    ticks = [each // DELTA_US for each in times]
    try:
        deltas = bytes(map(sub, ticks, [reference * (REFERENCE_US // DELTA_US), *ticks]))
    except ValueError:  # a byte holds 0 to 255
        return None
    body = (1 << 13 | len(ticks)).to_bytes(2, "big") + deltas
    return _wide(ssrc, media, count, (base, len(ticks), reference), body)


def _wide(ssrc: int, media: int, count: int, extent: tuple[int, int, int], body: bytes) -> bytes:
    base, symbols, reference = extent
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes((padding,))
    first = 0x80 | TRANSPORT_WIDE | (0x20 if padding else 0)
    return (
        _WIDE.pack(
            first, TRANSPORT_FEEDBACK, 4 + len(body) // 4, ssrc, media, base & 0xFFFF, symbols,
            (reference & 0xFFFFFF) << 8 | count & 0xFF,
        )
        + body
    )  # fmt: skip


def _chunks(symbols: bytearray) -> bytes:
    # Runs where seven or more are alike, else seven two-bit symbols (section 3.1.3, 3.1.4).
    out = bytearray()
    position, count = 0, len(symbols)
    while position < count:
        symbol = symbols[position]
        rest = symbols[position : position + 0x1FFF]
        run = len(rest) - len(rest.lstrip(symbols[position : position + 1]))
        if run >= 7 or position + run == count:
            out += (symbol << 13 | run).to_bytes(2, "big")
            position += run
            continue
        word = 0xC000
        for index, each in enumerate(symbols[position : position + 7]):
            word |= each << (12 - 2 * index)
        out += word.to_bytes(2, "big")
        position += 7
    return bytes(out)
