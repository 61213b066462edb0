"""The one thing the relay reads of a video payload: whether a VP8 key frame starts here."""


def starts_key_frame(packet: bytes | memoryview, offset: int, end: int) -> bool:
    """Tell whether the payload from `offset` to `end` begins a key frame (RFC 7741, 4.2, 4.3).

    A payload encrypted end to end may give a wrong answer, which costs one wasted repeat.
    """
    # S set and partition index 0: the first packet of a frame.
    if offset >= end or packet[offset] & 0x17 != 0x10:
        return False
    position = offset + 1
    if packet[offset] & 0x80:
        if position >= end:
            return False
        present = packet[position]
        position += 1
        if present & 0x80 and position < end:
            position += 2 if packet[position] & 0x80 else 1
        position += bool(present & 0x40) + bool(present & 0x30)
    return position < end and not packet[position] & 0x01
