"""What may be repeated: no packet that is still under way, and no more than there is room for."""

_AT_ONCE = 400.0  # packets
_SHARE = 0.5  # of the room, so that they do not fill the queue again that they were lost in
_PACKET = 9600  # bits
_MOST = 256  # packets, as many as are kept
_SURELY = 0.8  # of a round trip, which varies


class Repeats:
    """When each packet was sent again last.

    A receiver asks again by the round trip that it knows. When a queue makes it longer, the same
    packet would be put into that queue several times, and would keep it full.
    """

    __slots__ = ("_sent",)

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}

    def may(self, number: int, trip: float, now: float) -> bool:
        """Note that a packet is repeated; False when it was less than a round trip ago.

        `trip` is that round trip, in seconds.
        """
        last = self._sent.get(number)
        if last is not None and now - last < _SURELY * trip:
            return False
        self._sent.pop(number, None)
        self._sent[number] = now
        if len(self._sent) > _MOST:
            del self._sent[next(iter(self._sent))]
        return True


class Allowance:
    """How many packets may be repeated to one receiver for now.

    Pictures are repeated within the room that there is for them; voices are small.
    """

    __slots__ = ("_all", "_pictures")

    def __init__(self) -> None:
        self._all = self._pictures = _AT_ONCE

    def refill(self, room: int | None, seconds: float) -> None:
        """Allow what `room` in bit/s, None when no limit is known, has place for in some time."""
        self._all = _AT_ONCE
        if room is None:
            self._pictures = _AT_ONCE
        else:
            self._pictures = min(self._pictures, 1.0) + _SHARE * room * seconds / _PACKET

    def suffices(self, *, is_picture: bool) -> bool:
        """Tell whether one more may be repeated."""
        return self._all > 0 and (not is_picture or self._pictures > 0)

    def spend(self, *, is_picture: bool) -> None:
        """Note that one was."""
        self._all -= 1
        if is_picture:
            self._pictures -= 1
