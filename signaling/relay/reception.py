"""What the relay notes about packets it receives, for its reports to the sender."""

from collections.abc import Iterable

from signaling.relay import rtcp

HISTORY_LENGTH = 128
"""Packets: 0.85 s of 1.2 Mbit/s. What a receiver asks for later than that would not be shown."""
LONGEST_JUMP = 3000  # RFC 3550 appendix A.1, MAX_DROPOUT
_LONGEST_FEEDBACK = 400  # packets told in one message, so that it fits one datagram


class Reception:
    """Sequence, loss and jitter of one received stream (RFC 3550 sections 6.4.1, A.3, A.8).

    `clock_rate` is in Hz. Sequence numbers are extended beyond 16 bits by counting wraps.
    """

    __slots__ = (
        "_base", "_expected_before", "_received_before", "_report_arrival", "_report_middle",
        "_transit", "clock_rate", "highest", "jitter", "received", "timestamp",
    )  # fmt: skip

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.highest = -1
        self.jitter = 0.0
        self.received = 0
        self.timestamp = -1
        self._base = 0
        self._received_before = 0
        self._expected_before = 0
        self._transit = 0.0
        self._report_middle = 0
        self._report_arrival = 0.0

    def extend(self, sequence: int) -> int:
        """Give the extended number of a 16-bit sequence number nearest to the highest so far."""
        if self.highest < 0:
            return sequence + 0x10000  # leaves room for packets that overtook the first
        distance = ((sequence - self.highest + 0x8000) & 0xFFFF) - 0x8000
        # Far behind means the sender started anew; counting on keeps every number unique.
        return self.highest + (distance + 0x10000 if distance < -LONGEST_JUMP else distance)

    def note(self, extended: int, timestamp: int, now: float) -> None:
        """Count a packet that arrived at `now` (monotonic seconds)."""
        if self.highest < 0 or abs(extended - self.highest) > LONGEST_JUMP:
            self._base = extended
            self.received = self._received_before = self._expected_before = 0
            self.highest = extended - 1
            self._transit = now * self.clock_rate - timestamp
        self.received += 1
        if extended > self.highest:
            self.highest = extended
            if timestamp != self.timestamp:
                self.note_timestamp(timestamp, now)

    def note_timestamp(self, timestamp: int, now: float) -> None:
        """Take the first packet of a picture into the jitter.

        The others of the picture carry the same timestamp, so that their spacing is the sender's
        and says nothing of the network.
        """
        self.timestamp = timestamp
        transit = now * self.clock_rate - timestamp
        difference = abs(transit - self._transit)
        self._transit = transit
        # A jump beyond a second is the sender's clock starting anew, not the network.
        if difference < self.clock_rate:
            self.jitter += (difference - self.jitter) / 16

    def note_sender_report(self, ntp: tuple[int, int], now: float) -> None:
        """Remember a sender report so that the next block echoes it for the round trip time."""
        self._report_middle = (ntp[0] & 0xFFFF) << 16 | ntp[1] >> 16
        self._report_arrival = now

    def report(self, ssrc: int, now: float) -> bytes:
        """Build the report block on stream `ssrc` and begin the next interval."""
        expected = self.highest - self._base + 1
        lost = expected - self.received
        interval = expected - self._expected_before
        lost_now = interval - (self.received - self._received_before)
        self._expected_before, self._received_before = expected, self.received
        fraction = min(255, lost_now * 256 // interval) if interval > 0 and lost_now > 0 else 0
        age = int((now - self._report_arrival) * 65536) if self._report_middle else 0
        return rtcp.report_block(
            ssrc,
            (fraction, lost),
            self.highest,
            min(int(self.jitter), 0xFFFFFFFF),
            (self._report_middle, min(age, 0xFFFFFFFF)),
        )


class Arrivals:
    """Arrival times of one transport's packets until the next transport-wide feedback.

    `numbers` and `times` take the 16-bit number and the arrival in monotonic microseconds of
    each packet; everything else is done for all of them when the feedback is due.
    """

    __slots__ = ("_base", "_count", "numbers", "times")

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.times: list[int] = []
        self._base = -1
        self._count = 0

    def feedback(self, ssrc: int, media: int) -> bytes | None:
        """Build the feedback on everything since the last one; None when nothing arrived."""
        numbers, times = self.numbers, self.times
        if not numbers:
            return None
        self.numbers, self.times = [], []
        del numbers[_LONGEST_FEEDBACK:], times[_LONGEST_FEEDBACK:]
        base = self._base if self._base >= 0 else numbers[0] + 0x10000
        message = None
        count, self._count = self._count, (self._count + 1) & 0xFF
        first = base & 0xFFFF
        if numbers == list(range(first, first + len(numbers))):
            # All came and in order, as nearly always.
            self._base = base + len(numbers)
            message = rtcp.transport_wide_unbroken(ssrc, media, count, times, base)
        return message or self._broken(ssrc, media, count, base, zip(numbers, times, strict=True))

    def _broken(
        self, ssrc: int, media: int, count: int, expected: int, log: Iterable[tuple[int, int]]
    ) -> bytes:
        arrivals: dict[int, int] = {}
        base = expected
        for number, arrived in log:
            expected += ((number - expected + 0x8000) & 0xFFFF) - 0x8000
            arrivals.setdefault(expected, arrived)
            expected += 1
        ascending = sorted(arrivals.items())
        # Each report starts where the last one ended, so that losses in between are told.
        base = min(base, ascending[0][0])
        if base < 0 or ascending[-1][0] - base > LONGEST_JUMP:
            ascending = ascending[-1:]
            base = ascending[0][0]
        self._base = ascending[-1][0] + 1
        return rtcp.transport_wide(ssrc, media, count, ascending, base)


class History:
    """The last received packets of one stream, by sequence number: what NACKs are answered from."""

    __slots__ = ("numbers", "packets")

    def __init__(self) -> None:
        self.packets: list[bytes] = [b""] * HISTORY_LENGTH
        self.numbers: list[int] = [-1] * HISTORY_LENGTH

    def is_new(self, extended: int) -> bool:
        """Tell whether a packet was not here before and is not too old to tell."""
        return self.numbers[extended % HISTORY_LENGTH] < extended

    def add(self, extended: int, packet: bytes) -> None:
        """Keep a packet in place of the one that is `HISTORY_LENGTH` older."""
        index = extended % HISTORY_LENGTH
        self.numbers[index] = extended
        self.packets[index] = packet

    def find(self, extended: int) -> bytes | None:
        """Give the packet of this extended number, or None when it is not held."""
        index = extended % HISTORY_LENGTH
        return self.packets[index] if self.numbers[index] == extended else None
