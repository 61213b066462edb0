"""One DTLS-SRTP association; the only module that touches what aiortc keeps private.

aiortc's transport does the handshake and derives the SRTP sessions. Its receiving loop is fed
with DTLS alone: media goes straight through the sessions, without a task or an object per packet.
`PRIVATE_PARTS` names everything used beyond the public interface; a contract test checks it.
"""
# ruff: noqa: SLF001  (private parts and names of aiortc: this module exists to hold them)

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from OpenSSL import SSL

from signaling.relay import srtp

AIORTC_VERSION = "1.16.0"
PRIVATE_PARTS = ("_set_role", "_rx_srtp", "_tx_srtp", "_srtp_profiles")
TRANSPORT_PARTS = ("_recv", "_send")

SrtpError = (pylibsrtp.Error, ValueError)
"""What protecting and unprotecting raise: failed authentication, replay, a packet too long."""

_WAITING_DATAGRAMS = 64


class Certificate:
    """The relay's own certificate, made new at every start: it identifies nobody."""

    def __init__(self) -> None:
        self.inner = RTCCertificate.generateCertificate()
        prints = {each.algorithm: each.value for each in self.inner.getFingerprints()}
        self.fingerprint = prints["sha-256"]


class _Wire:
    """Stands where aiortc expects an ICE transport: two byte pipes and a role."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._forward = send
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_DATAGRAMS)
        self._closed = False

    def put(self, datagram: bytes) -> bool:
        """Queue a datagram for the handshake; False when too many wait already."""
        if self._waiting.full():
            return False
        self._waiting.put_nowait(datagram)
        return True

    def close(self) -> None:
        self._closed = True
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(b"")

    async def _recv(self) -> bytes:
        datagram = b"" if self._closed else await self._waiting.get()
        if self._closed:
            raise ConnectionError
        return datagram

    async def _send(self, datagram: bytes) -> None:
        self._forward(datagram)


class Association:
    """A DTLS association and, once it stands, the SRTP sessions keyed by it.

    `send` takes each outgoing DTLS datagram. `on_change` is called once when media can flow and
    once when the association has ended. `client` makes this side start the handshake.
    """

    def __init__(
        self,
        certificate: Certificate,
        send: Callable[[bytes], None],
        on_change: Callable[[], None],
        *,
        client: bool = False,
    ) -> None:
        self._wire = _Wire(send)
        self._dtls: RTCDtlsTransport | None = _transport(self._wire, certificate, client=client)
        self._dtls.on("statechange", self._changed)
        self._on_change = on_change
        self._sessions: tuple[pylibsrtp.Session, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self.connected = False
        self.ended = False
        self.inward: Any = None
        """libsrtp's session for what arrives, None unless the association stands."""
        self.outward: Any = None
        self.protect: Callable[[bytes], bytes] = _not_now
        self.unprotect: Callable[[bytes], bytes] = _not_now
        self.protect_rtcp: Callable[[bytes], bytes] = _not_now
        self.unprotect_rtcp: Callable[[bytes], bytes] = _not_now

    def start(self, fingerprints: list[tuple[str, str]]) -> None:
        """Begin the handshake with a peer whose certificate has these (algorithm, value)."""
        remote = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(algorithm, value) for algorithm, value in fingerprints]
        )
        assert self._dtls is not None
        handshake = self._handshake(self._dtls, remote)
        self._task = asyncio.create_task(handshake, name="dtls handshake")

    def receive(self, datagram: bytes) -> bool:
        """Take a DTLS datagram; False when it is not whole records or too many wait."""
        return not self.ended and is_whole_records(datagram) and self._wire.put(datagram)

    async def close(self) -> None:
        """Say goodbye to the peer and end; the sessions are gone afterwards."""
        if self._task is not None and not self._task.done():
            # Closing the wire comes first: Python 3.11's wait_for, which aiortc waits with, loses
            # a cancellation that meets an arriving datagram.
            self._wire.close()
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._task = None
        if self._dtls is not None:
            await self._dtls.stop()
        self._wire.close()
        self._end()
        self._let_go()

    async def _handshake(self, dtls: RTCDtlsTransport, remote: RTCDtlsParameters) -> None:
        try:
            await dtls.start(remote)
        except SSL.Error:
            # aiortc lets this one through: the retransmissions of the handshake ran out.
            self._end()

    def _changed(self) -> None:
        assert self._dtls is not None
        if self._dtls.state == "connected":
            received, sent = self._dtls._rx_srtp, self._dtls._tx_srtp
            self.unprotect, self.unprotect_rtcp = received.unprotect, received.unprotect_rtcp
            self.protect, self.protect_rtcp = sent.protect, sent.protect_rtcp
            # libsrtp's handles live as long as the sessions they are of.
            self._sessions = (received, sent)
            self.inward, self.outward = srtp.handle(received), srtp.handle(sent)
            self.connected = True
            self._on_change()
        elif self._dtls.state in {"closed", "failed"}:
            self._end()

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self.connected = False
            self.inward = self.outward = None
            self._on_change()

    def _let_go(self) -> None:
        """Give back what OpenSSL and libsrtp keep, by far the most of all.

        What refers to this object may wait long for the collector of cycles, and this refers to
        none of it any more. Nobody has a handle of the sessions: that it ended was told.
        """
        if self._dtls is not None:
            self._dtls.remove_all_listeners()
        self._dtls = None
        self._wire, self._on_change = _Wire(lambda _: None), lambda: None
        self._sessions = ()
        self.protect = self.unprotect = _not_now
        self.protect_rtcp = self.unprotect_rtcp = _not_now


def _transport(wire: _Wire, certificate: Certificate, *, client: bool) -> RTCDtlsTransport:
    dtls = RTCDtlsTransport(wire, [certificate.inner])  # type: ignore[arg-type]
    dtls._set_role("client" if client else "server")
    # AES-128-GCM first: as sound as the 256-bit one and cheaper for every packet.
    dtls._srtp_profiles = sorted(
        dtls._srtp_profiles,
        key=lambda profile: profile.openssl_profile != b"SRTP_AEAD_AES_128_GCM",
    )
    return dtls


def is_whole_records(datagram: bytes) -> bool:
    """Tell whether a datagram is a sequence of DTLS records that end where it ends.

    Garbage is kept away from OpenSSL this way. Both the classic header (RFC 6347 section 4.1)
    and the unified one of DTLS 1.3 (RFC 9147 section 4) are known.
    """
    position, end = 0, len(datagram)
    while position < end:
        first = datagram[position]
        if 20 <= first <= 26:
            if position + 13 > end or datagram[position + 1] != 0xFE:
                return False
            position += 13 + int.from_bytes(datagram[position + 11 : position + 13], "big")
        elif first >> 5 == 1:
            # 001CSLEE: no connection id is ever negotiated; without a length it fills the rest.
            header = 1 + (2 if first & 0x08 else 1)
            if first & 0x10 or position + header > end:
                return False
            if not first & 0x04:
                return True
            length = int.from_bytes(datagram[position + header : position + header + 2], "big")
            position += header + 2 + length
        else:
            return False
    return position == end and end > 0


def _not_now(_packet: bytes) -> bytes:
    raise ValueError("the association does not stand")
