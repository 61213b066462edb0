"""A stream that a participant receives: one seat's audio or video, whoever sits there."""

import secrets
import struct
import time
from typing import Protocol

from signaling.relay import codecs, rtcp, rtp
from signaling.relay.answer import agreed_extensions
from signaling.relay.endpoint import Endpoint
from signaling.relay.offer import Section
from signaling.relay.reception import LONGEST_JUMP
from signaling.relay.source import Source

_LONGEST_TRIP = 10.0  # seconds
_SHORTEST_REST = 5.0  # seconds without a picture before it is tried again
_STEADY = 10.0  # seconds after a rest
_LONGEST_REST = 80.0
_EXTENSION_WORD = rtp.ONE_BYTE_PROFILE << 16 | 1
_WRITE_EXTENSION = struct.Struct("!II").pack_into
_WRITE_HEADER = rtp.HEADER.pack_into
_WRITE_HEADER_WITH_NUMBER = rtp.HEADER_WITH_EXTENSION.pack_into


class Outlet(Protocol):
    """The transport of the receiving participant."""

    connected: bool

    def post(self, start: int, length: int) -> None:
        """Protect a packet in the slab and have it sent."""

    def number(self, size: int, now: int) -> int:
        """Give the transport-wide number of the next packet; `now` in microseconds."""

    def room_for_a_picture(self) -> int | None:
        """Give the bit/s that each picture shown may take, None when nothing is known."""

    def forget_room(self) -> None:
        """Find out anew what the receiver's network takes."""

    def may_repeat(self) -> bool:
        """Take one of the repeats that the transport may send until the next tick."""

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""


