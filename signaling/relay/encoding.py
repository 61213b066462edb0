"""One encoding of what a participant sends: an SSRC, what is missing of it, its key frames."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from mmap import mmap
from typing import Any, Protocol

from signaling.relay import codecs, rtcp
from signaling.relay.gaps import LONGEST_GAP, Gaps
from signaling.relay.happenings import Happenings
from signaling.relay.offer import Section
from signaling.relay.plane.library import ffi, lib
from signaling.relay.reception import Reception

MOST_SINKS: int = lib.PLANE_SINKS
_TEMPORAL: int = lib.PLANE_TEMPORAL
_HISTORY: int = lib.PLANE_HISTORY
_HISTORY_BYTES = {"audio": 24 << 10, "video": 256 << 10}
_KEY_FRAME_PAUSE = 0.2  # seconds: a key frame costs ten ordinary ones
_KEY_FRAME_USABLE = 0.4  # seconds: what came since must still be little
_KEY_FRAME_PACKETS = 64
_RATE_WINDOW = 0.4  # seconds


class Upstream(Protocol):
    """The transport of the sending participant."""

    ssrc: int
    """Who the relay is in its own reports."""

    @property
    def round_trip(self) -> float:
        """Seconds to the participant and back, as far as known."""

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""

    def hurry(self, encoding: "Encoding") -> None:
        """Have the encoding's `tick` called every few milliseconds while it is `urgent`."""


class Encoding:
    """A voice, a picture, or one layer of a picture, from one participant.

    `outlet` is the transport it comes over. Its packets are forwarded by the compiled part, which
    sees it as `struct`, and tells what is missing. A layer's SSRCs are not known before its first
    packets (`learn`).
    """

    __slots__ = (
        "_gaps", "_happenings", "_history", "_key_frame_asked", "_key_frame_wanted", "_measured",
        "_outlet", "_section", "last_report", "rates", "reception", "rtx_ssrc", "ssrc", "struct",
    )  # fmt: skip

    def __init__(
        self,
        section: Section,
        ssrcs: tuple[int | None, int | None],
        outlet: "Upstream",
        happenings: Happenings,
    ) -> None:
        self.ssrc, self.rtx_ssrc = ssrcs
        self.last_report: tuple[tuple[int, int], int] | None = None
        self.rates: tuple[float, ...] = (0.0,) * _TEMPORAL
        """The bit/s that come up to each temporal layer, as of the last `measure`."""
        self._section = section
        self._outlet = outlet
        self._happenings = happenings
        self._gaps = Gaps()
        self._measured = ((0,) * _TEMPORAL, 0.0)  # octets received, and when
        self._key_frame_asked = 0.0
        self._key_frame_wanted = False
        # Pages of its own: what is never filled costs nothing, and all of it is given back.
        self._history = ffi.from_buffer(mmap(-1, _HISTORY_BYTES[section.kind]))
        self.struct: Any = ffi.new("struct stream *")
        self.reception = Reception(self.struct)
        self._describe()

    def _describe(self) -> None:
        struct, section = self.struct, self._section
        struct.id = self._happenings.enter(self)
        struct.ssrc = self.ssrc or 0
        struct.payload_type = section.payload_type
        struct.rtx_payload_type = section.rtx_payload_type or 0
        struct.is_video = section.kind == "video"
        struct.clock_rate = codecs.BY_KIND[section.kind].clock_rate
        struct.highest = struct.timestamp = -1
        struct.key_frame_at = -1
        struct.history.bytes = self._history
        struct.history.size = ffi.sizeof(self._history)
        struct.history.numbers = [-1] * _HISTORY

    def show(self, sinks: Sequence[Any]) -> None:
        """Forward to these, `struct sink` each, of which those take it that are shown it."""
        self.struct.sink_count = min(len(sinks), MOST_SINKS)
        for index, sink in enumerate(sinks[:MOST_SINKS]):
            self.struct.sinks[index] = sink

    def learn(self, ssrc: int, *, repeats: bool) -> bool:
        """Take an SSRC for the layer's, or its repeats', as its packets say; only the first one."""
        if (self.rtx_ssrc if repeats else self.ssrc) is not None:
            return False
        if repeats:
            self.rtx_ssrc = ssrc
        else:
            self.ssrc = self.struct.ssrc = ssrc
        return True

    @property
    def urgent(self) -> bool:
        """Whether something waits that cannot wait long."""
        return (self._key_frame_wanted and self.ssrc is not None) or bool(self._gaps.missing)

    def leave(self) -> None:
        """Be told of nothing more."""
        self._happenings.leave(self.struct.id)

    def happened(self, event: Any) -> None:
        """Learn what is missing, what has come after all, and what to ask for again."""
        kind, first, count, now = event.kind, event.first, event.count, event.arrived / 1_000_000
        if kind == lib.EVENT_GAP and self.struct.sink_count:
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

    def came_late(self, number: int) -> bool:
        """Tell whether a packet was lost on the way from the sender, and came after all."""
        return self._gaps.was_missing(number)

    def request_key_frame(self, now: float) -> None:
        """Ask the sender for a key frame, at once or as soon as the last request is old enough."""
        if self._section.kind != "video":
            return
        self._key_frame_wanted = True
        self.tick(now)

    def tick(self, now: float) -> None:
        """Do what had to wait, if it is time."""
        if self._key_frame_wanted:
            if now - self._key_frame_asked >= _KEY_FRAME_PAUSE and self.ssrc is not None:
                self._key_frame_wanted = False
                self._key_frame_asked = now
                self._outlet.send_control(rtcp.picture_loss(self._outlet.ssrc, self.ssrc))
            else:
                self._outlet.hurry(self)
        if self._gaps.missing and now >= self._gaps.next:
            self._ask(self._gaps.due(now, self._outlet.round_trip))

    def measure(self, now: float) -> None:
        """See how much comes; called every half second or oftener."""
        counted, since = self._measured
        if now - since >= _RATE_WINDOW:
            octets = tuple(self.struct.octets)
            spans = [after - before for after, before in zip(octets, counted, strict=True)]
            self.rates = tuple(8 * max(each, 0) / (now - since) for each in accumulate(spans))
            self._measured = (octets, now)

    @property
    def rate(self) -> float:
        """The bit/s that come of it, as of the last `measure`."""
        return self.rates[-1]

    def report(self, now: float, worst: int) -> bytes:
        """Build the report block; `worst` is the share that a receiver loses, in 1/256."""
        return self.reception.report(self.ssrc or 0, now, worst)

    def note_sender_report(self, ntp: tuple[int, int], timestamp: int, now: float) -> None:
        """Take the sender's clock reading."""
        self.last_report = (ntp, timestamp)
        self.reception.note_sender_report(ntp, now)

    def _ask(self, missing: Iterable[int]) -> None:
        asked = list(missing)
        if asked and self.ssrc is not None and "nack" in self._section.feedback:
            self._outlet.send_control(rtcp.nack(self._outlet.ssrc, self.ssrc, asked))
        self._look_out()

    def _look_out(self) -> None:
        """Have the compiled part tell of what is found, and of the moment to ask again."""
        self.struct.misses = bool(self._gaps.missing)
        self.struct.due_at = int(self._gaps.next * 1_000_000)
        if self._gaps.missing:
            self._outlet.hurry(self)
