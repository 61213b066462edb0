"""Where the parts of RTP packets stand, held against aiortc's parser."""

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import rtp
from signaling.relay.vp8 import starts_key_frame
from tests.signaling.peer import rtp_packet

_HEADERS = st.builds(
    dict,
    ssrc=st.integers(0, 0xFFFFFFFF),
    sequence=st.integers(0, 0xFFFF),
    payload=st.binary(max_size=100),
    number=st.none() | st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
)


@given(_HEADERS)
def test_the_payload_is_found_behind_any_header(fields):
    packet = rtp_packet(**fields)

    offset = rtp.payload_offset(packet)

    assert packet[offset:] == RtpPacket.parse(packet).payload
    assert rtp.payload_length(packet, offset) == len(fields["payload"])


@given(_HEADERS)
def test_an_extension_reads_as_its_number_or_as_absent(fields):
    packet = rtp_packet(**fields)

    value = rtp.one_byte_extension(packet, 3)

    assert value == (-1 if fields["number"] is None else fields["number"])
    assert rtp.one_byte_extension(packet, 4) == -1


@given(st.binary(min_size=12, max_size=60))
def test_no_bytes_make_the_readers_raise(packet):
    offset = rtp.payload_offset(packet)

    if offset:
        rtp.payload_length(packet, offset)
        rtp.one_byte_extension(packet, 3)
        rtp.restore_retransmission(packet, offset, 96, 1)


@given(_HEADERS, st.integers(0, 0xFFFF))
def test_a_retransmission_restores_to_the_original(fields, original):
    fields["number"] = None
    payload = fields.pop("payload")
    repeated = rtp_packet(payload=original.to_bytes(2, "big") + payload, payload_type=97, **fields)

    restored = rtp.restore_retransmission(repeated, 12, 96, 77)

    parsed = RtpPacket.parse(restored)
    assert (parsed.ssrc, parsed.sequence_number, parsed.payload_type) == (77, original, 96)
    assert (parsed.timestamp, parsed.payload) == (fields["timestamp"], payload)


def test_a_packet_of_padding_alone_restores_to_nothing():
    probe = bytes([0xA0, 97]) + bytes(10) + bytes(9) + b"\x0a"

    assert rtp.restore_retransmission(probe, 12, 96, 77) is None


@pytest.mark.parametrize(
    ("payload", "starts"),
    [
        (b"\x10\x00", True),  # no extension, key frame
        (b"\x10\x01", False),  # an inter frame
        (b"\x00\x00", False),  # goes on with a frame
        (b"\x11\x00", False),  # a later partition
        (b"\x90\x80\x05\x00", True),  # picture id of seven bits
        (b"\x90\x80\x85\x05\x00", True),  # picture id of fifteen bits
        (b"\x90\xe0\x85\x05\x01\x20\x00", True),  # picture id, TL0PICIDX, TID
        (b"\x90\xe0\x85\x05\x01\x20\x01", False),
        (b"\x90", False),
        (b"\x10", False),
        (b"", False),
    ],
)
def test_the_start_of_a_key_frame_is_known_by_its_descriptor(payload, starts):
    packet = rtp_packet(1, 1, payload=payload)

    assert starts_key_frame(packet, 12, len(packet)) is starts
