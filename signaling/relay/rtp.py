"""What Python reads of an RTP packet: header extensions that are read once per stream."""

from signaling.relay.plane.library import ffi, lib


def one_byte_extension(packet: bytes, identifier: int) -> bytes:
    """Give the bytes of a header extension, none when it is not there."""
    size = ffi.new("int *")
    at = lib.rtp_extension(packet, len(packet), identifier, size)
    return packet[at : at + size[0]]
