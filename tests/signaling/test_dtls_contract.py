"""What `signaling.relay.dtls` uses of aiortc beyond its public interface is still there."""

import gc
import inspect
import weakref
from importlib.metadata import version

import pytest
from aiortc import RTCDtlsTransport
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL
from pylibsrtp import Session, _binding

from signaling.relay import srtp
from signaling.relay.dtls import (
    AIORTC_VERSION,
    PRIVATE_PARTS,
    TRANSPORT_PARTS,
    Association,
    Certificate,
    SrtpError,
    _Wire,
    is_whole_records,
)
from signaling.relay.plane.library import ffi


def test_aiortc_is_the_version_whose_private_parts_are_known():
    assert version("aiortc") == AIORTC_VERSION, (
        f"signaling/relay/dtls.py was written against aiortc {AIORTC_VERSION}; read "
        f"aiortc/rtcdtlstransport.py of {version('aiortc')} for {PRIVATE_PARTS} and for how it "
        f"uses its transport's {TRANSPORT_PARTS}, then raise AIORTC_VERSION"
    )


@pytest.mark.parametrize("name", PRIVATE_PARTS)
async def test_the_private_part_exists(name):
    transport = RTCDtlsTransport(_Wire(lambda _: None), [Certificate().inner])

    assert hasattr(transport, name), f"RTCDtlsTransport lost {name}"


@pytest.mark.parametrize("name", TRANSPORT_PARTS)
def test_the_transport_is_asked_for_what_the_wire_offers(name):
    source = inspect.getsource(RTCDtlsTransport)

    assert f"self.transport.{name}(" in source
    assert inspect.iscoroutinefunction(getattr(_Wire, name))


def test_libsrtp_is_reached_through_the_binding_that_is_known():
    session = Session()
    packet, length = ffi.new("unsigned char[64]"), ffi.new("int *", 12)

    assert version("pylibsrtp") == srtp.PYLIBSRTP_VERSION, (
        f"signaling/relay/srtp.py was written against pylibsrtp {srtp.PYLIBSRTP_VERSION}; read "
        f"pylibsrtp/__init__.py of {version('pylibsrtp')} for {srtp.PRIVATE_PARTS} and its "
        f"binding for {srtp.BINDING_PARTS}, then raise PYLIBSRTP_VERSION"
    )
    for name in srtp.BINDING_PARTS:
        assert callable(getattr(_binding.lib, name)), f"the binding lost {name}"
    assert all(hasattr(Session(), name) for name in srtp.PRIVATE_PARTS)
    assert srtp.function("srtp_protect")(srtp.handle(session), packet, length) != 0


def test_the_gcm_profiles_are_there():
    names = [
        profile.openssl_profile
        for profile in RTCDtlsTransport(_Wire(lambda _: None), [Certificate().inner])._srtp_profiles
    ]

    assert b"SRTP_AEAD_AES_128_GCM" in names


@pytest.mark.parametrize(
    "setting",
    [
        f"{way}_policy.{setting}"
        for way in ("rx", "tx")
        for setting in ("allow_repeat_tx = True", "window_size = 1024")
    ],
)
def test_libsrtp_is_told_to_let_repeats_and_late_packets_pass(setting):
    """A voice is repeated as it was, and what comes late over a second path is still taken."""
    assert setting in inspect.getsource(RTCDtlsTransport), (
        f"aiortc/rtcdtlstransport.py no longer says {setting}: see what becomes of repeats"
    )


def test_records_must_fill_the_datagram():
    record = bytes([22, 0xFE, 0xFD]) + bytes(8) + b"\x00\x03abc"

    assert is_whole_records(record)
    assert is_whole_records(record + record)
    assert not is_whole_records(record[:-1])
    assert not is_whole_records(record + b"x")
    assert not is_whole_records(b"")


def test_records_of_the_unified_header_are_known():
    assert is_whole_records(bytes([0b00101101, 0, 1, 0, 2]) + b"ab")
    assert is_whole_records(bytes([0b00101001, 0, 1]) + b"whatever")
    assert not is_whole_records(bytes([0b00101101, 0, 1, 0, 9]) + b"ab")


@given(st.binary(max_size=80))
def test_no_bytes_make_the_record_check_raise(datagram):
    assert is_whole_records(datagram) in {True, False}


async def test_packets_are_refused_before_the_association_stands(connect):
    peer = await connect("alice")

    await peer.close()

    with pytest.raises(SrtpError):
        peer._association.unprotect(b"\x80" + bytes(40))


async def test_a_closed_association_keeps_nothing_of_openssl_and_libsrtp(connect):
    peer = await connect("alice")
    association = peer._association
    held = [weakref.ref(each) for each in (association._dtls, *association._sessions)]
    gc.collect()
    gc.disable()

    try:
        await peer.close()
        await peer.until(lambda: not any(each() for each in held))
    finally:
        gc.enable()

    assert association.ended
    assert (association.inward, association.outward) == (None, None)


async def test_a_handshake_whose_retransmissions_run_out_ends_the_association(monkeypatch):
    changes = []
    association = Association(Certificate(), lambda _: None, lambda: changes.append("changed"))

    async def run_out(_parameters):
        raise SSL.Error

    monkeypatch.setattr(association._dtls, "start", run_out)
    association.start([("sha-256", "AB")])
    await association._task

    assert (association.ended, changes) == (True, ["changed"])
