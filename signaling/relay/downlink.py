"""What one receiver's network takes, from the feedback on the packets sent to it.

Every packet of a picture carries a transport-wide number; the receiver tells when each arrived
(draft-holmer-rmcat-transport-wide-cc-extensions-01). Packets that take longer than they did
before stand in a queue; as long as there is a queue, what arrives is all that the network takes.
The relay knows that within one feedback, some 100 ms, before the queue delays the voice for long.
"""

from collections import deque
from typing import Any

from signaling.relay.limit import Limit
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
_DRAINING = 1.0  # seconds of a queue that tell its rate
_SHORTEST_SPAN = 20_000  # microseconds of arrivals that make a rate
_LATELY = 1.0  # seconds
_HEAP = 2.0  # times what came lately: a device that was busy, not a network
_MERELY_BUSY = 1.5  # times what came before
_LONGEST_QUEUE = 4.0  # seconds
_UNKNOWN = 1 << 62
_SHARE = 0.85  # of the network's rate, to be sent (as in draft-ietf-rmcat-gcc-02, section 5.5)
_MOST_DRAIN = 0.35  # of the rate, left free so that the queue empties
_PLENTY = 3_000_000  # bit/s: more than two pictures of our page
_PAUSE = 0.3  # seconds that a lower rate needs to show
_LEAST = 30_000  # bit/s
_LEAST_BY_LOSS = 150_000  # bit/s; fewer packets would not be lost less often


class Downlink:
    """One receiver's network.

    `room` in bit/s is None as long as there is no hint of a limit; `round_trip` is in seconds.
    """

    __slots__ = (
        "_before", "_calm", "_capacity", "_changed", "_clear", "_limit", "_lost", "_octets", "_queued", "_rate", "_sent",
        "_shortest", "_shortest_before", "_shortest_since", "_shortest_trip", "_since", "_stood",
        "_tellings", "_widened", "room", "round_trip",
    )  # fmt: skip

    def __init__(self) -> None:
        self.room: int | None = None
        self.round_trip = 0.1
        self._shortest_trip: float | None = None
        # Of each packet in a queue: its arrival, the time since the one before, both in
        # microseconds, and its bytes.
        self._queued: deque[tuple[int, int, int]] = deque(maxlen=_KEPT)
        self._octets, self._since, self._rate = 0, 0.0, 0.0
        self._stood = 0.0, 0.0  # seconds in a queue, and when that was told
        self._before: tuple[int | None, float] = (None, 0.0)  # the room and the rate before a queue
        self._clear = True  # whether nothing stood in a queue since `_since`
        self._tellings: deque[tuple[float, int, int]] = deque()  # when, of how many, how many lost
        self._sent = self._lost = 0
        self._shortest = self._shortest_before = _UNKNOWN
        self._shortest_since = self._calm = self._widened = 0.0
        self._capacity = 0.0
        self._changed = 0.0
        self._limit = Limit()

    def note(self, told: Any, now: float) -> bool:
        """Take what a feedback tells (`struct told`); `now` is in seconds.

        True means that senders are to hear of it at once.
        """
        if not told.came:
            return False
        before = self._rate
        self._count(told, now)
        standing = self._stand(told.shortest, now)
        self._stood = standing, now
        if standing > _QUEUE:
            if not self._queued:
                self._before = self.room, max(before, self._rate)
            self._clear = False
            self._queue_up(told)
            return self._narrow(self._drained(), standing, now)
        if self._queued and self._was_busy(told):
            return True
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
            self._since, self._octets, self._clear = now, 0, True

    def standing(self, now: float) -> float:
        """Give the seconds that pictures stand in a queue, 0 when none came lately."""
        seconds, told = self._stood
        return seconds if now - told < _LATELY else 0.0

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

    def try_at_least(self, bits: int) -> None:
        """Have room for that many bit/s again, and grow from there as the network allows."""
        if self.room is not None:
            self.room = max(self.room, bits)

    def moved(self) -> None:
        """Forget how long the way takes: it is another one."""
        self._forget_delay()
        self._shortest_trip = None

    def _forget_delay(self) -> None:
        self._shortest = self._shortest_before = _UNKNOWN

    def _stand(self, delay: int, now: float) -> float:
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

    def _queue_up(self, told: Any) -> None:
        """Keep what stood in a queue: what was on its way already when the one before arrived.

        The time since then is what the network took for it. Before, what arrived was what had been
        sent: pictures that come late because a device was busy tell of no limit.
        """
        base = min(self._shortest, self._shortest_before)
        queued, before = self._queued, self._queued[-1][0] if self._queued else None
        delays, sizes = told.delays[0 : told.came], told.sizes[0 : told.came]
        arrivals = told.arrivals[0 : told.came]
        for arrival, delay, size in zip(arrivals, delays, sizes, strict=True):
            since = arrival - before if before is not None else -1
            before = arrival
            waited = 0 <= since <= delay - base
            queued.append((arrival, since if waited else 0, size if waited else 0))

    def _drained(self) -> float:
        """Give the bit/s at which the queue drains, which is what the network takes.

        After a device was merely busy for a moment packets come in one heap, and tell of no limit.
        """
        queued = self._queued
        while queued[-1][0] - queued[0][0] > _DRAINING * 1_000_000:
            queued.popleft()
        span = sum(since for _, since, _ in queued)
        octets = sum(size for _, _, size in queued)
        return octets * 8_000_000 / span if span > _SHORTEST_SPAN else 0.0

    def _was_busy(self, told: Any) -> bool:
        """Undo what was taken for a limit when more came out of the queue than had been sent.

        A device that is busy for a moment lets some through, and the rest in one heap.
        """
        self._queue_up(told)
        drained = self._drained()
        self._queued.clear()
        room, rate = self._before
        if not self._capacity or drained < _MERELY_BUSY * rate:
            return False
        self._capacity = 0.0
        self.room = room
        return True

    def _narrow(self, rate: float, standing: float, now: float) -> bool:
        if not 0 < rate < _HEAP * self._rate:
            return False
        self._capacity = rate
        if now - self._changed < _PAUSE:
            return False
        room = max(int(rate * (_SHARE - min(standing, _MOST_DRAIN))), _LEAST)
        self._changed = now
        narrower = self.room is None or room < self.room
        self.room = room
        return narrower

    def _widen(self, now: float) -> None:
        if self.room is None:
            return
        elapsed, self._widened = min(now - self._widened, _PAUSE), now
        if self._capacity:
            # Less was left for a while so that the queue could empty; now it is.
            self._limit.meet(self._capacity, now)
            self.room = max(self.room, int(_SHARE * self._capacity))
            self._capacity = 0.0
        if self._clear and self._limit.refuted_by(self._rate):
            self.room = max(self.room, int(self._rate))
        self.room = self._limit.grown(self.room, elapsed, now)
        if self.room > _PLENTY:
            self.room = None
