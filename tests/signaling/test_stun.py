"""Binding requests and responses, held against aioice's independent implementation."""

import pytest
from aioice import stun as other
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay import stun

_PASSWORD = "a-password-of-some-length"
_TRANSACTIONS = st.binary(min_size=12, max_size=12)


def request(**options):
    return stun.build_request(
        b"twelve bytes", username="ours:theirs", password=_PASSWORD, **options
    )


@given(transaction=_TRANSACTIONS, nominate=st.booleans())
def test_a_request_reads_back_as_it_was_built(transaction, nominate):
    datagram = stun.build_request(
        transaction, username="ours:theirs", password=_PASSWORD, nominate=nominate
    )

    read = stun.read_request(datagram)

    assert (read.transaction, read.local_ufrag, read.remote_ufrag) == (
        transaction,
        "ours",
        "theirs",
    )
    assert read.nominated is nominate
    assert stun.is_authentic(datagram, read, _PASSWORD)
    assert not stun.is_authentic(datagram, read, _PASSWORD + "x")


@given(address=st.ip_addresses(), port=st.integers(1, 65535), transaction=_TRANSACTIONS)
def test_a_response_tells_an_independent_reader_the_mapped_address(address, port, transaction):
    asked = stun.read_request(
        stun.build_request(transaction, username="ours:theirs", password=_PASSWORD)
    )

    message = other.parse_message(stun.build_success(asked, str(address), port, _PASSWORD))

    assert message.check_message_integrity(_PASSWORD.encode())
    assert message.transaction_id == transaction
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert message.attributes["XOR-MAPPED-ADDRESS"] == (str(mapped), port)


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(position, bit):
    datagram = bytearray(request(nominate=True))
    datagram[position % len(datagram)] ^= 1 << bit

    with pytest.raises(stun.MalformedStun):
        stun.read_request(bytes(datagram))


@given(st.binary(max_size=200))
def test_garbage_is_malformed_and_nothing_else(datagram):
    with pytest.raises(stun.MalformedStun):
        stun.read_request(datagram)


def test_a_request_without_integrity_is_refused():
    message = other.Message(other.Method.BINDING, other.Class.REQUEST)
    message.attributes["USERNAME"] = "ours:theirs"
    message.add_fingerprint()

    with pytest.raises(stun.MalformedStun):
        stun.read_request(bytes(message))


def test_what_follows_the_integrity_is_ignored():
    message = other.Message(other.Method.BINDING, other.Class.REQUEST)
    message.attributes["USERNAME"] = "ours:theirs"
    message.add_message_integrity(_PASSWORD.encode())
    message.attributes["USE-CANDIDATE"] = None
    message.add_fingerprint()

    read = stun.read_request(bytes(message))

    assert not read.nominated
