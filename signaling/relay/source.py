"""A stream that a participant sends: what is missing of it, who is shown it, what its sender hears."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from signaling.relay import codecs, rtcp
from signaling.relay.ceiling import Ceiling
from signaling.relay.gaps import LONGEST_GAP, Gaps
from signaling.relay.happenings import Happenings
from signaling.relay.offer import Section
from signaling.relay.plane.library import ffi, lib
from signaling.relay.reception import Reception

if TYPE_CHECKING:
    from signaling.relay.sink import Sink

MOST_SINKS: int = lib.PLANE_SINKS
_HISTORY: int = lib.PLANE_HISTORY
_HISTORY_BYTES = {"audio": 24 << 10, "video": 160 << 10}
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

    def hurry(self, source: "Source") -> None:
        """Have the source's `tick` called every few milliseconds while it is `urgent`."""


class Source:
    """One audio or video stream from one participant.

    `outlet` is the transport it comes over. Its packets are forwarded by the compiled part, which
    sees it as `struct`, and tells what is missing.
    """

    __slots__ = (
        "_ceiling", "_gaps", "_happenings", "_history", "_key_frame_asked", "_key_frame_wanted",
        "_measured", "_outlet", "_rate", "_section", "_sinks", "kind", "last_report", "reception",
        "ssrc", "struct",
    )  # fmt: skip

    def __init__(
        self, section: Section, ssrc: int, outlet: "Upstream", happenings: Happenings
    ) -> None:
        self.kind = section.kind
        self.ssrc = ssrc
        self.last_report: tuple[tuple[int, int], int] | None = None
        self._section = section
        self._outlet = outlet
        self._happenings = happenings
        self._sinks: tuple[Sink, ...] = ()
        self._gaps = Gaps()
        self._ceiling = Ceiling()
        self._measured = (0, 0.0)  # octets received, and when
        self._rate = 0.0
        self._key_frame_asked = 0.0
        self._key_frame_wanted = False
        self._history = ffi.new("unsigned char[]", _HISTORY_BYTES[section.kind])
        self.struct: Any = ffi.new("struct stream *")
        self.reception = Reception(self.struct)
        self._describe()

    def _describe(self) -> None:
        struct, section = self.struct, self._section
        struct.id = self._happenings.enter(self)
        struct.ssrc = self.ssrc
        struct.payload_type = section.payload_type
        struct.rtx_payload_type = section.rtx_payload_type or 0
        struct.is_video = section.kind == "video"
        struct.clock_rate = codecs.BY_KIND[section.kind].clock_rate
        struct.highest = struct.timestamp = -1
        struct.key_frame_at = -1
        struct.history.bytes = self._history
        struct.history.size = ffi.sizeof(self._history)
        struct.history.numbers = [-1] * _HISTORY

    @property
    def sinks(self) -> tuple["Sink", ...]:
        """The streams in which others are shown this one, `MOST_SINKS` at most."""
        return self._sinks

    @sinks.setter
    def sinks(self, sinks: tuple["Sink", ...]) -> None:
        self._sinks = sinks[:MOST_SINKS]
        self.struct.sink_count = len(self._sinks)
        for index, sink in enumerate(self._sinks):
            self.struct.sinks[index] = sink.struct

    @property
    def urgent(self) -> bool:
        """Whether something waits that cannot wait long."""
        return self._key_frame_wanted or bool(self._gaps.missing)

    def leave(self) -> None:
        """Be told of nothing more."""
        self._happenings.leave(self.struct.id)

    def continues(self, section: Section) -> bool:
        """Tell whether a renegotiated section still describes this very stream."""
        mine = self._section
        return (mine.ssrc, mine.rtx_ssrc, mine.payload_type, mine.rtx_payload_type) == (
            section.ssrc, section.rtx_ssrc, section.payload_type, section.rtx_payload_type,
        )  # fmt: skip

    def happened(self, event: Any) -> None:
        """Learn what is missing, what has come after all, and what to ask for again."""
        kind, first, count, now = event.kind, event.first, event.count, event.arrived / 1_000_000
        if kind == lib.EVENT_GAP:
            self._ask(self._gaps.note(range(first, first + count), now))
        elif kind == lib.EVENT_FOUND:
            self._gaps.found(first)
            self._look_out()
        elif kind == lib.EVENT_DUE:
            self._ask(self._gaps.due(now, self._outlet.round_trip))

    def key_frame_before(self, now: float) -> int | None:
        """Give the number that the last key frame begins with, if it is fresh and not far back.

        Whoever joins shortly after it sees a picture at once instead of waiting for another.
        """
        struct = self.struct
        fresh = struct.key_frame_at >= 0 and now - struct.key_frame_at / 1e6 <= _KEY_FRAME_USABLE
        short = struct.highest - struct.key_frame < _KEY_FRAME_PACKETS
        return int(struct.key_frame) if fresh and short else None

    def ask_again(self, extended: list[int], now: float) -> None:
        """Ask the sender for packets that never arrived here and that a receiver misses."""
        highest = self.struct.highest
        recent = [number for number in extended if -LONGEST_GAP < number - highest <= 0]
        self._ask(self._gaps.note(recent, now))

    def request_key_frame(self, now: float) -> None:
        """Ask the sender for a key frame, at once or as soon as the last request is old enough."""
        if self.kind != "video":
            return
        self._key_frame_wanted = True
        self.tick(now)

    def tick(self, now: float) -> None:
        """Do what had to wait, if it is time."""
        if self._key_frame_wanted:
            if now - self._key_frame_asked >= _KEY_FRAME_PAUSE:
                self._key_frame_wanted = False
                self._key_frame_asked = now
                self._outlet.send_control(rtcp.picture_loss(self._outlet.ssrc, self.ssrc))
            else:
                self._outlet.hurry(self)
        if self._gaps.missing and now >= self._gaps.next:
            self._ask(self._gaps.due(now, self._outlet.round_trip))

    def tell_estimate(self, now: float) -> None:
        """Tell the sender what its audience can take.

        Called every half second, and when one of them has less room.
        """
        if self.kind != "video":
            return
        octets, since = self._measured
        if now - since >= _RATE_WINDOW:
            self._rate = 8 * max(self.struct.octets - octets, 0) / (now - since)
            self._measured = (self.struct.octets, now)
        told = self._ceiling.tell(self.sinks, self._rate, now)
        if told is not None:
            self._outlet.send_control(rtcp.estimate(self._outlet.ssrc, self.ssrc, told))

    def note_sender_report(self, ntp: tuple[int, int], timestamp: int, now: float) -> None:
        """Take the sender's clock reading and pass it to everyone who is shown this stream."""
        self.last_report = (ntp, timestamp)
        self.reception.note_sender_report(ntp, now)
        for sink in self.sinks:
            sink.send_report()

    def _ask(self, missing: Iterable[int]) -> None:
        asked = list(missing)
        if asked and "nack" in self._section.feedback:
            self._outlet.send_control(rtcp.nack(self._outlet.ssrc, self.ssrc, asked))
        self._look_out()

    def _look_out(self) -> None:
        """Have the compiled part tell of what is found, and of the moment to ask again."""
        self.struct.misses = bool(self._gaps.missing)
        self.struct.due_at = int(self._gaps.next * 1_000_000)
        if self._gaps.missing:
            self._outlet.hurry(self)
