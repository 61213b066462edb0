"""What a sender is told that its audience can take (draft-alvestrand-rmcat-remb-03)."""

UNBOUND = 20_000_000
"""bit/s that no sender reaches: how a ceiling is taken away."""

_UNUSED = 0.7  # of the ceiling; below that the sender is not held back by it
_RELIEF = 10.0  # seconds for which the ceiling must have been no hindrance


class Ceiling:
    """Holds one sender to the least of its receivers' estimates, once one of them is too little.

    Estimates made by receivers follow what they receive: they are at most one and a half times
    that, and grow slowly. Passed on always, they would slow down every start. They count from
    the moment that one falls below what is sent, until they have long been no hindrance.
    """

    __slots__ = ("_held", "_rate", "_unused_since")

    def __init__(self) -> None:
        self._held = False
        self._rate = 0.0
        self._unused_since = 0.0

    def tell(self, rate: float, least: int | None, now: float) -> int | None:
        """Give the bit/s to tell the sender, None for nothing.

        `rate` is what it sent lately, `least` the smallest estimate of its receivers that is
        known; both in bit/s.
        """
        self._rate = rate if not self._rate else (self._rate + rate) / 2
        if not self._held:
            if least is None or least >= self._rate:
                return None
            self._held = True
            self._unused_since = now
        if least is None:
            self._held = False
            return UNBOUND
        if self._rate > _UNUSED * least:
            self._unused_since = now
        elif now - self._unused_since > _RELIEF:
            self._held = False
            return UNBOUND
        return least
