"""A sender of one size and the line to its only receiver: who follows whom, in a model of both."""

import random

import pytest

from signaling.relay.downlink import Downlink
from signaling.relay.layers import ALL_FRAMES, UNBOUND, Layers
from signaling.relay.plane.library import ffi, lib
from tests.impairment.link import HEADERS, Conditions, Link

FRAMES = 20  # a second
MOST = 1_200_000  # bit/s that the camera's picture takes
VOICE, VOICE_BITS = 118, 32_000
OVERHEAD, LARGEST = 40, 1100  # bytes
UPPER = (0, 2, 1, 2)  # temporal layers of four frames, as Chromium's
SHARES = (1.6, 0.7, 0.85)  # of a mean frame, by temporal layer
MILLISECOND, FEEDBACK, ROUND, WAY = 0.001, 0.06, 0.5, 0.025


class Call:
    """A picture on its way; times are in seconds, `sent` has (when, bits) of each frame."""

    def __init__(self, seed):
        self.downlink, self.layers = Downlink(), Layers()
        self.line = Link(1, Conditions(delay_ms=25))
        self.layer, self.temporal, self.steady = 1, ALL_FRAMES, True
        self.resting = False
        self.now = 0.0
        self.sent, self.shown = [], []
        self._target, self._told = MOST, []
        self._random = random.Random(seed)
        self._leg = ffi.new("struct leg *")
        self._unheard, self._ticks = [], 0
        self._busy_until = 0.0

    @property
    def room(self):
        return self.downlink.room

    def rest(self, _now, *, briefly):
        self.resting = not briefly

    def wake(self, _now):
        self.resting = False

    def go_on(self, seconds):
        """Let that much time go by, a millisecond at a time."""
        for _ in range(int(seconds / MILLISECOND)):
            self._ticks += 1
            self.now = self._ticks * MILLISECOND
            if self._every(0.02):
                self.line.carry(VOICE + HEADERS, self.now)
            if self._every(1 / FRAMES):
                self._film()
            if (self._every(FEEDBACK) and self._tell()) or self._every(ROUND):
                self._estimate()
            while self._told and self._told[0][0] <= self.now:
                self._target = min(MOST, self._told.pop(0)[1] - VOICE_BITS)

    def be_busy(self, seconds):
        """Have the receiver take nothing for so long, and then all at once."""
        self._busy_until = self.now + seconds

    def _every(self, seconds):
        return self._ticks % round(seconds / MILLISECOND) == 0

    def _film(self):
        temporal = UPPER[len(self.sent) % 4]
        size = self._target / 8 / FRAMES * SHARES[temporal] * self._random.uniform(0.7, 1.3)
        self.sent.append((self.now, size * 8))
        if self.resting or temporal > self.temporal:
            return
        self.shown.append(self.now)
        while size > 0:
            part = int(min(size, LARGEST)) or 1
            number = lib.feedback_number(self._leg, part, int(self.now * 1e6))
            arrivals = self.line.carry(part + OVERHEAD + HEADERS, self.now).arrivals
            self._unheard.append((number, max(arrivals[0], self._busy_until) if arrivals else None))
            size -= LARGEST

    def _tell(self):
        heard = [each for each in self._unheard if each[1] is not None and each[1] < self.now]
        if not heard:
            return False
        told = ffi.new("struct told *")
        while self._unheard and self._unheard[0][0] <= heard[-1][0]:
            number, arrival = self._unheard.pop(0)
            micros = -1 if arrival is None else int(arrival * 1e6)
            lib.feedback_learn(self._leg, told, number, micros)
        return self.downlink.note(told, self.now)

    def _estimate(self):
        recent = [bits for at, bits in self.sent if at > self.now - 0.5]
        layers = [UPPER[index % 4] for index in range(len(self.sent))][-len(recent) :]
        sums = [
            2 * sum(bits for bits, temporal in zip(recent, layers, strict=True) if temporal <= most)
            for most in range(3)
        ]
        told = self.layers.tell([self], [[], sums], self.now)
        if told is not None:
            self._told.append((self.now + WAY, min(UNBOUND, told)))

    def rates(self, begin):
        """Give the bit/s sent in each half second from a moment on."""
        halves = int((self.now - begin) * 2)
        return [
            2
            * sum(bits for at, bits in self.sent if begin + half / 2 < at <= begin + (half + 1) / 2)
            for half in range(halves)
        ]


@pytest.mark.parametrize("seed", range(8))
def test_a_sender_follows_its_receivers_narrow_line_and_stays_within_it(seed):
    call = Call(seed)
    call.go_on(12)

    call.line.conditions = Conditions(delay_ms=25, rate_kbit=500)
    call.go_on(8)

    rates = call.rates(12)
    assert max(rates[2:]) + VOICE_BITS < 500_000
    assert sum(rates[4:]) / len(rates[4:]) > 280_000


@pytest.mark.parametrize("seed", range(4))
def test_whoever_has_followed_is_shown_with_all_frames(seed):
    call = Call(seed)
    call.go_on(5)

    call.line.conditions = Conditions(delay_ms=25, rate_kbit=500)
    call.go_on(20)

    assert sum(at > 9 for at in call.shown) > 0.85 * sum(at > 9 for at, _ in call.sent)


@pytest.mark.parametrize("seed", range(4))
def test_a_device_that_is_busy_now_and_then_does_not_slow_the_sender_down_for_long(seed):
    call = Call(seed)
    chance = random.Random(seed)
    call.go_on(5)

    for _ in range(15):
        call.be_busy(chance.uniform(0.05, 0.3))
        call.go_on(2)

    rates = call.rates(5)
    assert sum(rates) / len(rates) > 0.8 * MOST