class Sink:
    """An outgoing stream whose SSRC, sequence and clock run on when its source changes.

    No sequence number is used twice with different bytes, since SRTP's AES-GCM would lose its
    secrecy by that (RFC 7714 section 8.4): repeats go out as RTX with numbers of their own.
    """

    __slots__ = (
        "_clock_rate",
        "_endpoint",
        "_extension",
        "_extension_head",
        "_fresh",
        "_highest",
        "_last_arrived",
        "_last_timestamp",
        "_lowest",
        "_memory",
        "_outlet",
        "_payload_type",
        "_reported",
        "_rest",
        "_rests_until",
        "_rtx_payload_type",
        "_rtx_sequence",
        "_sequence_shift",
        "_timestamp_shift",
        "cname",
        "kind",
        "octets",
        "packets",
        "resting",
        "rtx_ssrc",
        "source",
        "ssrc",
    )  # fmt: skip

    def __init__(
        self, outlet: Outlet, endpoint: Endpoint, kind: str, cname: str, ssrcs: tuple[int, int]
    ) -> None:
        self.kind = kind
        self.cname = cname
        self.ssrc, self.rtx_ssrc = ssrcs
        self.source: Source | None = None
        self.packets = self.octets = 0
        self._reported = (0, 0.0)  # the middle bits of the last report's time, and when it left
        self._outlet = outlet
        self._endpoint = endpoint
        self._memory = endpoint.slab.memory
        self._clock_rate = codecs.BY_KIND[kind].clock_rate
        self._payload_type = 0
        self._rtx_payload_type: int | None = None
        self._extension = 0
        self._extension_head = 0
        self._fresh = True
        self.resting = False
        """Whether the picture is held back, for want of room."""
        self._rest, self._rests_until = _SHORTEST_REST, 0.0
        # Starts in the lower half so that the roll-over counter begins at 0 (RFC 3711, 3.3.1).
        self._lowest = self._highest = secrets.randbelow(0x8000)
        self._rtx_sequence = secrets.randbelow(0x8000)
        self._last_timestamp = self._last_arrived = 0
        self._sequence_shift = self._timestamp_shift = 0

    def agree(self, section: Section) -> None:
        """Use the payload types and extension ids of the receiver's section."""
        self._payload_type = section.payload_type
        self._rtx_payload_type = section.rtx_payload_type
        self._extension = agreed_extensions(section).get(codecs.TRANSPORT_WIDE, 0)
        self._extension_head = self._extension << 28 | 1 << 24

    def bind(self, source: Source | None, now: float) -> None:
        """Show another source from now on, or none; a new one is asked for a key frame."""
        if source is self.source:
            return
        if self.source is not None:
            self.source.sinks = tuple(each for each in self.source.sinks if each is not self)
        self.source = source
        self._fresh = True
        self.resting = False
        self._rest, self._rests_until = _SHORTEST_REST, 0.0
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
            start = self._endpoint.place(packet)
            end, timestamp = start + len(packet), int.from_bytes(packet[4:8], "big")
            offset, at = rtp.payload_offset(packet), int(now * 1_000_000)
            self.forward(start, offset, end, packet[1], extended, timestamp, at)
        if not recent:
            source.request_key_frame(now)

    def forward(
        self,
        start: int,
        offset: int,
        end: int,
        second: int,
        extended: int,
        timestamp: int,
        arrived: int,
    ) -> None:
        """Patch a packet of the source where it stands in the slab, and send it on.

        It stands from `start` to `end`, its payload begins `offset` bytes after the start;
        `second` is its second byte, `extended` its number; it arrived at `arrived` microseconds.
        Of the sender's header only marker and padding go on; CSRCs and extensions belong to the
        hop that is over.
        """
        outlet = self._outlet
        if not outlet.connected or self.resting:
            return
        ahead = extended - self._highest
        if ahead != 1 or self._fresh:
            ahead = self._place_in_order(extended, timestamp, arrived)
            if not ahead:
                return
        sequence = extended + self._sequence_shift & 0xFFFF
        timestamp = timestamp + self._timestamp_shift & 0xFFFFFFFF
        if ahead > 0:
            self._highest = extended
            self._last_timestamp = timestamp
            self._last_arrived = arrived
        payload = start + offset
        self.packets += 1
        self.octets += end - payload
        padding = self._memory[start] & 0x20
        second = second & 0x80 | self._payload_type
        if self._extension:
            begin = payload - 20
            number = outlet.number(end - begin, arrived)
            _WRITE_HEADER_WITH_NUMBER(
                self._memory, begin, 0x90 | padding, second, sequence, timestamp, self.ssrc,
                _EXTENSION_WORD, self._extension_head | number << 8,
            )  # fmt: skip
        else:
            begin = payload - 12
            _WRITE_HEADER(
                self._memory, begin, 0x80 | padding, second, sequence, timestamp, self.ssrc
            )
        outlet.post(begin, end - begin)

    def _place_in_order(self, extended: int, timestamp: int, arrived: int) -> int:
        """Give how far a packet is ahead of the last one, 0 when it must not be sent."""
        ahead = extended - self._highest
        if self._fresh or ahead > LONGEST_JUMP:
            self._continue_with(extended, timestamp, arrived / 1_000_000)
            return 1
        return ahead if extended >= self._lowest else 0

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
            behind = (self._highest + self._sequence_shift - sequence) & 0xFFFF
            extended = self._highest - behind
            if extended < self._lowest:
                continue
            packet = source.history.find(extended)
            if packet is None:
                missing.append(extended)
            elif self.kind == "audio" and self._outlet.may_repeat():
                self._send_same(packet, extended)
                sent += 1
            elif self._rtx_payload_type is not None and self._outlet.may_repeat():
                self._send_again(packet, sequence)
                sent += 1
        if missing:
            source.ask_again(missing, now)
        return sent

    def round_trip(self, middle: int, held: float, now: float) -> float | None:
        """Give the seconds from this stream's last report to its echo, less those it was held.

        None when another report is echoed or the times cannot be (RFC 3550 section 6.4.1).
        """
        reported, sent = self._reported
        seconds = now - sent - held
        return seconds if reported == middle != 0 and 0 <= seconds < _LONGEST_TRIP else None

    @property
    def room(self) -> int | None:
        """The bit/s that the receiver has for this stream, None when nothing is known."""
        return self._outlet.room_for_a_picture()

    @property
    def steady(self) -> bool:
        """Whether the picture was not held back lately."""
        return not self._rests_until or time.monotonic() - self._rests_until > _STEADY

    def rest(self, now: float) -> None:
        """Hold the picture back; longer each time, since trying costs the voice."""
        if now - self._rests_until > _LONGEST_REST:
            self._rest = _SHORTEST_REST
        self.resting = True
        self._rests_until = now + self._rest
        self._rest = min(4 * self._rest, _LONGEST_REST)

    def wake(self, now: float) -> None:
        """Show the picture again once it has rested long enough."""
        if now >= self._rests_until:
            self.resting = False
            self._fresh = True
            self._outlet.forget_room()
            self.begin(now)

    def send_report(self) -> None:
        """Pass the source's clock reading on, so that the receiver keeps lips in step."""
        if self.source is None or self.source.last_report is None or self._fresh:
            return
        ntp, timestamp = self.source.last_report
        self._reported = ((ntp[0] & 0xFFFF) << 16 | ntp[1] >> 16, time.monotonic())
        shifted = (timestamp + self._timestamp_shift) & 0xFFFFFFFF
        self._outlet.send_control(
            rtcp.sender_report(self.ssrc, ntp, shifted, self.packets, self.octets)
            + rtcp.source_description(self.ssrc, self.cname)
        )

    def _continue_with(self, extended: int, timestamp: int, now: float) -> None:
        elapsed = int((now - self._last_arrived / 1_000_000) * self._clock_rate)
        continued = self._last_timestamp + max(elapsed, 0) if self.packets else timestamp
        last = self._highest + self._sequence_shift
        self._sequence_shift = last + 1 - extended
        self._timestamp_shift = continued - timestamp
        self._lowest = extended
        self._highest = extended - 1
        self._fresh = False
        self.send_report()

    def _send_again(self, packet: bytes, sequence: int) -> None:
        # RFC 4588 section 4: the original number stands before the payload.
        offset = rtp.payload_offset(packet)
        start = self._endpoint.place(
            packet[:offset] + sequence.to_bytes(2, "big") + packet[offset:]
        )
        end = start + len(packet) + 2
        timestamp = int.from_bytes(packet[4:8], "big") + self._timestamp_shift & 0xFFFFFFFF
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        second = packet[1] & 0x80 | (self._rtx_payload_type or 0)
        extended = bool(self._extension)
        begin = start + offset - (20 if extended else 12)
        first = packet[0] & 0x20 | (0x90 if extended else 0x80)
        _WRITE_HEADER(
            self._memory, begin, first, second, self._rtx_sequence, timestamp, self.rtx_ssrc
        )
        if extended:
            number = self._outlet.number(end - begin, time.monotonic_ns() // 1000)
            head = self._extension_head | number << 8
            _WRITE_EXTENSION(self._memory, begin + 12, _EXTENSION_WORD, head)
        self._outlet.post(begin, end - begin)

    def _send_same(self, packet: bytes, extended: int) -> None:
        """Send a packet again as it was: the same bytes under the same number."""
        offset = rtp.payload_offset(packet)
        start = self._endpoint.place(packet)
        timestamp = int.from_bytes(packet[4:8], "big") + self._timestamp_shift & 0xFFFFFFFF
        begin = start + offset - 12
        _WRITE_HEADER(
            self._memory, begin, 0x80 | packet[0] & 0x20, packet[1] & 0x80 | self._payload_type,
            extended + self._sequence_shift & 0xFFFF, timestamp, self.ssrc,
        )  # fmt: skip
        self._outlet.post(begin, len(packet) - offset + 12)
