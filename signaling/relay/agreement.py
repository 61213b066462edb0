"""What one peer connection has agreed to: the streams it sends and the seats it is shown."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from signaling.relay.answer import Outgoing, agreed_extensions
from signaling.relay.codecs import TRANSPORT_WIDE
from signaling.relay.happenings import Happenings
from signaling.relay.offer import BadOffer, Offer
from signaling.relay.sink import Outlet, Sink
from signaling.relay.source import Source, Upstream


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
        self.sources: dict[int, Source] = {}
        self.sinks: dict[int, Sink] = {}
        self.seats: list[Seat] = []
        self.wide_id = 0
        self._transport = transport
        self._happenings = happenings
        self._mids: list[str] = []

    def agree(self, offer: Offer) -> None:
        """Take an offer; raises BadOffer when it drops or renames sections."""
        mids = [section.mid for section in offer.sections]
        if mids[: len(self._mids)] != self._mids:
            raise BadOffer("sections may be added, not dropped or renamed")
        self._mids = mids
        self._agree_sources(offer)
        self._agree_seats(offer)

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

    def _agree_sources(self, offer: Offer) -> None:
        sources: dict[int, Source] = {}
        for section in offer.sections[:2]:
            if section.ssrc is None or section.direction != "sendonly":
                continue
            known = self.sources.get(section.ssrc)
            if known is None or not known.continues(section):
                known = Source(section, section.ssrc, self._transport, self._happenings)
            sources[section.ssrc] = known
            if section.rtx_ssrc is not None:
                sources[section.rtx_ssrc] = known
            self.wide_id = agreed_extensions(section).get(TRANSPORT_WIDE, self.wide_id)
        self.sources = sources

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
