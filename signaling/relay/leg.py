"""One participant's side of the relay: its transport, what it sends and what it is shown."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from signaling.relay import control, rtcp
from signaling.relay.agreement import Agreement
from signaling.relay.answer import Transport, write_answer
from signaling.relay.downlink import Downlink
from signaling.relay.dtls import Association
from signaling.relay.encoding import Encoding
from signaling.relay.estimates import Estimates
from signaling.relay.ingress import Credentials
from signaling.relay.layers import MEANWHILE
from signaling.relay.line import Address
from signaling.relay.offer import Offer
from signaling.relay.path import Path
from signaling.relay.plane.library import ffi, lib
from signaling.relay.repeats import Allowance
from signaling.relay.rounds import PAUSE, TURNS
from signaling.relay.sink import Sink
from signaling.relay.site import Site
from signaling.relay.source import Source

_TICKS_PER_REPORT = 10
_TICKS_PER_ESTIMATE = 5
_MOST_STREAMS: int = lib.PLANE_STREAMS


class Leg:
    """The transport and the streams of one peer connection.

    `on_end` is called when the client has closed its association or it failed.
    """

    def __init__(self, site: Site, offer: Offer, on_end: Callable[["Leg"], None]) -> None:
        self.identity = offer.identity
        self.connected = False
        self.sources: tuple[Source, ...] = ()
        self._site = site
        self._on_end = on_end
        self.ssrc = secrets.randbelow(0xFFFFFFFF) + 1
        self._plane = site.endpoint.slab.plane
        self._told = ffi.addressof(self._plane, "told")
        self._memory = site.endpoint.slab.memory
        self.struct: Any = ffi.new("struct leg *")
        self.struct.id = site.happenings.enter(self)
        self.struct.ssrc = self.ssrc
        self.struct.feedback_base = -1
        self._agreement = Agreement(self, site.happenings)
        self.sinks, self.seats = self._agreement.sinks, self._agreement.seats
        self._downlink = Downlink()
        self._estimates = Estimates()
        self._allowance = Allowance()
        self._path = Path(site, self, self.struct, self._moved)
        self._ticks = 0
        self._association = Association(
            site.certificate, self._path.send, self._association_changed
        )
        self._association.start(list(offer.fingerprints))
        site.rounds.join(self)

    def answer(self, offer: Offer) -> str:
        """Agree to an offer, the first one or a later one of the same peer connection.

        Raises BadOffer when a later one drops or renames sections.
        """
        agreement = self._agreement
        agreement.agree(offer)
        self.sources = agreement.sources
        self._declare()
        self._path.invite(offer.ufrag)
        return write_answer(offer, self._transport(), agreement.outgoing(offer))

    @property
    def address(self) -> Address | None:
        """Where media for the participant goes, None while nobody knows."""
        return self._path.address

    @property
    def forwarded(self) -> tuple[int, int]:
        """How many packets were sent to the participant, and the bytes of their payloads."""
        sinks = self.sinks.values()
        return sum(each.packets for each in sinks), sum(each.octets for each in sinks)

    def source(self, kind: str) -> Source | None:
        """Give the stream of `kind` that the participant sends, None when there is none."""
        return next((each for each in self.sources if each.kind == kind), None)

    async def close(self) -> None:
        """Stop everything at once and say goodbye to the client."""
        self.detach()
        await self._association.close()
        # What refers back to this would keep the histories until cycles are collected.
        self.sources = ()
        self._agreement.leave()

    def detach(self) -> None:
        """Leave every table, so that nothing arrives any more; nobody is shown this any more."""
        now = time.monotonic()
        self._path.close()
        self._site.ingress.declare(self, ())
        for sink in self.sinks.values():
            sink.bind(None, now)
        for source in self.sources:
            for sink in source.sinks:
                sink.bind(None, now)
            source.leave()
        for sink in self.sinks.values():
            sink.leave()
        self._site.happenings.leave(self.struct.id)
        self._site.rounds.leave(self)

    def tick(self, now: float) -> None:
        """Send what is due; called every 100 ms."""
        self._path.check(now)
        self._ticks += 1
        self._allowance.refill(self._downlink.room, TURNS * PAUSE)
        if self._ticks % _TICKS_PER_ESTIMATE == 0:
            for source in self.sources:
                source.tell_estimate(now)
        if self.connected and self._ticks % _TICKS_PER_REPORT == 0:
            self._send_reports(now)

    def fail(self) -> None:
        """Give up after a fault of our own; the participant comes back with another transport."""
        self._on_end(self)

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram from an authenticated address."""
        if not self._association.receive(datagram):
            self._site.counters.add("dropped_dtls")

    def happened(self, event: Any) -> None:
        """Take RTCP, or send what the compiled part cannot: the line is Python's."""
        kind, start, length, now = event.kind, event.start, event.length, event.arrived / 1_000_000
        if kind == lib.EVENT_CONTROL:
            compound = self._memory[start : start + length].tobytes()
            control.receive(compound, self, self._site.counters, now)
        elif kind == lib.EVENT_UNDECLARED:
            self._learn(start, length, event.arrived)
        elif kind == lib.EVENT_HANDED:
            self._path.post(start, length)

    def consent(self, credentials: Credentials, address: Address, now: float) -> None:
        """Move to `address`, which authenticated STUN nominated."""
        self._path.consent(credentials, address, now)

    def follow(self, address: Address, start: int, length: int, now: float) -> bool:
        """Move to an unknown address if the SRTP or SRTCP from there, in the slab, is authentic.

        The packet is spent on the proof.
        """
        if not self.connected or not lib.plane_proves(self._plane, self.struct, start, length):
            return False
        self._path.follow(address, now)
        return True

    def fall_back(self, address: Address | None) -> None:
        """Go on at another known address, or wait for one: the present path is gone."""
        self._path.fall_back(address)

    def note_round_trip(self, seconds: float) -> None:
        """Learn how long the way to the participant and back takes."""
        self._downlink.note_round_trip(seconds)

    @property
    def round_trip(self) -> float:
        """The seconds that the way to the participant and back takes."""
        return self._downlink.round_trip

    def standing(self, now: float) -> float:
        """Give the seconds that pictures stand in a queue on that way."""
        return self._downlink.standing(now)

    @property
    def queue(self) -> float:
        """The seconds that it takes longer than it did at its best."""
        return self._downlink.queue

    def note_arrivals(self, body: bytes, now: float) -> None:
        """Learn when packets arrived at the participant; senders hear at once of less room."""
        lib.feedback_read(self.struct, body, len(body), self._told)
        if self._downlink.note(self._told, now):
            self._tell_senders(now)

    def note_estimate(self, bits: int, now: float) -> None:
        """Learn what the participant takes its network for, where it tells of no arrivals."""
        if any(each.struct.extension for each in self.sinks.values()):
            return
        self._downlink.room = self._estimates.room(bits, self.forwarded[1], now)
        if self._downlink.room is not None:
            self._tell_senders(now)

    def room_for_a_picture(self) -> int | None:
        """Give the bit/s that each picture shown may take, None when nothing is known."""
        room, shown = self._downlink.room, self._pictures
        return room // shown if shown and room is not None else None

    def try_a_picture(self) -> None:
        """Find out anew whether the participant's network takes more than the voices."""
        self._downlink.try_at_least(self._pictures * MEANWHILE)

    @property
    def _pictures(self) -> int:
        """How many pictures room is kept for."""
        return sum(seat.video.source is not None and seat.video.counts for seat in self.seats)

    def replay(self, sink: Sink, first: int, now: float) -> bool:
        """Show a sink all packets of its source from `first` on; False when one is gone."""
        self._site.endpoint.make_room()
        return bool(lib.sink_replay(self._plane, sink.struct, first, int(now * 1_000_000)))

    def repeat(self, sink: Sink, extended: int, sequence: int, now: float) -> bool | None:
        """Send a packet once more; False when it is not kept, None when too many were repeated."""
        is_picture = sink.kind == "video"
        if not self.connected or not self._allowance.suffices(is_picture=is_picture):
            return None
        self._site.endpoint.make_room()
        at = int(now * 1_000_000)
        sent = bool(lib.sink_repeat(self._plane, sink.struct, extended, sequence, at))
        if sent:
            self._allowance.spend(is_picture=is_picture)
        return sent

    def hurry(self, encoding: Encoding) -> None:
        """Have an encoding's `tick` called every few milliseconds while it is urgent."""
        self._site.rounds.hurry(encoding)

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""
        if self.connected:
            start = self._site.endpoint.place(packet)
            lib.plane_post_rtcp(self._plane, self.struct, start, len(packet))

    def _tell_senders(self, now: float) -> None:
        for seat in self.seats:
            if seat.video.source is not None:
                seat.video.source.tell_estimate(now)

    def _learn(self, start: int, length: int, arrived: int) -> None:
        """Take a decrypted packet for the first of a layer, if it says so."""
        if self._agreement.learn(self._memory[start : start + length].tobytes()):
            self._declare()
        # What came in the same batch is of an SSRC that is known by now.
        lib.plane_admit(self._plane, self.struct, start, length, arrived)

    def _declare(self) -> None:
        """Tell the compiled part which streams are sent, and who is told of their arrival."""
        struct = self.struct
        struct.wide_id = self._agreement.wide_id
        struct.learns = self._agreement.learns
        struct.stream_count = 0
        ssrcs = list(self._agreement.ssrcs())[:_MOST_STREAMS]
        for index, (ssrc, repeats, encoding) in enumerate(ssrcs):
            struct.ssrcs[index], struct.repeats[index] = ssrc, repeats
            struct.streams[index] = encoding.struct
            struct.stream_count = index + 1
        self._site.ingress.declare(self, [ssrc for ssrc, _, _ in ssrcs])

    def _moved(self) -> None:
        self._downlink.moved()
        self._refresh()

    def _association_changed(self) -> None:
        self._refresh()
        if self._association.ended:
            self._on_end(self)

    def _refresh(self) -> None:
        before = self.connected
        self.connected = self._association.connected and self.address is not None
        struct, association = self.struct, self._association
        struct.inward = association.inward if association.inward is not None else ffi.NULL
        struct.outward = association.outward if association.outward is not None else ffi.NULL
        struct.connected = self.connected
        if self.connected and not before:
            now = time.monotonic()
            for sink in self.sinks.values():
                sink.begin(now)

    def _send_reports(self, now: float) -> None:
        blocks = [block for each in self.sources for block in each.reports(now)]
        if blocks:
            self.send_control(rtcp.receiver_report(self.ssrc, blocks))

    def _transport(self) -> Transport:
        newest = self._path.credentials
        return Transport(
            newest.ufrag,
            newest.password,
            self._site.certificate.fingerprint,
            self._site.advertised,
            self._site.endpoint.port,
            self._site.tcp_port,
        )
