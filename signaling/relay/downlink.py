"""What one receiver's network takes, from the feedback on the packets sent to it.

Every packet of a picture carries a transport-wide number; the receiver tells when each arrived
(draft-holmer-rmcat-transport-wide-cc-extensions-01). Packets that take longer than they did
before stand in a queue; as long as there is a queue, what arrives is all that the network takes.
The relay knows that within one feedback, some 100 ms, before the queue delays the voice for long.
"""

from collections import deque
from typing import Any

from signaling.relay.plane.library import lib

_FORGETTING = 1.005  # with each report: the best is slowly forgotten, a way may become longer
_KEPT: int = lib.PLANE_LEFT  # packets in a queue
_QUEUE = 0.06  # seconds that even the fastest packet of a feedback took longer: not jitter
_LOSS = 0.45  # beyond what any radio loses: a queue too short to be seen as delay
_LOSS_WINDOW = 1.0  # seconds
_MOST_TELLINGS = 64
_FEW = 40  # packets, below which a share of lost ones says nothing
_MEMORY = 10.0  # seconds after which the shortest delay is looked for anew
_WINDOW = 0.3  # seconds that a rate is taken over
_SHORTEST_SPAN = 20_000  # microseconds of arrivals that make a rate
_HEAP = 2.0  # times what came lately: a device that was busy, not a network
_LONGEST_QUEUE = 4.0  # seconds
_UNKNOWN = 1 << 62
_SHARE = 0.85  # of the network's rate, to be sent (as in draft-ietf-rmcat-gcc-02, section 5.5)
_MOST_DRAIN = 0.35  # of the rate, left free so that the queue empties
_GROWTH = 0.08  # per second (draft-ietf-rmcat-gcc-02, section 5.5)
_PAUSE = 0.3  # seconds that a lower rate needs to show
_USED = 0.7  # of the room; below that it holds nobody back
_RELIEF = 10.0  # seconds for which it must have held nobody back
_LEAST = 30_000  # bit/s
_LEAST_BY_LOSS = 150_000  # bit/s; fewer packets would not be lost less often


class Downlink:
    """One receiver's network.

    `room` in bit/s is None as long as there is no hint of a limit; `round_trip` is in seconds.
    """

    __slots__ = (
        "_calm", "_capacity", "_changed", "_lost", "_octets", "_queued", "_rate", "_sent", "_shortest",
        "_shortest_before", "_shortest_since", "_shortest_trip", "_since", "_tellings", "_unused_since",
        "_widened", "room", "round_trip",
    )  # fmt: skip

    def __init__(self) -> None:
        self.room: int | None = None
        self.round_trip = 0.1
        self._shortest_trip: float | None = None
        self._queued: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # arrival, bytes
        self._octets, self._since, self._rate = 0, 0.0, 0.0
        self._tellings: deque[tuple[float, int, int]] = deque()  # when, of how many, how many lost
        self._sent = self._lost = 0
        self._shortest = self._shortest_before = _UNKNOWN
        self._shortest_since = self._calm = self._widened = 0.0
        self._capacity = 0.0
        self._changed = 0.0
        self._unused_since = 0.0

    def note(self, told: Any, now: float) -> bool:
        """Take what a feedback tells (`struct told`); `now` is in seconds.

        True means that there is less room than there was before.
        """
        if not told.came:
            return False
        self._count(told, now)
        standing = self._standing(told.shortest, now)
        if standing > _QUEUE:
            self._queued.extend(
                zip(told.arrivals[0 : told.came], told.sizes[0 : told.came], strict=True)
            )
            return self._narrow(self._drained(), standing, now)
        self._queued.clear()
        if self._sent >= _FEW and self._lost > _LOSS * self._sent:
            return self._narrow(max(self._rate, _LEAST_BY_LOSS), 0.0, now)
        self._widen(now)
        return False

    def _count(self, told: Any, now: float) -> None:
        """Keep what was lost and what came lately."""
        self._tellings.append((now, told.came + told.lost, told.lost))
        self._sent += told.came + told.lost
        self._lost += told.lost
        while now - self._tellings[0][0] > _LOSS_WINDOW or len(self._tellings) > _MOST_TELLINGS:
            _, sent, lost = self._tellings.popleft()
            self._sent -= sent
            self._lost -= lost
        self._octets += told.octets
        elapsed = now - self._since
        if elapsed >= _WINDOW:
            self._rate = self._octets * 8 / elapsed if elapsed < 2 * _WINDOW else 0.0
            self._since, self._octets = now, 0

    @property
    def queue(self) -> float:
        """The seconds that the way and back take longer than they did at their best."""
        return self.round_trip - (self._shortest_trip or self.round_trip)

    def note_round_trip(self, seconds: float) -> None:
        """Learn how long the way and back take."""
        if self._shortest_trip is None:
            self.round_trip = self._shortest_trip = seconds
        self.round_trip += (seconds - self.round_trip) / 4
        self._shortest_trip = min(seconds, self._shortest_trip * _FORGETTING)

    def moved(self) -> None:
        """Forget how long the way takes: it is another one."""
        self._forget_delay()
        self._shortest_trip = None

    def _forget_delay(self) -> None:
        self._shortest = self._shortest_before = _UNKNOWN

    def _standing(self, delay: int, now: float) -> float:
        """Give the seconds by which a delay is longer than the shortest one lately.

        The shortest is the way without a queue, and the difference of the clocks.
        """
        if now - self._shortest_since > _MEMORY:
            self._shortest_before, self._shortest = self._shortest, delay
            self._shortest_since = now
        self._shortest = min(self._shortest, delay)
        standing = (delay - min(self._shortest, self._shortest_before)) / 1_000_000
        if standing <= _QUEUE:
            self._calm = now
        elif now - self._calm > _LONGEST_QUEUE:
            self._forget_delay()  # no sender is so stubborn: the way itself has become longer
            self._calm = now
        return max(standing, 0.0)

    def _drained(self) -> float:
        """Give the bit/s at which the queue drains, which is what the network takes.

        Only packets that stood in it tell: before, what arrived was what had been sent. After a
        device was merely busy for a moment they come in one heap, and tell of no limit.
        """
        queued = self._queued
        while queued[-1][0] - queued[0][0] > _WINDOW * 1_000_000:
            queued.popleft()
        span = queued[-1][0] - queued[0][0]
        octets = sum(size for _, size in queued) - queued[0][1]
        return octets * 8_000_000 / span if span > _SHORTEST_SPAN else 0.0

    def _narrow(self, rate: float, standing: float, now: float) -> bool:
        if now - self._changed < _PAUSE or not 0 < rate < _HEAP * self._rate:
            return False
        self._capacity = rate
        room = max(int(rate * (_SHARE - min(standing, _MOST_DRAIN))), _LEAST)
        self._changed = self._unused_since = now
        narrower = self.room is None or room < self.room
        self.room = room
        return narrower

    def _widen(self, now: float) -> None:
        if self.room is None:
            return
        elapsed, self._widened = min(now - self._widened, _PAUSE), now
        # Less was left for a while so that the queue could empty; now it is. And what has just
        # come without a queue is no more than the network takes.
        self.room = max(self.room, int(_SHARE * self._capacity), int(self._rate))
        self._capacity = 0.0
        if self._rate > _USED * self.room:
            self.room = int(self.room * (1 + _GROWTH * elapsed))
            self._unused_since = now
        elif now - self._unused_since > _RELIEF:
            self.room = None
