"""A headless client: real STUN (aioice's), real DTLS-SRTP, packets made by hand."""

import asyncio
import secrets
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pylibsrtp
from aioice import stun

from signaling.relay import Conference
from signaling.relay.dtls import Association, Certificate

_PATIENCE = 10.0
_ASKED_AGAIN_AFTER = 0.5  # seconds, RFC 8489 section 6.2.1
AUDIO, VIDEO, RTX = 111, 96, 97
SEND_TIME, TRANSPORT_WIDE = 2, 3

_SECTION = """m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}
c=IN IP4 0.0.0.0
a=mid:{mid}
a={direction}
a=rtcp-mux
a=rtcp-rsize
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
{codecs}
"""
_AUDIO = """a=rtpmap:{audio} opus/48000/2
a=rtcp-fb:{audio} nack
a=rtcp-fb:{audio} transport-cc
a=fmtp:{audio} minptime=10;useinbandfec=1"""
_RED = """a=rtpmap:{red} red/48000/2
a=fmtp:{red} {audio}/{audio}"""
_LAYERED = """a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"""
_VIDEO = """a=rtpmap:{video} VP8/90000
a=rtcp-fb:{video} goog-remb
a=rtcp-fb:{video} transport-cc
a=rtcp-fb:{video} ccm fir
a=rtcp-fb:{video} nack
a=rtcp-fb:{video} nack pli
a=rtpmap:{rtx} rtx/90000
a=fmtp:{rtx} apt={video}"""


def offer_sdp(
    *,
    fingerprint: str = ":".join(["AB"] * 32),
    ufrag: str = "abcd",
    session: str = "4711",
    ssrc: int = 1000,
    seats: int = 3,
    numbers: tuple[int, int, int] = (AUDIO, VIDEO, RTX),
    red: int | None = None,
    layers: Sequence[str] = (),
    tells_arrivals: bool = True,
) -> str:
    """Write an offer as a browser does: two sections out, then pairs in.

    Who does not tell of arrivals knows REMB alone. With `layers`, ids of one picture's sizes, the picture has no SSRC, as in Chromium's offers.
    """
    audio, video, rtx = numbers
    lines = [
        "v=0",
        f"o=- {session} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(str(mid) for mid in range(2 + 2 * seats)),
        f"a=ice-ufrag:{ufrag}",
        "a=ice-pwd:" + "p" * 24,
        f"a=fingerprint:sha-256 {fingerprint}",
        "a=setup:actpass",
    ]
    codecs = {
        "audio": (f"{audio}", _AUDIO.format(audio=audio)),
        "voices": (f"{audio} {red}", f"{_AUDIO}\n{_RED}".format(audio=audio, red=red)),
        "video": (f"{video} {rtx}", _VIDEO.format(video=video, rtx=rtx)),
    }
    for mid in range(2 + 2 * seats):
        kind = ("audio", "video")[mid % 2]
        direction = "sendonly" if mid < 2 else "recvonly"
        payload_types, described = codecs["voices" if kind == "audio" and red else kind]
        section = _SECTION.format(
            kind=kind, mid=mid, direction=direction, numbers=payload_types, codecs=described
        )
        lines += [
            line
            for line in section.strip().splitlines()
            if tells_arrivals or mid < 2 or not line.endswith(("transport-cc", "extensions-01"))
        ]
        if mid == 0:
            lines.append(f"a=ssrc:{ssrc} cname:x")
        if mid == 1 and layers:
            lines += _LAYERED.splitlines()
            lines += [f"a=rid:{each} send" for each in layers]
            lines.append("a=simulcast:send " + ";".join(f"~{each}" for each in layers))
        elif mid == 1:
            lines.append(f"a=ssrc-group:FID {ssrc + 1} {ssrc + 2}")
            lines += [f"a=ssrc:{ssrc + 1} cname:x", f"a=ssrc:{ssrc + 2} cname:x"]
    return "\r\n".join(lines) + "\r\n"


def rtp_packet(
    ssrc: int,
    sequence: int,
    *,
    payload: bytes = b"payload",
    number: int | None = None,
    payload_type: int = VIDEO,
    timestamp: int = 0,
) -> bytes:
    """Build an RTP packet, with a transport-wide `number` where one is given."""
    extended = number is not None
    head = struct.pack(
        "!BBHII", 0x90 if extended else 0x80, payload_type, sequence & 0xFFFF, timestamp, ssrc
    )
    extension = (
        struct.pack("!HHBHx", 0xBEDE, 1, TRANSPORT_WIDE << 4 | 1, number) if extended else b""
    )
    return head + extension + payload


