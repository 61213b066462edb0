"""One participant's side of the relay: its transport, what it sends and what it is shown."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from signaling.relay import control, rtcp, rtp
from signaling.relay.answer import Outgoing, Transport, agreed_extensions, write_answer
from signaling.relay.codecs import TRANSPORT_WIDE
from signaling.relay.counters import Counters
from signaling.relay.dtls import Association, Certificate, SrtpError
from signaling.relay.endpoint import Address, Endpoint
from signaling.relay.ingress import Credentials, Ingress
from signaling.relay.offer import BadOffer, Offer
from signaling.relay.reception import Arrivals
from signaling.relay.sink import Sink
from signaling.relay.source import Source

_CONSENT = 30.0  # seconds, RFC 7675 section 5.1
_TICKS_PER_REPORT = 20


@dataclass(frozen=True, slots=True)
class Site:
    """What all legs of one relay share."""

    endpoint: Endpoint
    ingress: Ingress
    certificate: Certificate
    counters: Counters
    advertised: tuple[str, ...]


@dataclass(slots=True)
class Seat:
    """A pair of outgoing streams in which one other person is shown."""

    audio_mid: str
    video_mid: str
    audio: Sink
    video: Sink
    occupant: str | None = None
    used: bool = False


class Leg:
    """The transport and the streams of one peer connection.

    `on_end` is called when the client has closed its association or it failed.
    """

    def __init__(self, site: Site, offer: Offer, on_end: Callable[["Leg"], None]) -> None:
        self.identity = offer.identity
        self.address: Address | None = None
        self.connected = False
        self.sources: dict[int, Source] = {}
        self.sinks: dict[int, Sink] = {}
        self.seats: list[Seat] = []
        self.estimated_downlink: int | None = None
        self._site = site
        self._on_end = on_end
        self._ssrc = secrets.randbelow(0xFFFFFFFF) + 1
        self._arrivals = Arrivals()
        self._wide_id = 0
        self._mids: list[str] = []
        self._credentials: list[Credentials] = []
        self._consented = 0.0
        self._ticks = 0
        self._association = Association(
            site.certificate, self._send_handshake, self._association_changed
        )
        self._association.start(list(offer.fingerprints))

    def answer(self, offer: Offer) -> str:
        """Agree to an offer, the first one or a later one of the same peer connection.

        Raises BadOffer when a later one drops or renames sections.
        """
        mids = [section.mid for section in offer.sections]
        if mids[: len(self._mids)] != self._mids:
            raise BadOffer("sections may be added, not dropped or renamed")
        self._mids = mids
        self._agree_sources(offer)
        self._agree_seats(offer)
        if not self._credentials or self._credentials[-1].remote_ufrag != offer.ufrag:
            # At most two at a time: the running one and the one an ICE restart brings.
            for outdated in self._credentials[:-1]:
                self._site.ingress.revoke(outdated)
            fresh = self._site.ingress.issue(self, offer.ufrag)
            self._credentials = [*self._credentials[-1:], fresh]
        return write_answer(offer, self._transport(), self._outgoing(offer))

    def source(self, kind: str) -> Source | None:
        """Give the stream of `kind` that the participant sends, None when there is none."""
        return next((each for each in self.sources.values() if each.kind == kind), None)

    async def close(self) -> None:
        """Stop everything at once and say goodbye to the client."""
        self.detach()
        await self._association.close()

    def detach(self) -> None:
        """Leave every table, so that nothing arrives any more; nobody is shown this any more."""
        now = time.monotonic()
        for credentials in self._credentials:
            self._site.ingress.revoke(credentials)
        self._site.ingress.forget(self)
        for sink in self.sinks.values():
            sink.bind(None, now)
        for source in self.sources.values():
            for sink in source.sinks:
                sink.bind(None, now)

    def tick(self, now: float) -> None:
        """Send what is due; called every 50 ms."""
        if self.address is not None and now - self._consented > _CONSENT:
            self._site.counters.add("consent_expired")
            self._site.ingress.forget(self)
            self.address = None
            self._refresh()
        self._ticks += 1
        for sink in self.sinks.values():
            sink.tick()
        for source in set(self.sources.values()):
            source.tick(now)
        if self.connected:
            self._send_reports(now)

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from an authenticated address."""
        if not self._association.receive(datagram):
            self._site.counters.add("dropped_dtls")

    def receive_media(self, datagram: bytes, now: float) -> None:
        """Take SRTP or SRTCP from an authenticated address."""
        counters = self._site.counters
        if len(datagram) < 12:
            counters.add("dropped_malformed_media")
            return
        try:
            if 192 <= datagram[1] <= 223:
                compound = self._association.unprotect_rtcp(datagram)
                control.receive(compound, self, counters, now)
                return
            ssrc = int.from_bytes(datagram[8:12], "big")
            source = self.sources.get(ssrc)
            if source is None:
                counters.add("dropped_undeclared_ssrc")
                return
            packet = self._association.unprotect(datagram)
        except SrtpError:
            counters.add("dropped_unauthentic_media")
            return
        offset = rtp.payload_offset(packet)
        if not offset:
            counters.add("dropped_malformed_media")
            return
        number = rtp.one_byte_extension(packet, self._wide_id) if self._wide_id else -1
        if number >= 0:
            self._arrivals.note(number & 0xFFFF, now)
        sent = source.receive(packet, offset, ssrc, now)
        if sent < 0:
            counters.add("dropped_unwanted_media")
        elif sent:
            counters.add("packets_forwarded", sent)
            counters.add("bytes_forwarded", sent * len(packet))

    def consent(self, credentials: Credentials, address: Address, now: float) -> None:
        """Move to `address`, which authenticated STUN nominated."""
        if credentials is not self._credentials[-1]:
            if address != self.address and self.address is not None:
                return  # a nomination from before the ICE restart
        elif len(self._credentials) > 1:
            self._site.ingress.revoke(self._credentials.pop(0))
        if self.address not in {None, address}:
            self._site.counters.add("participants_moved")
        self._consented = now
        if self.address != address:
            self.address = address
            self._refresh()

    def send_media(self, packet: bytes) -> bool:
        """Protect and send a packet; False when it could not be sent."""
        if self.address is None:
            return False
        try:
            protected = self._association.protect(packet)
        except SrtpError:
            self._site.counters.add("dropped_unprotectable")
            return False
        return self._site.endpoint.send(protected, self.address)

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""
        if self.connected and self.address is not None:
            protected = self._association.protect_rtcp(packet)
            self._site.endpoint.send(protected, self.address)

    def _send_handshake(self, datagram: bytes) -> None:
        if self.address is not None:
            self._site.endpoint.send(datagram, self.address)

    def _association_changed(self) -> None:
        self._refresh()
        if self._association.ended:
            self._on_end(self)

    def _refresh(self) -> None:
        before = self.connected
        self.connected = self._association.connected and self.address is not None
        if self.connected and not before:
            now = time.monotonic()
            for sink in self.sinks.values():
                sink.begin(now)

    def _send_reports(self, now: float) -> None:
        media = next((each.ssrc for each in self.sources.values()), 0)
        feedback = self._arrivals.feedback(self._ssrc, media)
        streams = {each.ssrc: each for each in self.sources.values()}
        heard = [each for each in streams.values() if each.reception.highest >= 0]
        if heard and self._ticks % _TICKS_PER_REPORT == 0:
            blocks = [each.reception.report(each.ssrc, now) for each in heard]
            self.send_control(rtcp.receiver_report(self._ssrc, blocks) + (feedback or b""))
        elif feedback is not None:
            self.send_control(feedback)

    def _agree_sources(self, offer: Offer) -> None:
        sources: dict[int, Source] = {}
        for section in offer.sections[:2]:
            if section.ssrc is None or section.direction != "sendonly":
                continue
            known = self.sources.get(section.ssrc)
            if known is None or not known.continues(section):
                known = Source(section, section.ssrc, self._ssrc, self.send_control)
            sources[section.ssrc] = known
            if section.rtx_ssrc is not None:
                sources[section.rtx_ssrc] = known
            self._wide_id = agreed_extensions(section).get(TRANSPORT_WIDE, self._wide_id)
        self.sources = sources

    def _agree_seats(self, offer: Offer) -> None:
        for index in range(offer.seats):
            audio, video = offer.sections[2 + 2 * index : 4 + 2 * index]
            if index == len(self.seats):
                name = f"seat{index}"
                seat = Seat(
                    audio.mid,
                    video.mid,
                    Sink(self, "audio", name, self._new_ssrc(), self._new_ssrc()),
                    Sink(self, "video", name, self._new_ssrc(), self._new_ssrc()),
                )
                self.seats.append(seat)
                self.sinks[seat.audio.ssrc] = seat.audio
                self.sinks[seat.video.ssrc] = seat.video
            self.seats[index].audio.agree(audio)
            self.seats[index].video.agree(video)

    def _new_ssrc(self) -> int:
        while True:
            ssrc = secrets.randbelow(0xFFFFFFFF) + 1
            if ssrc not in self.sinks and ssrc != self._ssrc:
                return ssrc

    def _transport(self) -> Transport:
        newest = self._credentials[-1]
        return Transport(
            newest.ufrag,
            newest.password,
            self._site.certificate.fingerprint,
            self._site.advertised,
            self._site.endpoint.port,
        )

    def _outgoing(self, offer: Offer) -> list[Outgoing | None]:
        outgoing: list[Outgoing | None] = [None, None]
        for seat in self.seats:
            for sink in (seat.audio, seat.video):
                rtx = sink.rtx_ssrc if sink.kind == "video" else None
                outgoing.append(Outgoing(sink.cname, sink.ssrc, rtx))
        return [
            stream if section.direction == "recvonly" else None
            for section, stream in zip(offer.sections, outgoing, strict=True)
        ]
