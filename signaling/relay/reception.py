"""What the relay reports of a stream to its sender; `receive.c` counts what arrives."""

from typing import Any

from signaling.relay import rtcp


class Reception:
    """Sequence, loss and jitter of one received stream (RFC 3550 sections 6.4.1, A.3, A.8).

    `stream` is the stream as the compiled part sees it (`struct stream`). Sequence numbers are
    extended beyond 16 bits by counting wraps.
    """

    __slots__ = ("_report_arrival", "_report_middle", "_stream")

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._report_middle = 0
        self._report_arrival = 0.0

    @property
    def highest(self) -> int:
        """The highest extended number so far, -1 before the first packet."""
        return int(self._stream.highest)

    @property
    def received(self) -> int:
        """How many packets came."""
        return int(self._stream.received)

    @property
    def jitter(self) -> float:
        """Interarrival jitter in ticks of the stream's clock."""
        return float(self._stream.jitter)

    def note_sender_report(self, ntp: tuple[int, int], now: float) -> None:
        """Remember a sender report so that the next block echoes it for the round trip time."""
        self._report_middle = (ntp[0] & 0xFFFF) << 16 | ntp[1] >> 16
        self._report_arrival = now

    def report(self, ssrc: int, now: float) -> bytes:
        """Build the report block on stream `ssrc` and begin the next interval."""
        stream = self._stream
        expected = stream.highest - stream.base + 1
        lost = expected - stream.received
        interval = expected - stream.expected_before
        lost_now = interval - (stream.received - stream.received_before)
        stream.expected_before, stream.received_before = expected, stream.received
        fraction = min(255, lost_now * 256 // interval) if interval > 0 and lost_now > 0 else 0
        age = int((now - self._report_arrival) * 65536) if self._report_middle else 0
        return rtcp.report_block(
            ssrc,
            (fraction, lost),
            stream.highest,
            min(int(stream.jitter), 0xFFFFFFFF),
            (self._report_middle, min(age, 0xFFFFFFFF)),
        )