class Peer(asyncio.DatagramProtocol):
    """One client on its own UDP port; what arrives is kept, decrypted, in lists."""

    def __init__(self, name: str, ssrc: int = 1000, host: str = "127.0.0.1") -> None:
        self.name = name
        self.host = host
        self.ssrc = ssrc
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.raw_received: list[bytes] = []
        self.sent: list[bytes] = []
        self.answer = ""
        self.numbers = (AUDIO, VIDEO, RTX)
        self._session = secrets.token_hex(4)
        self._certificate = Certificate()
        self._arrived = asyncio.Event()
        self._association = self._new_association()
        self.ufrag = ""
        self._gone = False
        self.confirmed: set[bytes] = set()

    @classmethod
    async def connect(
        cls,
        conference: Conference,
        name: str,
        *,
        ssrc: int = 1000,
        admitted: bool = True,
        host: str = "127.0.0.1",
        **offer: Any,
    ) -> "Peer":
        """Offer, check the path, do the handshake."""
        peer = cls(name, ssrc, host)
        peer.numbers = offer.get("numbers", peer.numbers)
        await peer.open()
        peer.negotiate(conference, **offer)
        if admitted:
            conference.admit(name)
        await peer.bind()
        await peer.handshake()
        return peer

    async def open(self) -> None:
        """Take a (new) UDP port."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, 0)
        )

    def negotiate(self, conference: Conference, **offer: Any) -> None:
        """Offer, with a new ufrag every time: the second call is an ICE restart."""
        self.answer = conference.offer(self.name, self.offer(**offer))

    def offer(self, **offer: Any) -> str:
        """Write the next offer of this peer connection."""
        self.ufrag = secrets.token_hex(4)
        return offer_sdp(
            fingerprint=self._certificate.fingerprint,
            ufrag=self.ufrag,
            session=self._session,
            ssrc=self.ssrc,
            **offer,
        )

    def lines(self, prefix: str) -> list[str]:
        """Give what follows `prefix` in the answer's lines."""
        return [
            line[len(prefix) :] for line in self.answer.split("\r\n") if line.startswith(prefix)
        ]

    @property
    def relay_address(self) -> tuple[str, int]:
        return (self.host, int(self.lines("a=candidate:")[0].split()[5]))

    def binding_request(self, *, nominate: bool = True, password: str | None = None) -> bytes:
        """Build an authentic binding request with an independent STUN implementation."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.lines('a=ice-ufrag:')[0]}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["ICE-CONTROLLING"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity((password or self.lines("a=ice-pwd:")[0]).encode())
        message.add_fingerprint()
        return bytes(message)

    async def bind(self) -> None:
        """Check the path and nominate it, asking again where the question or the answer is lost."""
        request = self.binding_request()
        asked = float("-inf")

        def is_answered() -> bool:
            nonlocal asked
            if request[8:20] in self.confirmed:
                return True
            if time.monotonic() - asked >= _ASKED_AGAIN_AFTER:
                asked = time.monotonic()
                self.send(request)
            return False

        await self.until(is_answered)

    async def handshake(self) -> None:
        """Do the DTLS handshake as its client."""
        self._association = self._new_association()
        algorithm, value = self.lines("a=fingerprint:")[0].split()
        self._association.start([(algorithm, value)])
        await self.until(lambda: self._association.connected)

    def forge_certificate(self) -> None:
        """Use another certificate than the one offered."""
        self._certificate = Certificate()

    def _new_association(self) -> Association:
        return Association(self._certificate, self.send, self._arrived.set, client=True)

    def send(self, datagram: bytes) -> None:
        """Send bytes as they are; nothing once the port was given up."""
        if self._gone:
            return
        self.sent.append(datagram)
        self.transport.sendto(datagram, self.relay_address)

    def send_rtp(self, packet: bytes) -> None:
        """Protect and send a packet; nothing once the port was given up."""
        if not self._gone:
            self.send(self._association.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Protect and send RTCP; nothing once the port was given up."""
        if not self._gone:
            self.send(self._association.protect_rtcp(packet))

    def seat_ssrcs(self, seat: int) -> tuple[int, int, int]:
        """Give the SSRCs of a seat's audio, video and repeats."""
        order: list[int] = []
        for line in self.lines("a=ssrc:"):
            ssrc = int(line.split()[0])
            if ssrc not in order:
                order.append(ssrc)
        audio, video, repeats = order[3 * seat : 3 * seat + 3]
        return audio, video, repeats

    def received(self, ssrc: int) -> list[bytes]:
        """Give the packets of one stream."""
        return [each for each in self.rtp if int.from_bytes(each[8:12], "big") == ssrc]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, looked at whenever something arrives and now and then."""
        async with asyncio.timeout(_PATIENCE):
            while not condition():
                self._arrived.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), 0.02)

    async def close(self) -> None:
        await self._association.close()
        self._gone = True
        self.transport.close()

    def datagram_received(self, data: bytes, _addr: object) -> None:
        self.raw_received.append(data)
        if data[0] < 2:
            message = stun.parse_message(data)
            password = self.lines("a=ice-pwd:")[0].encode()
            assert message.check_message_integrity(password), (self.name, message)
            assert message.message_class is stun.Class.RESPONSE, (self.name, message)
            assert message.attributes["XOR-MAPPED-ADDRESS"][0] == self.host, (self.name, message)
            self.confirmed.add(data[8:20])
        elif data[0] < 64:
            self._association.receive(data)
        elif not self._association.connected:
            pass  # it overtook the end of the handshake
        elif 192 <= data[1] <= 223:
            self.rtcp.append(self._association.unprotect_rtcp(data))
        else:
            # A voice that is repeated byte by byte is known to libsrtp already.
            with suppress(pylibsrtp.Error):
                self.rtp.append(self._association.unprotect(data))
        self._arrived.set()
