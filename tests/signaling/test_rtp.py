"""Where the parts of RTP packets stand, held against aiortc's parser."""

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.plane.library import lib
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

    offset = lib.rtp_payload(packet, len(packet))

    assert packet[offset:] == RtpPacket.parse(packet).payload


@given(_HEADERS)
def test_an_extension_reads_as_its_number_or_as_absent(fields):
    packet = rtp_packet(**fields)

    value = lib.rtp_number(packet, len(packet), 3)

    assert value == (-1 if fields["number"] is None else fields["number"])
    assert lib.rtp_number(packet, len(packet), 4) == -1


@given(st.binary(min_size=12, max_size=60))
def test_no_bytes_lead_the_readers_beyond_the_packet(packet):
    offset = lib.rtp_payload(packet, len(packet))
    number = lib.rtp_number(packet, len(packet), 3)

    assert 0 <= offset <= len(packet)
    assert -1 <= number <= 0xFFFF


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
    assert bool(lib.vp8_starts_key_frame(payload, len(payload))) is starts
