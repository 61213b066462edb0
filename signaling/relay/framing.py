"""Frames on a stream: how datagrams travel over TCP (RFC 4571, as RFC 6544 asks of ICE)."""

from signaling.relay.slab import LONGEST_DATAGRAM

HEAD = 2
"""Bytes before each datagram: its length."""
_SHORTEST = 12  # bytes of the shortest thing that can be meant: an RTP header


class BadFrame(ValueError):
    """The stream holds a frame that no datagram of ours can be in."""


def frame(datagram: bytes | memoryview) -> bytes:
    """Put a datagram behind its length."""
    return len(datagram).to_bytes(HEAD, "big") + bytes(datagram)


def whole_frames(stream: bytes | bytearray, most: int) -> tuple[list[slice], int]:
    """Give where at most `most` whole datagrams stand in a stream, and where the rest begins.

    Empty frames mean nothing and are skipped (RFC 4571 section 2). Raises BadFrame on a length
    that cannot be: whoever sends it speaks something else, or wants memory.
    """
    found: list[slice] = []
    position, end = 0, len(stream)
    while len(found) < most and position + HEAD <= end:
        length = stream[position] << 8 | stream[position + 1]
        if length and not _SHORTEST <= length <= LONGEST_DATAGRAM:
            raise BadFrame(f"a frame of {length} bytes")
        if position + HEAD + length > end:
            break
        position += HEAD
        if length:
            found.append(slice(position, position + length))
            position += length
    return found, position
