"""A stream that a participant receives: one seat's audio or video, whoever sits there."""

import secrets
from typing import Protocol

from signaling.relay import codecs, rtcp, rtp
from signaling.relay.answer import agreed_extensions
from signaling.relay.offer import Section
from signaling.relay.reception import LONGEST_JUMP
from signaling.relay.source import Source

_RETRANSMISSIONS_PER_TICK = 200
_EXTENSION_WORD = rtp.ONE_BYTE_PROFILE << 16 | 1


class Outlet(Protocol):
    """The transport of the receiving participant."""

    connected: bool

    def send_media(self, packet: bytes) -> bool:
        """Protect and send a packet; False when it could not be sent."""

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""


class Sink:
    """An outgoing stream whose SSRC, sequence and clock run on when its source changes.

    No sequence number is used twice with different bytes, since SRTP's AES-GCM would lose its
    secrecy by that (RFC 7714 section 8.4): repeats go out as RTX with numbers of their own.
    """

    __slots__ = (
        "_clock_rate", "_extension", "_fresh", "_highest", "_last_sequence", "_last_time",
        "_last_timestamp", "_lowest", "_octets", "_outlet", "_packets", "_payload_type",
        "_repeats", "_rtx_payload_type", "_rtx_sequence", "_sequence_shift", "_timestamp_shift",
        "cname", "kind", "rtx_ssrc", "source", "ssrc",
    )  # fmt: skip

    def __init__(self, outlet: Outlet, kind: str, cname: str, ssrc: int, rtx_ssrc: int) -> None:
        self.kind = kind
        self.cname = cname
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.source: Source | None = None
        self._outlet = outlet
        self._clock_rate = codecs.BY_KIND[kind].clock_rate
        self._payload_type = 0
        self._rtx_payload_type: int | None = None
        self._extension = 0
        self._fresh = True
        self._lowest = self._highest = 0
        # Starts in the lower half so that the roll-over counter begins at 0 (RFC 3711, 3.3.1).
        self._last_sequence = secrets.randbelow(0x8000)
        self._rtx_sequence = secrets.randbelow(0x8000)
        self._last_timestamp = self._last_time = 0.0
        self._sequence_shift = self._timestamp_shift = 0
        self._packets = self._octets = 0
        self._repeats = 0

    def agree(self, section: Section) -> None:
        """Use the payload types and extension ids of the receiver's section."""
        self._payload_type = section.payload_type
        self._rtx_payload_type = section.rtx_payload_type
        self._extension = agreed_extensions(section).get(codecs.SEND_TIME, 0)

    def bind(self, source: Source | None, now: float) -> None:
        """Show another source from now on, or none; a new one is asked for a key frame."""
        if source is self.source:
            return
        if self.source is not None:
            self.source.sinks = tuple(each for each in self.source.sinks if each is not self)
        self.source = source
        self._fresh = True
        if source is not None:
            source.sinks = (*source.sinks, self)
            self.begin(now)

    def begin(self, now: float) -> None:
        """Start showing the source: from a key frame just received, else from a new one.

        A receiver who is still connecting has the key frame asked for already, so that it is
        here when the handshake is done.
        """
        source = self.source
        if source is None:
            return
        recent = source.since_key_frame(now) if self._outlet.connected and self._fresh else []
        for extended, packet in recent:
            timestamp = int.from_bytes(packet[4:8], "big")
            self.forward(packet, rtp.payload_offset(packet), extended, timestamp, now)
        if not recent:
            source.request_key_frame(now)

    def forward(
        self, packet: bytes, offset: int, extended: int, timestamp: int, now: float
    ) -> bool:
        """Send a packet of the source on; False when it could not be."""
        if not self._outlet.connected:
            return False
        if self._fresh or extended - self._highest > LONGEST_JUMP:
            self._continue_with(extended, timestamp, now)
        elif extended < self._lowest:
            return False
        sequence = (extended + self._sequence_shift) & 0xFFFF
        out = self._patched(packet, offset, sequence, timestamp + self._timestamp_shift, now)
        if extended > self._highest:
            self._highest = extended
            self._last_sequence = sequence
            self._last_timestamp = timestamp + self._timestamp_shift
            self._last_time = now
        self._packets += 1
        self._octets += len(packet) - offset
        return self._outlet.send_media(out)

    def repeat(self, sequences: list[int], now: float) -> int:
        """Answer the receiver's NACK from the source's history; what is not there is asked for.

        Gives how many packets were sent again.
        """
        source = self.source
        if source is None or self._fresh:
            return 0
        missing = []
        sent = 0
        for sequence in sequences:
            behind = (self._last_sequence - sequence) & 0xFFFF
            extended = self._highest - behind
            if extended < self._lowest:
                continue
            packet = source.find(extended)
            if packet is None:
                missing.append(extended)
            elif self._repeats < _RETRANSMISSIONS_PER_TICK:
                self._repeats += 1
                sent += self._send_again(packet, sequence, now)
        if missing:
            source.ask_again(missing, now)
        return sent

    def tick(self) -> None:
        """Allow repeats anew; called every 50 ms."""
        self._repeats = 0

    def send_report(self) -> None:
        """Pass the source's clock reading on, so that the receiver keeps lips in step."""
        if self.source is None or self.source.last_report is None or self._fresh:
            return
        ntp, timestamp = self.source.last_report
        shifted = (timestamp + self._timestamp_shift) & 0xFFFFFFFF
        self._outlet.send_control(
            rtcp.sender_report(self.ssrc, ntp, shifted, self._packets, self._octets)
            + rtcp.source_description(self.ssrc, self.cname)
        )

    def _continue_with(self, extended: int, timestamp: int, now: float) -> None:
        elapsed = int((now - self._last_time) * self._clock_rate) if self._packets else 0
        continued = int(self._last_timestamp) + elapsed if self._packets else timestamp
        self._sequence_shift = self._last_sequence + 1 - extended
        self._timestamp_shift = continued - timestamp
        self._lowest = extended
        self._highest = extended - 1
        self._fresh = False
        self.send_report()

    def _send_again(self, packet: bytes, sequence: int, now: float) -> bool:
        if self._rtx_payload_type is None:
            return False
        offset = rtp.payload_offset(packet)
        timestamp = int.from_bytes(packet[4:8], "big") + self._timestamp_shift
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        original = self._patched(packet, offset, self._rtx_sequence, timestamp, now)
        start = 20 if self._extension else 12
        return self._outlet.send_media(
            b"".join(
                (
                    original[:1],
                    bytes((packet[1] & 0x80 | self._rtx_payload_type,)),
                    original[2:8],
                    self.rtx_ssrc.to_bytes(4, "big"),
                    original[12:start],
                    sequence.to_bytes(2, "big"),
                    original[start:],
                )
            )
        )

    def _patched(
        self, packet: bytes, offset: int, sequence: int, timestamp: int, now: float
    ) -> bytes:
        # Of the sender's header only marker and padding go on; CSRCs and extensions belong to
        # the hop that is over.
        second = packet[1] & 0x80 | self._payload_type
        padding = packet[0] & 0x20
        if not self._extension:
            return (
                rtp.HEADER.pack(0x80 | padding, second, sequence, timestamp & 0xFFFFFFFF, self.ssrc)
                + packet[offset:]
            )
        stamp = self._extension << 28 | 2 << 24 | rtp.absolute_send_time(now)
        return (
            rtp.HEADER_WITH_SEND_TIME.pack(
                0x90 | padding, second, sequence, timestamp & 0xFFFFFFFF, self.ssrc,
                _EXTENSION_WORD, stamp,
            )
            + packet[offset:]
        )  # fmt: skip
