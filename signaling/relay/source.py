"""A stream that a participant sends: what arrived of it and who is shown it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from signaling.relay import codecs, rtcp, rtp, vp8
from signaling.relay.offer import Section
from signaling.relay.reception import History, Reception

if TYPE_CHECKING:
    from signaling.relay.sink import Sink

_KEY_FRAME_PAUSE = 0.2  # seconds: a key frame costs ten ordinary ones
_KEY_FRAME_USABLE = 0.4  # seconds: what came since must still be little
_KEY_FRAME_PACKETS = 64
_ASK_AGAIN = 0.04  # seconds until a lost packet is asked for a second time


class Source:
    """One audio or video stream from one participant.

    `send_rtcp` takes plain RTCP for the sender; `own_ssrc` is who the relay is in it.
    """

    __slots__ = (
        "_asked", "_history", "_key_frame", "_key_frame_asked", "_key_frame_at", "_key_frame_wanted", "_own_ssrc", "_section",
        "_send_rtcp", "kind", "last_report", "reception", "sinks", "ssrc",
    )  # fmt: skip

    def __init__(
        self, section: Section, ssrc: int, own_ssrc: int, send_rtcp: Callable[[bytes], None]
    ) -> None:
        codec = codecs.BY_KIND[section.kind]
        self.kind = section.kind
        self.ssrc = ssrc
        self.sinks: tuple[Sink, ...] = ()
        self.reception = Reception(codec.clock_rate)
        self.last_report: tuple[tuple[int, int], int] | None = None
        self._section = section
        self._own_ssrc = own_ssrc
        self._send_rtcp = send_rtcp
        self._history = History()
        self._asked: dict[int, float] = {}
        self._key_frame_asked = 0.0
        self._key_frame_wanted = False
        self._key_frame = 0
        self._key_frame_at = -1.0

    def continues(self, section: Section) -> bool:
        """Tell whether a renegotiated section still describes this very stream."""
        mine = self._section
        return (mine.ssrc, mine.rtx_ssrc, mine.payload_type, mine.rtx_payload_type) == (
            section.ssrc, section.rtx_ssrc, section.payload_type, section.rtx_payload_type,
        )  # fmt: skip

    def receive(self, packet: bytes, offset: int, ssrc: int, now: float) -> int:
        """Take a decrypted packet and forward it; give how many times it was forwarded, or -1.

        `offset` is where the payload starts. -1 means that the packet is not what was
        negotiated or was here before.
        """
        if ssrc != self.ssrc:
            restored = self._restore(packet, offset)
            if restored is None:
                return 0  # padding that probes the network ends here
            packet, offset = restored, 12
        elif packet[1] & 0x7F != self._section.payload_type:
            return -1
        reception = self.reception
        extended = reception.extend(int.from_bytes(packet[2:4], "big"))
        timestamp = int.from_bytes(packet[4:8], "big")
        if not self._history.add(extended, packet):
            # Browsers probe the network with repeats of what has long arrived.
            return -1 if ssrc == self.ssrc else 0
        if ssrc == self.ssrc:
            reception.note(extended, timestamp, now)
        if self.kind == "video" and vp8.starts_key_frame(packet, offset):
            self._key_frame, self._key_frame_at = extended, now
        sent = 0
        for sink in self.sinks:
            sent += sink.forward(packet, offset, extended, timestamp, now)
        return sent

    def since_key_frame(self, now: float) -> list[tuple[int, bytes]]:
        """Give (extended number, packet) from the last key frame on, if that is short and whole.

        Whoever joins shortly after it sees a picture at once instead of waiting for another.
        """
        if now - self._key_frame_at > _KEY_FRAME_USABLE:
            return []
        numbers = range(self._key_frame, self.reception.highest + 1)
        if len(numbers) > _KEY_FRAME_PACKETS:
            return []
        packets = [(number, self._history.find(number)) for number in numbers]
        whole = [(number, packet) for number, packet in packets if packet is not None]
        return whole if len(whole) == len(numbers) else []

    def find(self, extended: int) -> bytes | None:
        """Give a packet received lately by its extended sequence number."""
        return self._history.find(extended)

    def ask_again(self, extended: list[int], now: float) -> None:
        """Ask the sender for packets that never arrived here (RFC 4585 section 6.2.1)."""
        missing = []
        for number in extended:
            recent = -256 < number - self.reception.highest <= 0
            if recent and now - self._asked.get(number, 0.0) >= _ASK_AGAIN:
                self._asked[number] = now
                missing.append(number)
        if missing and "nack" in self._section.feedback:
            self._send_rtcp(rtcp.nack(self._own_ssrc, self.ssrc, missing))

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
            self._send_rtcp(rtcp.picture_loss(self._own_ssrc, self.ssrc))
        if self._asked:
            self._asked = {each: at for each, at in self._asked.items() if now - at < 1.0}

    def note_sender_report(self, ntp: tuple[int, int], timestamp: int, now: float) -> None:
        """Take the sender's clock reading and pass it to everyone who is shown this stream."""
        self.last_report = (ntp, timestamp)
        self.reception.note_sender_report(ntp, now)
        for sink in self.sinks:
            sink.send_report()

    def _restore(self, packet: bytes, offset: int) -> bytes | None:
        if packet[1] & 0x7F != self._section.rtx_payload_type:
            return None
        return rtp.restore_retransmission(packet, offset, self._section.payload_type, self.ssrc)
