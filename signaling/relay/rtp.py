"""The bytes of an RTP packet (RFC 3550): where its parts stand and how they are patched."""

import struct

HEADER = struct.Struct("!BBHII")
HEADER_WITH_EXTENSION = struct.Struct("!BBHIIII")
ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 section 4.2

_PROFILE = struct.Struct("!HH")


def payload_offset(packet: bytes) -> int:
    """Give where the payload starts, in bytes; 0 when the header is longer than the packet."""
    first = packet[0]
    offset = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        if len(packet) < offset + 4:
            return 0
        offset += 4 + 4 * int.from_bytes(packet[offset + 2 : offset + 4], "big")
    return offset if offset <= len(packet) else 0


def payload_length(packet: bytes, offset: int) -> int:
    """Give the bytes between header and padding; 0 for a packet that is padding alone."""
    length = len(packet) - offset
    if packet[0] & 0x20 and length > 0:
        length -= packet[-1]
    return max(length, 0)


def one_byte_extension(packet: bytes, identifier: int) -> int:
    """Give the value of a header extension as an unsigned number, or -1 when it is not there.

    Only the one-byte form is read (RFC 8285 section 4.2): the relay never negotiates the other.
    """
    if not packet[0] & 0x10:
        return -1
    position = 12 + 4 * (packet[0] & 0x0F)
    profile, words = _PROFILE.unpack_from(packet, position)
    if profile != ONE_BYTE_PROFILE:
        return -1
    position += 4
    end = position + 4 * words
    while position < end:
        byte = packet[position]
        position += 1
        if byte == 0:
            continue
        length = (byte & 0x0F) + 1
        if byte >> 4 == identifier:
            if position + length > end:
                return -1
            return int.from_bytes(packet[position : position + length], "big")
        if byte >> 4 == 15:
            return -1
        position += length
    return -1


def restore_retransmission(
    packet: bytes, offset: int, payload_type: int, ssrc: int
) -> bytes | None:
    """Rebuild the original packet from its retransmission (RFC 4588 section 4).

    Gives None when nothing but padding is inside, as in packets that only probe the network.
    Extensions are left behind: they belonged to the hop that is over.
    """
    if payload_length(packet, offset) < 2:
        return None
    padding = packet[0] & 0x20
    return b"".join(
        (
            bytes((0x80 | padding, (packet[1] & 0x80) | payload_type)),
            packet[offset : offset + 2],
            packet[4:8],
            ssrc.to_bytes(4, "big"),
            packet[offset + 2 :],
        )
    )
