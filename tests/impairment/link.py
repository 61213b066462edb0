"""One direction of a bad network: what becomes of each packet, decided by seed and number alone.

A packet first waits in the queue of the narrowest hop (drop-tail), then may be lost, is delayed,
may be overtaken and may arrive twice. Nothing here knows sockets or a clock: whoever carries the
packets says when each came.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

HEADERS = 28
"""Bytes of IPv4 and UDP headers, which a narrow hop carries besides the datagram."""
_MOST_JITTER = 5.0  # times the mean
_ECHO = 0.001  # seconds from a packet to its duplicate


@dataclass(frozen=True, slots=True)
class Conditions:
    """How one direction is; the default is a network without faults.

    `burst_begins` and `burst_ends` are the chances per packet of the Gilbert-Elliott model to go
    from the good state to the bad one and back, `burst_loss` is the loss in the bad state
    (Hasslinger and Hohlfeld, MMB 2008); `loss` is independent of both. `jitter_ms` is the mean of
    an exponential addition to `delay_ms`; it keeps the order. `reorder` of the packets are held
    `reorder_ms` longer, so that others overtake them. `rate_kbit` 0 is no limit; what would wait
    longer than `queue_ms` in front of it is dropped.
    """

    loss: float = 0.0
    burst_begins: float = 0.0
    burst_ends: float = 1.0
    burst_loss: float = 1.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 30.0
    duplicate: float = 0.0
    rate_kbit: float = 0.0
    queue_ms: float = 300.0

    def with_(self, **changes: float) -> Conditions:
        """Return the same conditions but for `changes`."""
        return replace(self, **changes)


CLEAR = Conditions()


@dataclass(frozen=True, slots=True)
class Fate:
    """When a packet arrives, once for each copy, in seconds; `lost` says why none does."""

    arrivals: tuple[float, ...] = ()
    lost: str = ""


class Link:
    """Decides the fate of one packet after another.

    The same seed, conditions and arrivals give the same fates. Each packet takes the same count
    of random numbers whatever becomes of it, so that a change of one condition does not shift the
    others' draws.
    """

    def __init__(self, seed: int, conditions: Conditions = CLEAR) -> None:
        self.conditions = conditions
        self._random = random.Random(seed)
        self._in_burst = False
        self._free = 0.0  # when the narrow hop has sent everything before
        self._last = 0.0  # latest arrival of a packet that kept its order
        self._blackout = (0.0, 0.0)

    def black_out(self, begin: float, seconds: float) -> None:
        """Lose everything from `begin` on for `seconds`."""
        self._blackout = (begin, begin + seconds)

    def carry(self, size: int, now: float) -> Fate:
        """Take a packet of `size` bytes, headers included, at `now` in seconds."""
        conditions = self.conditions
        state, burst, loss, reorder, duplicate = (self._random.random() for _ in range(5))
        jitter = self._random.expovariate(1.0)
        begin, end = self._blackout
        if begin <= now < end:
            return Fate(lost="blackout")
        sent = self._sent(size, now)
        if sent is None:
            return Fate(lost="queue")
        turn = conditions.burst_ends if self._in_burst else conditions.burst_begins
        if state < turn:
            self._in_burst = not self._in_burst
        if self._in_burst and burst < conditions.burst_loss:
            return Fate(lost="burst")
        if loss < conditions.loss:
            return Fate(lost="loss")
        wait = conditions.delay_ms + conditions.jitter_ms * min(jitter, _MOST_JITTER)
        arrival = sent + wait / 1000
        if reorder < conditions.reorder:
            arrival += conditions.reorder_ms / 1000
        else:
            arrival = self._last = max(arrival, self._last)
        copies = (arrival, arrival + _ECHO) if duplicate < conditions.duplicate else (arrival,)
        return Fate(copies)

    def _sent(self, size: int, now: float) -> float | None:
        """Give when the narrow hop has sent the packet, None when its queue is full."""
        conditions = self.conditions
        if not conditions.rate_kbit:
            self._free = now
            return now
        waiting = max(self._free - now, 0.0)
        if waiting * 1000 > conditions.queue_ms:
            return None
        self._free = now + waiting + size * 8 / (conditions.rate_kbit * 1000)
        return self._free

    def waiting(self, now: float) -> float:
        """Give the seconds that a packet would wait in the queue of the narrow hop."""
        return max(self._free - now, 0.0) if self.conditions.rate_kbit else 0.0

    def black_until(self, now: float) -> float:
        """Give when the present blackout ends; `now` when there is none."""
        begin, end = self._blackout
        return end if begin <= now < end else now
