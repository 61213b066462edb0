"""Packets that a stream misses, and when each is asked for (RFC 4585 section 6.2.1)."""

from collections import deque
from collections.abc import Iterable

from signaling.relay.plane.library import lib

LONGEST_GAP: int = lib.PLANE_LONGEST_GAP
"""Packets; a longer gap is a sender that was away, which a key frame mends and no repeat."""

_TRIES = 6
_PATIENCE = 1.0  # seconds; what comes later is not played any more
_MOST = 256
_SHORTEST_PAUSE = 0.02  # seconds: a repeat must be able to arrive before it is asked for again


class Gaps:
    """Numbers that were skipped, from the moment of the skip until they come or are given up.

    Each is asked for at once, then once per round trip, six times and a second at most.
    `missing` has, by number, since when it is missing, when it was asked for last, how often.
    """

    __slots__ = ("_due", "_late", "missing")

    def __init__(self) -> None:
        self.missing: dict[int, tuple[float, float, int]] = {}
        self._late: deque[int] = deque(maxlen=_MOST)
        self._due = 0.0

    @property
    def next(self) -> float:
        """The moment at which something is to be asked for again."""
        return self._due

    def note(self, numbers: Iterable[int], now: float) -> list[int]:
        """Take numbers that were skipped; give those not known yet, to be asked for now."""
        fresh = [number for number in numbers if number not in self.missing]
        # A stream that misses this many is beyond repair by repeats.
        del fresh[: max(0, len(fresh) + len(self.missing) - _MOST)]
        for number in fresh:
            self.missing[number] = (now, now, 1)
        self._due = min(self._due, now + _SHORTEST_PAUSE)
        return fresh

    def found(self, number: int) -> None:
        """Forget a number that has come."""
        if self.missing.pop(number, None) is not None:
            self._late.append(number)

    def was_missing(self, number: int) -> bool:
        """Tell whether a number came late, of those that did so lately."""
        return number in self._late

    def due(self, now: float, round_trip: float) -> list[int]:
        """Give what is to be asked for again, ascending; `round_trip` in seconds."""
        if now < self._due:
            return []
        pause = max(round_trip, _SHORTEST_PAUSE)
        due = []
        for number, (since, asked, tries) in sorted(self.missing.items()):
            if now - asked < pause:
                continue
            if tries >= _TRIES or now - since > _PATIENCE:
                del self.missing[number]
            else:
                self.missing[number] = (since, now, tries + 1)
                due.append(number)
        earliest = min((asked for _, asked, _ in self.missing.values()), default=now)
        self._due = earliest + pause
        return due
