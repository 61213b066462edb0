"""A stream that a participant receives: one seat's audio or video, whoever sits there."""

import secrets
import time
from typing import Any

from signaling.relay import codecs, rtcp
from signaling.relay.answer import agreed_extensions, agreed_red
from signaling.relay.encoding import Encoding
from signaling.relay.happenings import Happenings
from signaling.relay.layers import ALL_FRAMES
from signaling.relay.offer import Section
from signaling.relay.outlet import Outlet
from signaling.relay.plane.library import ffi, lib
from signaling.relay.redundancy import MUCH_LOSS, QUEUE, Redundancy, Requests
from signaling.relay.repeats import Repeats
from signaling.relay.source import Source

_LONGEST_TRIP = 10.0  # seconds
_BREATH = 0.6  # seconds in which a queue empties, when nothing more is sent into it
_SHORTEST_REST = 20.0  # seconds without a picture before it is tried again
_STEADY = 10.0  # seconds after a rest
_LONGEST_REST = 80.0


class Sink:
    """An outgoing stream whose SSRC, sequence and clock run on when its source changes.

    No sequence number is used twice with different bytes, since SRTP's AES-GCM would lose its
    secrecy by that (RFC 7714 section 8.4): repeats go out as RTX with numbers of their own. The
    compiled part sees it as `struct` and writes its packets.
    """

    __slots__ = (
        "_briefly", "_happenings", "_outlet", "_redundancy", "_repeats", "_reported", "_requests", "_rest", "_rests_until", "_shifts",
        "cname", "encoding", "kind", "lost", "rtx_ssrc", "source", "ssrc", "struct",
    )  # fmt: skip

    def __init__(
        self, outlet: Outlet, happenings: Happenings, kind: str, cname: str, ssrcs: tuple[int, int]
    ) -> None:
        self.kind = kind
        self.cname = cname
        self.ssrc, self.rtx_ssrc = ssrcs
        self.source: Source | None = None
        self.encoding: Encoding | None = None
        """What of the source is shown."""
        self.lost = 0
        """The share of the packets that the receiver lost lately, in 1/256."""
        self._redundancy = Redundancy()
        self._requests = Requests()
        self._repeats = Repeats()
        self._shifts: Any = None
        self._reported = (0, 0.0)  # the middle bits of the last report's time, and when it left
        self._outlet = outlet
        self._happenings = happenings
        self._rest, self._rests_until, self._briefly = _SHORTEST_REST, 0.0, False
        self.struct: Any = ffi.new("struct sink *")
        struct = self.struct
        struct.id = happenings.enter(self)
        struct.ssrc, struct.rtx_ssrc = ssrcs
        struct.leg = outlet.struct
        struct.clock_rate = codecs.BY_KIND[kind].clock_rate
        struct.fresh = True
        # Starts in the lower half so that the roll-over counter begins at 0 (RFC 3711, 3.3.1).
        struct.lowest = struct.highest = secrets.randbelow(0x8000)
        struct.rtx_sequence = secrets.randbelow(0x8000)

    @property
    def packets(self) -> int:
        """How many packets were sent, repeats left out."""
        return int(self.struct.packets)

    @property
    def octets(self) -> int:
        """The bytes of their payloads."""
        return int(self.struct.octets)

    @property
    def resting(self) -> bool:
        """Whether the picture is held back, for want of room."""
        return bool(self.struct.resting)

    @property
    def counts(self) -> bool:
        """Whether room is kept for the picture: it is shown, or held back only briefly."""
        return not self.struct.resting or self._briefly

    def leave(self) -> None:
        """Be told of nothing more."""
        self._happenings.leave(self.struct.id)

    def happened(self, event: Any) -> None:
        """Learn that something else is shown from now on."""
        if event.kind != lib.EVENT_BEGAN or self.source is None:
            return
        shown = self.struct.stream
        self.encoding = next(each for each in self.source.encodings if each.struct == shown)
        self.source.arrange()
        self.send_report()

    def agree(self, section: Section) -> None:
        """Use the payload types and extension ids of the receiver's section."""
        self.struct.payload_type = section.payload_type
        self.struct.rtx_payload_type = section.rtx_payload_type or 0
        self.struct.red_payload_type = agreed_red(section) or 0
        self.struct.extension = agreed_extensions(section).get(codecs.TRANSPORT_WIDE, 0)

    def bind(self, source: Source | None, now: float) -> None:
        """Show another source from now on, or none; a new one is asked for a key frame."""
        if source is self.source:
            return
        if self.source is not None:
            self.source.detach(self)
        struct = self.struct
        self.source = source
        self._requests, self._repeats = Requests(), Repeats()
        self.encoding = source.best() if source is not None else None
        struct.fresh, struct.resting, struct.next = True, False, ffi.NULL
        struct.stream = self.encoding.struct if self.encoding is not None else ffi.NULL
        struct.layered = source is not None and source.layered
        if struct.layered and self._shifts is None:
            self._shifts = struct.shifts = ffi.new("struct shift[]", lib.PLANE_SHIFTS)
        struct.temporal = ALL_FRAMES
        self._rest, self._rests_until, self._briefly = _SHORTEST_REST, 0.0, False
        if source is not None:
            source.attach(self)
            self.begin(now)

    def wants(self, encoding: Encoding) -> bool:
        """Tell whether an encoding is shown, or will be from its next key frame on."""
        return encoding.struct in (self.struct.stream, self.struct.next)

    @property
    def layer(self) -> int:
        """The layer of the source that is shown, or will be from its next key frame on."""
        if self.source is None:
            return 0
        wanted = self.struct.next if self.struct.next != ffi.NULL else self.struct.stream
        return [each.struct for each in self.source.encodings].index(wanted)

    @layer.setter
    def layer(self, layer: int) -> None:
        if self.source is None or layer == self.layer:
            return
        encoding = self.source.encodings[layer]
        self.struct.next = encoding.struct if encoding is not self.encoding else ffi.NULL
        self.source.arrange()
        if encoding is not self.encoding:
            encoding.request_key_frame(time.monotonic())

    @property
    def temporal(self) -> int:
        """The highest temporal layer whose frames are sent on."""
        return int(self.struct.temporal)

    @temporal.setter
    def temporal(self, temporal: int) -> None:
        self.struct.temporal = temporal

    def begin(self, now: float) -> None:
        """Start showing the source: from a key frame just received, else from a new one.

        A receiver who is still connecting has the key frame asked for already, so that it is
        here when the handshake is done.
        """
        encoding = self.encoding
        if encoding is None:
            return
        recent = None
        if self._outlet.connected and self.struct.fresh:
            recent = encoding.key_frame_before(now)
        if recent is None or not self._outlet.replay(self, recent, now):
            encoding.request_key_frame(now)

    def repeat(self, sequences: list[int], now: float) -> int:
        """Answer the receiver's NACK from the source's history; what is not there is asked for.

        Gives how many packets were sent again.
        """
        encoding, struct = self.encoding, self.struct
        if encoding is None or struct.fresh:
            return 0
        missing = []
        sent = 0
        for sequence in sequences:
            number = lib.sink_number(struct, sequence)
            if number < 0 or not self._may_repeat(number, now):
                continue
            repeated = self._outlet.repeat(self, number, sequence, now)
            if repeated:
                sent += 1
                self._note_request(number, now)
                if self._repeats_get_lost:
                    sent += bool(self._outlet.repeat(self, number, sequence, now))
            elif repeated is False:
                missing.append(number)
        if missing:
            encoding.ask_again(missing, now)
        return sent

    def _may_repeat(self, number: int, now: float) -> bool:
        """Tell whether a picture's packet was not repeated just now; a voice's costs little."""
        if self.kind == "audio":
            return True
        trip = self._outlet.round_trip + self._outlet.standing(now)
        return self._repeats.may(number, trip, now)

    @property
    def _repeats_get_lost(self) -> bool:
        """Whether a picture's repeats had better go twice: much is lost, and not for want of room."""
        return self.kind == "video" and self.lost >= MUCH_LOSS and self.room is None

    def note_loss(self, lost: int, now: float) -> None:
        """Learn what share of the packets the receiver lost since it last told, in 1/256."""
        self.lost = lost
        if self.kind == "audio":
            self._protect(now)

    def _note_request(self, number: int, now: float) -> None:
        """Learn that the receiver lost a packet, unless it came here late, or found no room."""
        if self.kind != "audio" or self.encoding is None or self.encoding.came_late(number):
            return
        if self._outlet.standing(now) > QUEUE:
            return
        if self._requests.note(number):
            self._protect(now)

    def _protect(self, now: float) -> None:
        """Put earlier frames beside each of a voice that loses packets."""
        struct = self.struct
        asked = self._requests.share(struct.lowest, struct.highest)
        struct.redundancy = self._redundancy.note(max(self.lost, asked), self._outlet.queue, now)

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

    def rest(self, now: float, *, briefly: bool) -> None:
        """Hold the picture back; longer each time, since trying costs the voice."""
        self.struct.resting, self._briefly = True, briefly
        if briefly:
            self._rests_until = now + _BREATH
            return
        if now - self._rests_until > _LONGEST_REST:
            self._rest = _SHORTEST_REST
        self._rests_until = now + self._rest
        self._rest = min(4 * self._rest, _LONGEST_REST)

    def wake(self, now: float) -> None:
        """Show the picture again once it has rested long enough."""
        if now >= self._rests_until:
            self.struct.resting = False
            self.struct.fresh = True
            self._outlet.try_a_picture()
            self.begin(now)

    def send_report(self) -> None:
        """Pass the source's clock reading on, so that the receiver keeps lips in step."""
        struct = self.struct
        if self.encoding is None or self.encoding.last_report is None or struct.fresh:
            return
        ntp, timestamp = self.encoding.last_report
        self._reported = ((ntp[0] & 0xFFFF) << 16 | ntp[1] >> 16, time.monotonic())
        shifted = (timestamp + struct.timestamp_shift) & 0xFFFFFFFF
        self._outlet.send_control(
            rtcp.sender_report(self.ssrc, ntp, shifted, struct.packets, struct.octets)
            + rtcp.source_description(self.ssrc, self.cname)
        )
