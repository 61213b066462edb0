"""A receiver's own word on what its network takes (REMB), where it does not tell of arrivals."""

_TOO_MUCH = 0.95  # of what is sent: who takes less than that for their network has a queue in it
_HOLD = 20.0  # seconds that its word is a limit after that
_SHORTEST = 0.2  # seconds that a rate is taken over


class Estimates:
    """What one receiver has told, held against what was sent to it.

    Where nothing holds a picture back, a receiver's word follows what comes, at first exactly
    that, later up to half as much again (AimdRateControl of libwebrtc). It says something of the
    network when it is less, which it becomes when packets queue, and for a while after that.
    """

    __slots__ = ("_octets", "_rate", "_since", "_until")

    def __init__(self) -> None:
        self._octets = 0
        self._since: float | None = None
        self._rate = 0.0
        self._until = float("-inf")

    def room(self, bits: int, octets: int, now: float) -> int | None:
        """Give the bit/s there is room for, None where nothing is known to hold it back.

        `bits` is what the receiver told, `octets` all that was sent to it so far, `now` in seconds.
        """
        if self._since is None:
            self._since, self._octets = now, octets
        elapsed = now - self._since
        if elapsed >= _SHORTEST:
            self._rate = (octets - self._octets) * 8 / elapsed
            self._since, self._octets = now, octets
        if bits < _TOO_MUCH * self._rate:
            self._until = now + _HOLD
        return bits if now < self._until else None
