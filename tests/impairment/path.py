"""One participant's path to the relay: two links, their journal, and what is under way."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from tests.impairment.journal import DIRECTIONS, Journal, links
from tests.impairment.link import Conditions, Fate


@dataclass(slots=True)
class Count:
    """What one direction has carried."""

    packets: int = 0
    lost: int = 0
    octets: int = 0
    """Bytes that arrive at the other end."""


class Path:
    """Carries packets by calling something when they arrive; the clock is an argument."""

    def __init__(self, seed: int, journal: Journal) -> None:
        self.links = links(seed)
        self.counts = {each: Count() for each in DIRECTIONS}
        self._journal = journal
        self._under_way: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def change(self, direction: str, conditions: Conditions, now: float) -> None:
        """Put other conditions in force; what is under way arrives as it would have."""
        self._journal.change(direction, now, conditions)
        self.links[direction].conditions = conditions

    def black_out(self, direction: str, seconds: float, now: float) -> None:
        """Lose everything from now on for `seconds`."""
        self._journal.blackout(direction, now, seconds)
        self.links[direction].black_out(now, seconds)

    def carry(self, direction: str, size: int, now: float, arrive: Callable[[], None]) -> Fate:
        """Take a packet of `size` bytes, headers included; `arrive` is called for each copy."""
        fate = self.links[direction].carry(size, now)
        self._journal.packet(direction, now, size, fate)
        count = self.counts[direction]
        count.packets += 1
        if fate.lost:
            count.lost += 1
        for arrival in fate.arrivals:
            count.octets += size
            self.at(arrival, arrive)
        return fate

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Have something done at a moment."""
        heapq.heappush(self._under_way, (moment, next(self._order), act))

    def next_arrival(self) -> float | None:
        """Give when something arrives next."""
        return self._under_way[0][0] if self._under_way else None

    def deliver(self, now: float) -> None:
        """Let everything arrive that is due."""
        while self._under_way and self._under_way[0][0] <= now:
            heapq.heappop(self._under_way)[2]()
