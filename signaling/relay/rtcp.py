"""The bytes of RTCP: reports (RFC 3550) and feedback (RFC 4585, 5104)."""

import struct
from collections.abc import Iterable, Iterator

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


def reported(body: bytes, start: int, count: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield (SSRC, share lost, middle bits of the last sender report, its age) of each block.

    The blocks begin at `start`; the share is in 1/256, the age in 1/65536 s (RFC 3550, 6.4.1).
    """
    for position in range(start, min(start + 24 * count, len(body) - 23), 24):
        ssrc, lost, _, _, middle, age = _REPORT.unpack_from(body, position)
        yield ssrc, lost >> 24, middle, age


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


def estimated(body: bytes) -> int | None:
    """Read the bit/s that the body of a REMB tells, None when it is something else."""
    if len(body) < 16 or body[8:12] != b"REMB":
        return None
    packed = int.from_bytes(body[13:16], "big")
    return (packed & 0x3FFFF) << (packed >> 18)


def estimate(ssrc: int, media: int, bits: int) -> bytes:
    """Tell the sender of `media` the bit/s that can be taken (REMB).

    Source: draft-alvestrand-rmcat-remb-03 section 2.2.
    """
    exponent = max(0, bits.bit_length() - 18)
    packed = 1 << 24 | exponent << 18 | bits >> exponent
    return _HEADER.pack(0x80 | APPLICATION_LAYER, PAYLOAD_FEEDBACK, 5) + struct.pack(
        "!II4sII", ssrc, 0, b"REMB", packed, media
    )
