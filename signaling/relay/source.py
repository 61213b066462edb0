"""What a participant sends, a voice or a picture: its encodings, and who is shown which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from signaling.relay import rtcp
from signaling.relay.encoding import Encoding, Upstream
from signaling.relay.happenings import Happenings
from signaling.relay.layers import Layers
from signaling.relay.offer import Section

if TYPE_CHECKING:
    from signaling.relay.sink import Sink


class Source:
    """One section of an offer in which a participant sends.

    `encodings` are its layers, lowest first; a voice has one, and so has a picture that is not
    sent in layers. `outlet` is the transport it comes over.
    """

    __slots__ = ("_layers", "_outlet", "_section", "_sinks", "encodings", "kind")

    def __init__(self, section: Section, outlet: Upstream, happenings: Happenings) -> None:
        self.kind = section.kind
        self._section = section
        self._outlet = outlet
        self._sinks: tuple[Sink, ...] = ()
        self._layers = Layers()
        ssrcs = (section.ssrc, section.rtx_ssrc)
        self.encodings = tuple(
            Encoding(section, ssrcs, outlet, happenings) for _ in section.layers or ("",)
        )

    @property
    def layered(self) -> bool:
        """Whether the picture is sent in layers."""
        return bool(self._section.layers)

    @property
    def sinks(self) -> tuple["Sink", ...]:
        """The streams in which others are shown this."""
        return self._sinks

    def attach(self, sink: "Sink") -> None:
        """Show this in one more stream."""
        self._sinks = (*self._sinks, sink)
        self.arrange()

    def detach(self, sink: "Sink") -> None:
        """Show it in one stream less."""
        self._sinks = tuple(each for each in self._sinks if each is not sink)
        self.arrange()

    def arrange(self) -> None:
        """Have each encoding forwarded to whom it is shown, and to whom it will be."""
        for encoding in self.encodings:
            encoding.show([each.struct for each in self._sinks if each.wants(encoding)])

    def leave(self) -> None:
        """Be told of nothing more."""
        for each in self.encodings:
            each.leave()

    def continues(self, section: Section) -> bool:
        """Tell whether a renegotiated section still describes this very source."""
        mine = self._section
        return (mine.ssrc, mine.rtx_ssrc, mine.payload_type, mine.rtx_payload_type, mine.layers) == (
            section.ssrc, section.rtx_ssrc, section.payload_type, section.rtx_payload_type,
            section.layers,
        )  # fmt: skip

    def learn(self, layer: str, ssrc: int, *, repeats: bool) -> bool:
        """Take an SSRC for that of a layer, by its id (RFC 8852), or of its repeats."""
        if layer not in self._section.layers:
            return False
        encoding = self.encodings[self._section.layers.index(layer)]
        return encoding.learn(ssrc, repeats=repeats)

    def best(self) -> Encoding:
        """Give the highest encoding of which something comes, the highest when nothing does."""
        coming = [each for each in self.encodings if each.rate]
        return (coming or self.encodings)[-1]

    def tell_estimate(self, now: float) -> None:
        """Tell the sender what its audience can take.

        Called every half second, and when one of them has less room.
        """
        if self.kind != "video":
            return
        for each in self.encodings:
            each.measure(now)
        told = self._layers.tell(self._sinks, [_sums(each.rates) for each in self.encodings], now)
        if told is not None:
            ssrc = next((each.ssrc for each in self.encodings if each.ssrc is not None), 0)
            self._outlet.send_control(rtcp.estimate(self._outlet.ssrc, ssrc, told))

    def reports(self, now: float) -> list[bytes]:
        """Build a report block on each encoding that has been heard of.

        The sender of a voice is told of the worst loss among its audience where that is more than
        on its own way: by that it chooses how much its frames repeat of those before (RFC 6716
        section 2.1.7).
        """
        worst = max((each.lost for each in self._sinks), default=0) if self.kind == "audio" else 0
        return [each.report(now, worst) for each in self.encodings if each.reception.highest >= 0]

    def note_sender_report(
        self, ssrc: int, ntp: tuple[int, int], timestamp: int, now: float
    ) -> None:
        """Take the clock reading of an encoding and pass it to everyone who is shown it."""
        for encoding in self.encodings:
            if encoding.ssrc == ssrc:
                encoding.note_sender_report(ntp, timestamp, now)
                for sink in self._sinks:
                    if sink.encoding is encoding:
                        sink.send_report()


def _sums(rates: Sequence[float]) -> list[float]:
    """Leave out temporal layers that add nothing."""
    return [each for index, each in enumerate(rates) if not index or each > rates[index - 1]]
