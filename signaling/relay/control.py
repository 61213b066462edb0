"""Acts on the RTCP a participant sends: reports about its streams, wishes about what it sees."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from signaling.relay import rtcp
from signaling.relay.counters import Counters
from signaling.relay.sink import Sink
from signaling.relay.source import Source


class Streams(Protocol):
    """The participant's streams by SSRC, and what is known of its network."""

    def note_round_trip(self, seconds: float) -> None:
        """Learn how long the way to the participant and back takes."""

    def note_arrivals(self, body: bytes, now: float) -> None:
        """Learn when packets arrived at the participant, from transport-wide feedback."""

    def note_estimate(self, bits: int, now: float) -> None:
        """Learn what the participant takes its network for, from REMB."""

    @property
    def sources(self) -> Sequence[Source]:
        """What the participant sends."""

    @property
    def sinks(self) -> Mapping[int, Sink]:
        """Streams the participant receives."""


def receive(compound: bytes, streams: Streams, counters: Counters, now: float) -> None:
    """Go through a decrypted RTCP datagram; what is not understood is skipped (RFC 3550, 6.1)."""
    for kind, form, body in rtcp.blocks(compound):
        if kind == rtcp.SENDER_REPORT and len(body) >= 24:
            ssrc, seconds, fraction, timestamp, _, _ = rtcp.SENDER_INFO.unpack_from(body)
            for source in streams.sources:
                source.note_sender_report(ssrc, (seconds, fraction), timestamp, now)
            _reported(body, 24, form, streams, now)
        elif kind == rtcp.RECEIVER_REPORT:
            _reported(body, 4, form, streams, now)
        elif kind == rtcp.TRANSPORT_FEEDBACK and form == rtcp.NACK and len(body) >= 12:
            sink = streams.sinks.get(int.from_bytes(body[4:8], "big"))
            if sink is not None:
                repeated = sink.repeat(list(rtcp.nacked(body)), now)
                counters.add("packets_repeated", repeated)
        elif kind == rtcp.TRANSPORT_FEEDBACK and form == rtcp.TRANSPORT_WIDE:
            streams.note_arrivals(body, now)
        elif kind == rtcp.PAYLOAD_FEEDBACK and len(body) >= 8:
            _payload_feedback(form, body, streams, now)


def _reported(body: bytes, start: int, count: int, streams: Streams, now: float) -> None:
    for ssrc, lost, middle, age in rtcp.reported(body, start, count):
        sink = streams.sinks.get(ssrc)
        if sink is None:
            continue
        sink.note_loss(lost, now)
        round_trip = sink.round_trip(middle, age / 65536, now)
        if round_trip is not None:
            streams.note_round_trip(round_trip)


def _payload_feedback(form: int, body: bytes, streams: Streams, now: float) -> None:
    if form == rtcp.PICTURE_LOSS:
        wished = [int.from_bytes(body[4:8], "big")]
    elif form == rtcp.FULL_INTRA_REQUEST:
        wished = list(rtcp.intra_requested(body))
    else:
        told = rtcp.estimated(body) if form == rtcp.APPLICATION_LAYER else None
        if told is not None:
            streams.note_estimate(told, now)
        return
    for ssrc in wished:
        sink = streams.sinks.get(ssrc)
        if sink is not None and sink.encoding is not None:
            sink.encoding.request_key_frame(now)
