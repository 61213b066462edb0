"""A stream that a participant sends: what arrived of it and who is shown it."""

from typing import TYPE_CHECKING, Protocol

from signaling.relay import codecs, rtcp, rtp
from signaling.relay.ceiling import Ceiling
from signaling.relay.endpoint import Endpoint
from signaling.relay.gaps import LONGEST_GAP, Gaps
from signaling.relay.offer import Section
from signaling.relay.reception import HISTORY_LENGTH, History, Reception
from signaling.relay.vp8 import starts_key_frame

if TYPE_CHECKING:
    from signaling.relay.sink import Sink

_KEY_FRAME_PAUSE = 0.2  # seconds: a key frame costs ten ordinary ones
_KEY_FRAME_USABLE = 0.4  # seconds: what came since must still be little
_KEY_FRAME_PACKETS = 64
_RATE_WINDOW = 0.4  # seconds


class Upstream(Protocol):
    """The transport of the sending participant."""

    ssrc: int
    """Who the relay is in its own reports."""
    round_trip: float
    """Seconds to the participant and back, as far as known."""

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""


class Source:
    """One audio or video stream from one participant.

    `outlet` is the transport it comes over.
    """

    __slots__ = (
        "_ceiling", "_endpoint", "_first", "_gaps", "_is_video", "_key_frame", "_key_frame_asked",
        "_key_frame_at", "_key_frame_wanted", "_measured", "_memory", "_missing", "_numbers", "_others", "_outlet",
        "_packets", "_payload_type", "_rate", "_section", "history", "kind", "last_report", "octets",
        "reception",
        "ssrc",
    )  # fmt: skip

    def __init__(self, section: Section, ssrc: int, outlet: "Upstream", endpoint: Endpoint) -> None:
        codec = codecs.BY_KIND[section.kind]
        self.kind = section.kind
        self.ssrc = ssrc
        self.reception = Reception(codec.clock_rate)
        self.history = History()
        self._numbers, self._packets = self.history.numbers, self.history.packets
        # The first sink's packets are patched where they were received, the others' in copies.
        self._first: Sink | None = None
        self._others: tuple[Sink, ...] = ()
        self.last_report: tuple[tuple[int, int], int] | None = None
        self._section = section
        self._payload_type = section.payload_type
        self._is_video = section.kind == "video"
        self._outlet = outlet
        self._endpoint = endpoint
        self._memory = endpoint.slab.memory
        self._gaps = Gaps()
        self._missing = self._gaps.missing
        self._ceiling = Ceiling()
        self._measured = (0, 0.0)  # octets received, and when
        self._rate = 0.0
        self.octets = 0
        self._key_frame_asked = 0.0
        self._key_frame_wanted = False
        self._key_frame = 0
        self._key_frame_at = -1.0

    @property
    def sinks(self) -> tuple["Sink", ...]:
        """The streams in which others are shown this one."""
        return self._others if self._first is None else (self._first, *self._others)

    @sinks.setter
    def sinks(self, sinks: tuple["Sink", ...]) -> None:
        self._first = sinks[0] if sinks else None
        self._others = sinks[1:]

    def continues(self, section: Section) -> bool:
        """Tell whether a renegotiated section still describes this very stream."""
        mine = self._section
        return (mine.ssrc, mine.rtx_ssrc, mine.payload_type, mine.rtx_payload_type) == (
            section.ssrc, section.rtx_ssrc, section.payload_type, section.rtx_payload_type,
        )  # fmt: skip

    def receive(
        self,
        start: int,
        offset: int,
        end: int,
        second: int,
        sequence: int,
        timestamp: int,
        arrived: int,
    ) -> bool:
        """Take a decrypted packet in the slab and forward it.

        The packet stands from `start` to `end`, its payload begins `offset` bytes after the
        start. `second` is its second byte; `arrived` is in microseconds. False means that the
        packet is not what was negotiated or was here before.
        """
        if second & 0x7F != self._payload_type:
            return False
        reception = self.reception
        extended = reception.highest + 1
        if sequence == extended & 0xFFFF and reception.received:
            # In order, as nearly always.
            reception.highest = extended
            reception.received += 1
            if timestamp != reception.timestamp:
                reception.note_timestamp(timestamp, arrived / 1_000_000)
                if self._is_video and starts_key_frame(self._memory, start + offset, end):
                    self._key_frame, self._key_frame_at = extended, arrived / 1_000_000
        else:
            extended = self._out_of_order(sequence, timestamp, arrived)
            if extended < 0:
                return False
            if self._is_video and starts_key_frame(self._memory, start + offset, end):
                self._key_frame, self._key_frame_at = extended, arrived / 1_000_000
        self.octets += end - start
        index = extended % HISTORY_LENGTH
        self._numbers[index] = extended
        self._packets[index] = self._memory[start:end].tobytes()
        for sink in self._others:
            copied = self._endpoint.copy(start, end)
            sink.forward(copied, offset, copied + end - start, second, extended, timestamp, arrived)
        if self._first is not None:
            self._first.forward(start, offset, end, second, extended, timestamp, arrived)
        if self._missing:
            # A voice's gap is to be closed before its turn to be played: no waiting for the tick.
            self._ask(self._gaps.due(arrived / 1_000_000, self._outlet.round_trip))
        return True

    def receive_again(self, packet: bytes, offset: int, arrived: int) -> None:
        """Take a retransmission (RFC 4588), decrypted; what is new in it is forwarded."""
        if packet[1] & 0x7F != self._section.rtx_payload_type:
            return
        restored = rtp.restore_retransmission(packet, offset, self._payload_type, self.ssrc)
        if restored is None:
            return  # padding that probes the network ends here
        extended = self.reception.extend(int.from_bytes(restored[2:4], "big"))
        # Browsers probe the network with repeats of what has long arrived.
        if self.history.is_new(extended):
            self._gaps.found(extended)
            if self._is_video and starts_key_frame(restored, 12, len(restored)):
                self._key_frame, self._key_frame_at = extended, arrived / 1_000_000
            self.history.add(extended, restored)
            timestamp = int.from_bytes(restored[4:8], "big")
            for sink in self.sinks:
                start = self._endpoint.place(restored)
                end = start + len(restored)
                sink.forward(start, 12, end, restored[1], extended, timestamp, arrived)

    def _out_of_order(self, sequence: int, timestamp: int, arrived: int) -> int:
        """Give the extended number of a packet that is not the next one, -1 for a known one."""
        reception = self.reception
        extended = reception.extend(sequence)
        if not self.history.is_new(extended):
            return -1
        gap = range(reception.highest + 1, extended)
        reception.note(extended, timestamp, arrived / 1_000_000)
        self._gaps.found(extended)
        if reception.received > 1 and 0 < len(gap) <= LONGEST_GAP:
            self._ask(self._gaps.note(gap, arrived / 1_000_000))
        return extended

    def since_key_frame(self, now: float) -> list[tuple[int, bytes]]:
        """Give (extended number, packet) from the last key frame on, if that is short and whole.

        Whoever joins shortly after it sees a picture at once instead of waiting for another.
        """
        if now - self._key_frame_at > _KEY_FRAME_USABLE:
            return []
        numbers = range(self._key_frame, self.reception.highest + 1)
        if len(numbers) > _KEY_FRAME_PACKETS:
            return []
        packets = [(number, self.history.find(number)) for number in numbers]
        whole = [(number, packet) for number, packet in packets if packet is not None]
        return whole if len(whole) == len(numbers) else []

    def ask_again(self, extended: list[int], now: float) -> None:
        """Ask the sender for packets that never arrived here and that a receiver misses."""
        highest = self.reception.highest
        recent = [number for number in extended if -LONGEST_GAP < number - highest <= 0]
        self._ask(self._gaps.note(recent, now))

    def request_key_frame(self, now: float) -> None:
        """Ask the sender for a key frame, at once or as soon as the last request is old enough."""
        if self.kind != "video":
            return
        self._key_frame_wanted = True
        self.tick(now)

    def tick(self, now: float) -> None:
        """Do what had to wait; called every 50 ms."""
        if self._key_frame_wanted and now - self._key_frame_asked >= _KEY_FRAME_PAUSE:
            self._key_frame_wanted = False
            self._key_frame_asked = now
            self._outlet.send_control(rtcp.picture_loss(self._outlet.ssrc, self.ssrc))
        if self._missing:
            self._ask(self._gaps.due(now, self._outlet.round_trip))

    def tell_estimate(self, now: float) -> None:
        """Tell the sender what its audience can take; called every half second and when one has less room."""
        if not self._is_video:
            return
        octets, since = self._measured
        if now - since >= _RATE_WINDOW:
            self._rate = 8 * max(self.octets - octets, 0) / (now - since)
            self._measured = (self.octets, now)
        told = self._ceiling.tell(self.sinks, self._rate, now)
        if told is not None:
            self._outlet.send_control(rtcp.estimate(self._outlet.ssrc, self.ssrc, told))

    def note_sender_report(self, ntp: tuple[int, int], timestamp: int, now: float) -> None:
        """Take the sender's clock reading and pass it to everyone who is shown this stream."""
        self.last_report = (ntp, timestamp)
        self.reception.note_sender_report(ntp, now)
        for sink in self.sinks:
            sink.send_report()

    def _ask(self, missing: list[int]) -> None:
        if missing and "nack" in self._section.feedback:
            self._outlet.send_control(rtcp.nack(self._outlet.ssrc, self.ssrc, missing))
