"""Earlier frames go beside a voice where packets get lost, unless the line is too narrow for them."""

import pytest

from signaling.relay.redundancy import Redundancy
from tests.impairment.link import HEADERS, Conditions, Link

FRAME, AROUND = 80, 40  # bytes of Opus, and of RTP, its extensions and SRTP
INTERVAL = 0.02  # seconds
CLEAR = Conditions(delay_ms=25)


class Voice:
    """One voice on its way to one receiver, who reports every second."""

    def __init__(self):
        self.redundancy = Redundancy()
        self.line = Link(1, CLEAR)
        self.lost, self.frames, self.delays = [], [], []
        self._sent = 0
        self._trip = 0.05

    def go_on(self, seconds):
        """Speak for that long; keep what share was lost and how many frames went with each."""
        for _ in range(seconds):
            lost = [self._packet() for _ in range(50)].count(True)
            self.lost.append(lost / 50)
            waiting = self.line.waiting(self._sent * INTERVAL)
            self._trip += (0.05 + waiting - self._trip) / 4
            self.delays.append(waiting)
            now = self._sent * INTERVAL
            self.frames.append(self.redundancy.note(lost * 256 // 50, self._trip - 0.05, now))

    def _packet(self):
        self._sent += 1
        size = (1 + self.redundancy.frames) * FRAME + AROUND + HEADERS
        return not self.line.carry(size, self._sent * INTERVAL).arrivals


@pytest.mark.parametrize("kilobits", [65, 80, 100, 120])
@pytest.mark.parametrize("queue", [200, 300, 1000])
def test_a_narrow_line_is_left_to_the_voice_alone(kilobits, queue):
    voice = Voice()
    voice.line.conditions = Conditions(delay_ms=25, rate_kbit=kilobits, queue_ms=queue, loss=0.12)
    voice.go_on(5)

    voice.line.conditions = Conditions(delay_ms=25, rate_kbit=kilobits, queue_ms=queue)
    voice.go_on(60)

    assert voice.lost[-30:] == [0.0] * 30
    assert max(voice.delays[-30:]) < 0.1


@pytest.mark.parametrize("loss", [0.12, 0.2, 0.3])
def test_what_a_radio_loses_is_always_sent_again_beside_the_next(loss):
    voice = Voice()
    voice.line.conditions = Conditions(delay_ms=25, loss=loss)

    voice.go_on(120)

    assert voice.frames[3:] == [2] * 117


def test_a_voice_that_has_long_arrived_whole_goes_alone():
    voice = Voice()
    voice.line.conditions = Conditions(delay_ms=25, loss=0.2)
    voice.go_on(10)

    voice.line.conditions = CLEAR
    voice.go_on(12)

    assert voice.frames[8] == 2
    assert voice.frames[-1] == 0


def test_a_line_that_keeps_losing_and_is_too_narrow_is_tried_ever_more_rarely():
    voice = Voice()
    voice.line.conditions = Conditions(delay_ms=25, rate_kbit=80, loss=0.12)

    voice.go_on(600)

    assert sum(frames > 0 for frames in voice.frames) < 0.1 * 600
