"""Packets that a stream misses, and when each is asked for (RFC 4585 section 6.2.1)."""

from collections.abc import Iterable

LONGEST_GAP = 256
"""Packets; a longer gap is a sender that was away, which a key frame mends and no repeat."""

_TRIES = 4
_PATIENCE = 1.0  # seconds; what comes later is not played any more
_MOST = 256
_SHORTEST_PAUSE = 0.04  # seconds: a repeat must be able to arrive before it is asked for again


class Gaps:
    """Numbers that were skipped, from the moment of the skip until they come or are given up.

    Each is asked for at once, then once per round trip, four times and a second at most.
    """

    __slots__ = ("_due", "_missing")

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, int]] = {}  # since when, how often asked for
        self._due = 0.0

    def __bool__(self) -> bool:
        return bool(self._missing)

    def note(self, numbers: Iterable[int], now: float) -> list[int]:
        """Take numbers that were skipped; give those not known yet, to be asked for now."""
        fresh = [number for number in numbers if number not in self._missing]
        # A stream that misses this many is beyond repair by repeats.
        del fresh[: max(0, len(fresh) + len(self._missing) - _MOST)]
        for number in fresh:
            self._missing[number] = (now, 1)
        return fresh

    def found(self, number: int) -> None:
        """Forget a number that has come."""
        self._missing.pop(number, None)

    def due(self, now: float, round_trip: float) -> list[int]:
        """Give what is to be asked for again, ascending; `round_trip` in seconds."""
        if now < self._due:
            return []
        pause = max(round_trip, _SHORTEST_PAUSE)
        self._due = now + pause
        due = []
        for number, (since, asked) in sorted(self._missing.items()):
            if asked >= _TRIES or now - since > _PATIENCE:
                del self._missing[number]
            elif now - since >= pause:
                self._missing[number] = (since, asked + 1)
                due.append(number)
        return due
