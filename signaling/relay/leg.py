"""One participant's side of the relay: its transport, what it sends and what it is shown."""

import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from signaling.relay import control, rtcp, rtp, srtp
from signaling.relay.agreement import Agreement
from signaling.relay.answer import Transport, write_answer
from signaling.relay.counters import Counters
from signaling.relay.downlink import Downlink
from signaling.relay.dtls import Association, Certificate
from signaling.relay.endpoint import Endpoint
from signaling.relay.ingress import Credentials, Ingress
from signaling.relay.line import Address
from signaling.relay.offer import Offer
from signaling.relay.reception import Arrivals
from signaling.relay.source import Source

_CONSENT = 30.0  # seconds, RFC 7675 section 5.1
_TICKS_PER_REPORT = 20
_TICKS_PER_FEEDBACK = 2
_TICKS_PER_ESTIMATE = 10
_REPEATS_PER_TICK = 200
_UNPROTECT = srtp.unprotect
_PROTECT = srtp.protect
_READ = struct.Struct("!BBHIIIBH").unpack_from
_ONE_WORD = rtp.ONE_BYTE_PROFILE << 16 | 1


@dataclass(frozen=True, slots=True)
class Site:
    """What all legs of one relay share."""

    endpoint: Endpoint
    ingress: Ingress
    certificate: Certificate
    counters: Counters
    advertised: tuple[str, ...]
    tcp_port: int | None = None


