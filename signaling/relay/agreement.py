"""What one peer connection has agreed to: the streams it sends and the seats it is shown."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from signaling.relay.answer import Outgoing, agreed_extensions
from signaling.relay.codecs import LAYER, REPAIRED_LAYER, TRANSPORT_WIDE
from signaling.relay.encoding import Encoding, Upstream
from signaling.relay.happenings import Happenings
from signaling.relay.offer import BadOffer, Offer, Section
from signaling.relay.outlet import Outlet
from signaling.relay.rtp import one_byte_extension
from signaling.relay.sink import Sink
from signaling.relay.source import Source


@dataclass(slots=True)
class Seat:
    """A pair of outgoing streams in which one other person is shown."""

    audio_mid: str
    video_mid: str
    audio: Sink
    video: Sink
    occupant: str | None = None
    used: bool = False


class BothWays(Outlet, Upstream, Protocol):
    """A transport that streams come over and go out through."""


class Agreement:
    """The streams of one transport, kept from one offer to the next.

    `wide_id` is the header extension that carries transport-wide numbers, 0 for none.
    """

    def __init__(self, transport: BothWays, happenings: Happenings) -> None:
        self.sources: tuple[Source, ...] = ()
        self._sent: list[tuple[Section, Source]] = []
        self.sinks: dict[int, Sink] = {}
        self.seats: list[Seat] = []
        self.wide_id = 0
        self._transport = transport
        self._happenings = happenings
        self._mids: list[str] = []

    def agree(self, offer: Offer) -> None:
        """Take an offer; raises BadOffer when it drops or renames sections.

        A source that the offer goes without is told of nothing more. Whoever is shown it keeps it,
        and the memory that the compiled part sees, until something else is bound.
        """
        mids = [section.mid for section in offer.sections]
        if mids[: len(self._mids)] != self._mids:
            raise BadOffer("sections may be added, not dropped or renamed")
        self._mids = mids
        self._agree_sources(offer)
        self._agree_seats(offer)

    def leave(self) -> None:
        """Let go of all streams."""
        self.sources, self._sent = (), []
        self.sinks.clear()
        self.seats.clear()

    def outgoing(self, offer: Offer) -> list[Outgoing | None]:
        """Give the stream that goes out in each section, None where none does."""
        outgoing: list[Outgoing | None] = [None, None]
        for seat in self.seats:
            for sink in (seat.audio, seat.video):
                rtx = sink.rtx_ssrc if sink.kind == "video" else None
                outgoing.append(Outgoing(sink.cname, sink.ssrc, rtx))
        return [
            stream if section.direction == "recvonly" else None
            for section, stream in zip(offer.sections, outgoing, strict=True)
        ]

    def learn(self, packet: bytes) -> bool:
        """Learn from a packet of an unknown SSRC which layer it is of; False when of none."""
        ssrc = int.from_bytes(packet[8:12], "big")
        for section, source in self._sent:
            for uri, repeats in ((LAYER, False), (REPAIRED_LAYER, True)):
                layer = one_byte_extension(packet, agreed_extensions(section).get(uri, 0))
                if layer and source.learn(layer.decode("ascii", "replace"), ssrc, repeats=repeats):
                    return True
        return False

    @property
    def learns(self) -> bool:
        """Whether SSRCs are to be learned from packets."""
        return any(source.layered for source in self.sources)

    def ssrcs(self) -> Iterator[tuple[int, bool, Encoding]]:
        """Yield each SSRC that is sent, whether it is one of repeats, and whose."""
        for source in self.sources:
            for encoding in source.encodings:
                if encoding.ssrc is not None:
                    yield encoding.ssrc, False, encoding
                if encoding.rtx_ssrc is not None:
                    yield encoding.rtx_ssrc, True, encoding

    def _agree_sources(self, offer: Offer) -> None:
        sent: list[tuple[Section, Source]] = []
        for section in offer.sections[:2]:
            if section.direction != "sendonly" or (section.ssrc is None and not section.layers):
                continue
            known = next((each for each in self.sources if each.continues(section)), None)
            sent.append((section, known or Source(section, self._transport, self._happenings)))
            self.wide_id = agreed_extensions(section).get(TRANSPORT_WIDE, self.wide_id)
        self._sent = sent
        kept = tuple(source for _, source in sent)
        for source in self.sources:
            if source not in kept:
                source.leave()
        self.sources = kept

    def _agree_seats(self, offer: Offer) -> None:
        for index in range(offer.seats):
            audio, video = offer.sections[2 + 2 * index : 4 + 2 * index]
            if index == len(self.seats):
                name = f"seat{index}"
                seat = Seat(
                    audio.mid,
                    video.mid,
                    self._new_sink("audio", name),
                    self._new_sink("video", name),
                )
                self.seats.append(seat)
                self.sinks[seat.audio.ssrc] = seat.audio
                self.sinks[seat.video.ssrc] = seat.video
            self.seats[index].audio.agree(audio)
            self.seats[index].video.agree(video)

    def _new_sink(self, kind: str, name: str) -> Sink:
        ssrcs = (self._new_ssrc(), self._new_ssrc())
        return Sink(self._transport, self._happenings, kind, name, ssrcs)

    def _new_ssrc(self) -> int:
        while True:
            ssrc = secrets.randbelow(0xFFFFFFFF) + 1
            if ssrc not in self.sinks and ssrc != self._transport.ssrc:
                return ssrc
