"""Packets that a stream misses, and when each is asked for (RFC 4585 section 6.2.1)."""

from collections.abc import Iterable

LONGEST_GAP = 256
"""Packets; a longer gap is a sender that was away, which a key frame mends and no repeat."""

_TRIES = 8
_PATIENCE = 1.0  # seconds; what comes later is not played any more
_MOST = 512
_SHORTEST_PAUSE = 0.04  # seconds: a repeat must be able to arrive before it is asked for again


class Gaps:
    """Numbers that were skipped, from the moment of the skip until they come or are given up.

    Each is asked for once per round trip, at most eight times, for at most a second.
    """

    __slots__ = ("_missing",)

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, int, float]] = {}  # since, asked, asked last

    def __bool__(self) -> bool:
        return bool(self._missing)

    def note(self, numbers: Iterable[int], now: float) -> None:
        """Take numbers that were skipped; those known already keep their history."""
        for number in numbers:
            self._missing.setdefault(number, (now, 0, 0.0))
        while len(self._missing) > _MOST:
            del self._missing[next(iter(self._missing))]

    def found(self, number: int) -> None:
        """Forget a number that has come."""
        self._missing.pop(number, None)

    def due(self, now: float, round_trip: float) -> list[int]:
        """Give what is to be asked for now, ascending; `round_trip` in seconds."""
        pause = max(round_trip, _SHORTEST_PAUSE)
        due = []
        for number, (since, asked, last) in sorted(self._missing.items()):
            if asked >= _TRIES or now - since > _PATIENCE:
                del self._missing[number]
            elif not asked or now - last >= pause:
                self._missing[number] = (since, asked + 1, now)
                due.append(number)
        return due