class Leg:
    """The transport and the streams of one peer connection.

    `on_end` is called when the client has closed its association or it failed.
    """

    def __init__(self, site: Site, offer: Offer, on_end: Callable[["Leg"], None]) -> None:
        self.identity = offer.identity
        self.address: Address | None = None
        self.connected = False
        self.sources: dict[int, Source] = {}
        self._agreement = Agreement(self, site.endpoint)
        self.sinks, self.seats = self._agreement.sinks, self._agreement.seats
        self._downlink = Downlink()
        self._site = site
        self._on_end = on_end
        self.ssrc = secrets.randbelow(0xFFFFFFFF) + 1
        self.round_trip = 0.1
        self._memory = site.endpoint.slab.memory
        self._starts = site.endpoint.slab.starts
        self._slab = srtp.pointer(site.endpoint.slab)
        self._pointers = [self._slab + start for start in self._starts]
        self._cell = srtp.length_cell()
        self._inward = self._outward = None
        self._line_post: Callable[[Address, int, int], None] = lambda *_: None
        self._own: tuple[Source, ...] = ()
        self._repeats = _REPEATS_PER_TICK
        self._arrivals = Arrivals()
        self._wide_id = 0
        self._wide_element = -1
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
        agreement = self._agreement
        agreement.agree(offer)
        self.sources = agreement.sources
        self._own = tuple({each.ssrc: each for each in self.sources.values()}.values())
        self._wide_id = agreement.wide_id
        self._wide_element = self._wide_id << 4 | 1 if self._wide_id else -1
        self._site.ingress.declare(self, self.sources)
        if not self._credentials or self._credentials[-1].remote_ufrag != offer.ufrag:
            # At most two at a time: the running one and the one an ICE restart brings.
            for outdated in self._credentials[:-1]:
                self._site.ingress.revoke(outdated)
            fresh = self._site.ingress.issue(self, offer.ufrag)
            self._credentials = [*self._credentials[-1:], fresh]
        return write_answer(offer, self._transport(), agreement.outgoing(offer))

    @property
    def forwarded(self) -> tuple[int, int]:
        """How many packets were sent to the participant, and the bytes of their payloads."""
        sinks = self.sinks.values()
        return sum(each.packets for each in sinks), sum(each.octets for each in sinks)

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
        self._site.ingress.declare(self, ())
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
            self._move(None)
        self._ticks += 1
        self._repeats = _REPEATS_PER_TICK
        for source in self._own:
            source.tick(now)
        if self._ticks % _TICKS_PER_ESTIMATE == 0:
            for source in self._own:
                source.tell_estimate(now)
        if self.connected and self._ticks % _TICKS_PER_FEEDBACK == 0:
            self._send_reports(now)

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from an authenticated address."""
        if not self._association.receive(datagram):
            self._site.counters.add("dropped_dtls")

    def receive_media(self, slot: int, length: int, arrived: int) -> None:
        """Take SRTP or SRTCP from an authenticated address, in a slot of the slab."""
        start = self._starts[slot]
        first, second, sequence, timestamp, ssrc, profile, element, number = _READ(
            self._memory, start
        )
        source = self.sources.get(ssrc)
        if source is None or length < 12 or 192 <= second <= 223:
            self._receive_control(start, length, second, arrived)
            return
        cell = self._cell
        cell[0] = length
        if not self.connected or _UNPROTECT(self._inward, self._pointers[slot], cell):
            self._site.counters.add("dropped_unauthentic_media")
            return
        length = cell[0]
        offset = 20
        if first != 0x90 or profile != _ONE_WORD or element != self._wide_element or length < 20:
            offset, number = self._read_header(start, length)
            if not offset:
                self._site.counters.add("dropped_malformed_media")
                return
        if number >= 0:
            arrivals = self._arrivals
            arrivals.numbers.append(number)
            arrivals.times.append(arrived)
        if source.ssrc != ssrc:
            packet = self._memory[start : start + length].tobytes()
            source.receive_again(packet, offset, arrived)
        elif not source.receive(
            start, offset, start + length, second, sequence, timestamp, arrived
        ):
            self._site.counters.add("dropped_unwanted_media")

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
            self._move(address)

    def follow(self, address: Address, start: int, length: int, now: float) -> bool:
        """Move to an unknown address if the SRTP or SRTCP from there, in the slab, is authentic.

        The packet is spent on the proof.
        """
        cell = self._cell
        cell[0] = length
        is_control = 192 <= self._memory[start + 1] <= 223
        unprotect = srtp.unprotect_rtcp if is_control else _UNPROTECT
        if not self.connected or unprotect(self._inward, self._slab + start, cell):
            return False
        self._site.counters.add("participants_moved")
        self._consented = now
        self._move(address)
        return True

    def fall_back(self, address: Address | None) -> None:
        """Go on at another known address, or wait for one: the present path is gone."""
        self._move(address)

    def post(self, start: int, length: int) -> None:
        """Protect a packet where it stands in the slab, and have it sent."""
        cell = self._cell
        cell[0] = length
        if _PROTECT(self._outward, self._slab + start, cell):
            self._site.counters.add("dropped_unprotectable")
            return
        self._line_post(self.address, start, cell[0])

    def note_round_trip(self, seconds: float) -> None:
        """Learn how long the way to the participant and back takes."""
        self.round_trip += (seconds - self.round_trip) / 4

    def note_arrivals(self, arrivals: list[tuple[int, int]], now: float) -> None:
        """Learn when packets arrived at the participant; senders hear at once of less room."""
        if self._downlink.note(arrivals, now):
            for seat in self.seats:
                if seat.video.source is not None:
                    seat.video.source.tell_estimate(now)

    def number(self, size: int, now: int) -> int:
        """Give the transport-wide number of the next packet; `now` in microseconds."""
        return self._downlink.number(size, now)

    def room_for_a_picture(self) -> int | None:
        """Give the bit/s that each picture shown may take, None when nothing is known."""
        room = self._downlink.room
        shown = sum(seat.video.source is not None and not seat.video.resting for seat in self.seats)
        return room // shown if shown and room is not None else None

    def forget_room(self) -> None:
        """Find out anew what the participant's network takes."""
        self._downlink.room = None

    def may_repeat(self) -> bool:
        """Take one of the repeats that may be sent until the next tick."""
        self._repeats -= 1
        return self._repeats >= 0

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""
        if self.connected:
            start = self._site.endpoint.place(packet)
            self._cell[0] = len(packet)
            if not srtp.protect_rtcp(self._outward, self._slab + start, self._cell):
                self._line_post(self.address, start, self._cell[0])

    def _receive_control(self, start: int, length: int, second: int, arrived: int) -> None:
        counters = self._site.counters
        if length < 12:
            counters.add("dropped_malformed_media")
            return
        if not 192 <= second <= 223:
            counters.add("dropped_undeclared_ssrc")
            return
        self._cell[0] = length
        if not self.connected or srtp.unprotect_rtcp(self._inward, self._slab + start, self._cell):
            counters.add("dropped_unauthentic_media")
            return
        compound = self._memory[start : start + self._cell[0]].tobytes()
        control.receive(compound, self, counters, arrived / 1_000_000)

    def _read_header(self, start: int, length: int) -> tuple[int, int]:
        """Give where the payload begins, 0 for a malformed one, and the transport-wide number."""
        packet = self._memory[start : start + length].tobytes()
        offset = rtp.payload_offset(packet)
        if not offset or not self._wide_id:
            return offset, -1
        number = rtp.one_byte_extension(packet, self._wide_id)
        return offset, number & 0xFFFF if number >= 0 else -1

    def _move(self, address: Address | None) -> None:
        self.address = address
        self._downlink.moved()
        if address is not None:
            self._line_post = self._site.endpoint.line(address).post
        self._refresh()

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
        self._inward, self._outward = self._association.inward, self._association.outward
        if self.connected and not before:
            now = time.monotonic()
            for sink in self.sinks.values():
                sink.begin(now)

    def _send_reports(self, now: float) -> None:
        media = self._own[0].ssrc if self._own else 0
        feedback = self._arrivals.feedback(self.ssrc, media)
        heard = []
        if self._ticks % _TICKS_PER_REPORT == 0:
            heard = [each for each in self._own if each.reception.highest >= 0]
        if heard:
            blocks = [each.reception.report(each.ssrc, now) for each in heard]
            self.send_control(rtcp.receiver_report(self.ssrc, blocks) + (feedback or b""))
        elif feedback is not None:
            self.send_control(feedback)

    def _transport(self) -> Transport:
        newest = self._credentials[-1]
        return Transport(
            newest.ufrag,
            newest.password,
            self._site.certificate.fingerprint,
            self._site.advertised,
            self._site.endpoint.port,
            self._site.tcp_port,
        )
