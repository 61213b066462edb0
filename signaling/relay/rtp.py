"""What Python reads of an RTP packet: header extensions that are read once per stream."""

ONE_BYTE_PROFILE = 0xBEDE  # RFC 8285 section 4.2


def one_byte_extension(packet: bytes, identifier: int) -> bytes:
    """Give the bytes of a header extension, none when it is not there.

    Only the one-byte form is read (RFC 8285 section 4.2): the relay never negotiates the other.
    """
    if not identifier or not packet[0] & 0x10:
        return b""
    position = 12 + 4 * (packet[0] & 0x0F)
    if int.from_bytes(packet[position : position + 2], "big") != ONE_BYTE_PROFILE:
        return b""
    end = position + 4 + 4 * int.from_bytes(packet[position + 2 : position + 4], "big")
    position += 4
    while position < min(end, len(packet)):
        byte = packet[position]
        position += 1
        if byte == 0:
            continue
        length = (byte & 0x0F) + 1
        if byte >> 4 == identifier:
            return packet[position : position + length] if position + length <= end else b""
        if byte >> 4 == 15:
            return b""
        position += length
    return b""
