"""What the relay notes about packets it receives, for its reports to the sender."""

from signaling.relay import rtcp

HISTORY_LENGTH = 512
LONGEST_JUMP = 3000  # RFC 3550 appendix A.1, MAX_DROPOUT
_LONGEST_FEEDBACK = 400  # packets told in one message, so that it fits one datagram


class Reception:
    """Sequence, loss and jitter of one received stream (RFC 3550 sections 6.4.1, A.3, A.8).

    `clock_rate` is in Hz. Sequence numbers are extended beyond 16 bits by counting wraps.
    """

    __slots__ = (
        "_base", "_expected_before", "_received", "_received_before", "_report_arrival",
        "_report_middle", "_transit", "clock_rate", "highest", "jitter",
    )  # fmt: skip

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.highest = -1
        self.jitter = 0.0
        self._base = 0
        self._received = 0
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
            self._received = self._received_before = self._expected_before = 0
            self.highest = extended - 1
            self._transit = now * self.clock_rate - timestamp
        self._received += 1
        if extended > self.highest:
            self.highest = extended
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
        lost = expected - self._received
        interval = expected - self._expected_before
        lost_now = interval - (self._received - self._received_before)
        self._expected_before, self._received_before = expected, self._received
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
    """Arrival times of one transport's packets until the next transport-wide feedback."""

    __slots__ = ("_base", "_count", "_highest", "_times")

    def __init__(self) -> None:
        self._times: dict[int, int] = {}
        self._highest = -1
        self._base = -1
        self._count = 0

    def note(self, number: int, now: float) -> None:
        """Note that the packet with this 16-bit number arrived at `now` (monotonic seconds)."""
        if self._highest < 0:
            extended = number + 0x10000
        else:
            extended = self._highest + ((number - self._highest + 0x8000) & 0xFFFF) - 0x8000
        if self._highest < 0 or abs(extended - self._base) > LONGEST_JUMP:
            self._times.clear()
            self._base = self._highest = extended
        self._highest = max(self._highest, extended)
        if len(self._times) < _LONGEST_FEEDBACK:
            self._times[extended] = int(now * 1_000_000)

    def feedback(self, ssrc: int, media: int) -> bytes | None:
        """Build the feedback on everything since the last one; None when nothing arrived."""
        if not self._times:
            return None
        arrivals = sorted(self._times.items())
        self._times = {}
        # Each report starts where the last one ended, so that losses in between are told.
        if 0 <= self._base < arrivals[0][0] and arrivals[0][0] - self._base < LONGEST_JUMP:
            message = rtcp.transport_wide(ssrc, media, self._count, arrivals, self._base)
        else:
            message = rtcp.transport_wide(ssrc, media, self._count, arrivals, arrivals[0][0])
        self._count = (self._count + 1) & 0xFF
        self._base = self._highest + 1
        return message


class History:
    """The last received packets of one stream, by sequence number: what NACKs are answered from.

    Holds references to datagrams that exist anyway; nothing is copied.
    """

    __slots__ = ("_numbers", "_packets")

    def __init__(self) -> None:
        self._packets: list[bytes] = [b""] * HISTORY_LENGTH
        self._numbers: list[int] = [-1] * HISTORY_LENGTH

    def add(self, extended: int, packet: bytes) -> bool:
        """Keep a packet; False when it was here before or is too old to tell."""
        index = extended % HISTORY_LENGTH
        if self._numbers[index] >= extended:
            return False
        self._numbers[index] = extended
        self._packets[index] = packet
        return True

    def find(self, extended: int) -> bytes | None:
        """Give the packet of this extended number, or None when it is not held."""
        index = extended % HISTORY_LENGTH
        return self._packets[index] if self._numbers[index] == extended else None
