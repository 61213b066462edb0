"""Two people on one narrow line: the estimate of it and the choice of sizes, in a model of both."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from signaling.relay.downlink import Downlink
from signaling.relay.layers import ALL_FRAMES, MEANWHILE, Layers
from signaling.relay.plane.library import ffi, lib
from tests.impairment.link import HEADERS, Conditions, Link

RATES = [[60_000, 100_000], [600_000, 1_000_000]]
"""bit/s of a sender: two sizes of two temporal layers."""
FRAMES = 20  # a second
VOICE = 118  # bytes of a packet of sound
OVERHEAD = 40  # bytes of RTP, its extensions and SRTP
LARGEST = 1100  # bytes of a picture in one packet
WIDE = Conditions(delay_ms=25)
MILLISECOND, FEEDBACK, ROUND = 0.001, 0.1, 0.5


@dataclass(eq=False)
class Picture:
    """One sender's picture, as the receiver is shown it."""

    receiver: "Receiver"
    layers: Layers = field(default_factory=Layers)
    layer: int = 1
    temporal: int = ALL_FRAMES
    shown: int | None = 1
    since: float = 0.0
    until: float = 0.0
    briefly: bool = False
    steady: bool = True
    seen: Counter = field(default_factory=Counter)
    """Frames by the second in which they arrive."""

    @property
    def room(self):
        known = self.receiver.downlink.room
        counted = sum(not each.resting or each.briefly for each in self.receiver.pictures)
        return known // counted if counted and known is not None else None

    @property
    def resting(self):
        return self.until > 0

    def rest(self, now, *, briefly):
        self.until = now + (0.6 if briefly else 5.0)
        self.briefly = briefly

    def wake(self, now):
        if now >= self.until:
            self.until = 0.0
            counted = sum(not each.resting or each.briefly for each in self.receiver.pictures)
            self.receiver.downlink.try_at_least(counted * MEANWHILE)

    def size(self, number, now):
        """Give the bytes that are forwarded of a frame; another size begins with a key frame."""
        if self.resting:
            self.shown = None
        if self.resting or self.layer == self.shown:
            self.since = now
        elif now - self.since > self.receiver.key_frame:
            self.shown = self.layer
        upper = number % 2
        if self.shown is None or (upper and self.temporal < ALL_FRAMES):
            return 0
        lower, whole = RATES[self.shown]
        return int((whole - lower if upper else lower) / 8 / (FRAMES / 2))


class Receiver:
    """Somebody who is sent two pictures and two voices over one line.

    `key_frame` is how many seconds a sender takes to give one.
    """

    def __init__(self, key_frame):
        self.key_frame = key_frame
        self.downlink = Downlink()
        self.pictures = [Picture(self), Picture(self)]
        self.line = Link(1, WIDE)
        self.late = 0
        self._leg = ffi.new("struct leg *")
        self._unheard = []
        self._ticks = 0

    def go_on(self, seconds):
        """Let that much time go by, a millisecond at a time."""
        for _ in range(int(seconds / MILLISECOND)):
            self._ticks += 1
            now = self._ticks * MILLISECOND
            if self._every(0.02):
                self._speak(now)
            if self._every(1 / FRAMES):
                for each in self.pictures:
                    self._send(each, each.size(int(now * FRAMES + 0.5), now), now)
            if (self._every(FEEDBACK) and self._tell(now)) or self._every(ROUND):
                for each in self.pictures:
                    each.layers.tell([each], RATES, now)

    def _every(self, seconds):
        return self._ticks % round(seconds / MILLISECOND) == 0

    def _speak(self, now):
        for _ in self.pictures:
            arrivals = self.line.carry(VOICE + HEADERS, now).arrivals
            self.late += not arrivals or arrivals[0] - now > 0.2

    def _send(self, picture, size, now):
        arrivals = []
        while size > 0:
            part = min(size, LARGEST)
            number = lib.feedback_number(self._leg, part, int(now * 1e6))
            [arrival] = self.line.carry(part + OVERHEAD + HEADERS, now).arrivals or [None]
            self._unheard.append((number, arrival))
            arrivals.append(arrival)
            size -= part
        if arrivals and None not in arrivals:
            picture.seen[int(arrivals[-1])] += 1

    def _tell(self, now):
        heard = [each for each in self._unheard if each[1] is not None and each[1] < now]
        if not heard:
            return False
        told = ffi.new("struct told *")
        while self._unheard and self._unheard[0][0] <= heard[-1][0]:
            number, arrival = self._unheard.pop(0)
            micros = -1 if arrival is None else int(arrival * 1e6)
            lib.feedback_learn(self._leg, told, number, micros)
        return self.downlink.note(told, now)


@pytest.mark.parametrize("key_frame", [0.15, 0.5, 1.0])
@pytest.mark.parametrize("kilobits", [250, 300, 400])
def test_two_pictures_and_their_voices_share_a_narrow_line_from_its_third_second(
    kilobits, key_frame
):
    receiver = Receiver(key_frame)
    receiver.go_on(5)

    receiver.line.conditions = Conditions(delay_ms=25, rate_kbit=kilobits)
    receiver.go_on(3)
    late = receiver.late
    receiver.go_on(17)

    for each in receiver.pictures:
        assert min(each.seen[second] for second in range(8, 25)) >= FRAMES // 2 - 1
    assert receiver.late == late


def test_to_try_more_and_fail_costs_two_seconds_of_the_pictures_at_most():
    receiver = Receiver(1.0)
    receiver.go_on(5)

    receiver.line.conditions = Conditions(delay_ms=25, rate_kbit=250)
    receiver.go_on(40)

    for each in receiver.pictures:
        slow = [second for second in range(8, 45) if each.seen[second] < FRAMES // 2 - 1]
        assert len(slow) <= 2


def test_on_a_line_for_the_voices_alone_both_pictures_rest():
    receiver = Receiver(0.15)
    receiver.go_on(5)

    receiver.line.conditions = Conditions(delay_ms=25, rate_kbit=150)
    receiver.go_on(30)

    seen = sum(sum(each.seen[second] for second in range(10, 35)) for each in receiver.pictures)
    assert seen < 0.1 * 2 * 25 * FRAMES
