"""How many earlier frames go beside each frame of a voice, for one receiver (RED, RFC 2198)."""

from collections import deque

_WINDOW = 100  # packets: two seconds of a voice
_FEWEST = 50  # packets, of which a share says something
_SOME_LOSS = 8  # in 1/256: 3 %
MUCH_LOSS = 26
"""In 1/256: 10 %."""
_WELL = 10.0  # seconds
QUEUE = 0.12
"""Seconds that the way takes longer: more than jitter."""
_TRIAL = 5.0  # seconds in which it shows that the line does not take more
_WORSE = 96  # in 1/256: 38 %
_PAUSE = 20.0  # seconds
_LONGEST_PAUSE = 160.0


class Requests:
    """What share of a voice a receiver asked for again lately.

    Its reports do not tell: what was repeated in time is not lost to them.
    """

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers: deque[int] = deque(maxlen=_WINDOW)

    def note(self, number: int) -> bool:
        """Take the number of a packet that was asked for; False when it has been before."""
        if number in self._numbers:
            return False
        self._numbers.append(number)
        return True

    def share(self, lowest: int, highest: int) -> int:
        """Give the share in 1/256, when `lowest` to `highest` have been sent."""
        window = min(_WINDOW, highest - lowest + 1)
        asked = sum(number > highest - window for number in self._numbers)
        return min(255, asked * 256 // max(window, _FEWEST))


class Redundancy:
    """More where packets get lost, none where they get lost for want of room.

    Earlier frames double or treble a voice. Where the line does not take that, they stand in its
    queue and lose more than they bring back, for as long as they are sent: then there are none
    for 20 s, longer each time.
    """

    __slots__ = ("_before", "_more_since", "_none_until", "_pause", "_well_since", "frames")

    def __init__(self) -> None:
        self.frames = 0
        """How many; 0 to 2."""
        self._before = 0
        self._more_since = self._none_until = self._well_since = float("-inf")
        self._pause = _PAUSE

    def note(self, lost: int, queue: float, now: float) -> int:
        """Learn of the share that got lost lately, in 1/256, and of the way's delay; give `frames`.

        `queue` is how many seconds more than the least it takes to the receiver and back.
        """
        if self.frames and (queue > QUEUE or self._made_worse(lost, now)):
            self.frames, self._none_until = 0, now + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        if lost >= _SOME_LOSS:
            self._well_since = now
            wanted = 1 if lost < MUCH_LOSS else 2
            if wanted > self.frames and now >= self._none_until and queue <= QUEUE:
                self.frames, self._before, self._more_since = wanted, lost, now
        elif now - self._well_since > _WELL:
            self.frames = 0
        return self.frames

    def _made_worse(self, lost: int, now: float) -> bool:
        return now - self._more_since < _TRIAL and lost >= max(2 * self._before, _WORSE)
