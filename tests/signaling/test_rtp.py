"""Where the parts of RTP packets stand, held against aiortc's parser."""

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.plane.library import lib
from signaling.relay.rtp import one_byte_extension
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


@given(_HEADERS)
def test_an_extension_that_is_read_once_reads_as_its_bytes(fields):
    packet = rtp_packet(**fields)

    expected = b"" if fields["number"] is None else fields["number"].to_bytes(2, "big")
    assert one_byte_extension(packet, 3) == expected
    assert one_byte_extension(packet, 4) == one_byte_extension(packet, 0) == b""


@given(st.binary(min_size=12, max_size=60))
def test_no_bytes_make_the_reader_raise(packet):
    assert len(one_byte_extension(packet, 3)) <= 16
