"""The limit of a network, once it was met: how fast one goes back to it, and beyond it."""

_NEARLY = 0.95  # of the limit, as long as it is trusted
_TRUSTED = 8.0  # seconds for which a limit holds, twice as long each time that it is met again
_LONGEST_TRUSTED = 32.0
_ONCE = 2.0  # seconds within which it is met but once
_SAME = 1.25  # times: two limits that are one
_TRYING = 5.0  # seconds of growth that a limit may still end soon
_CAREFUL, _USUAL, _FREE = 0.02, 0.08, 0.25
"""Growth per second, the second as in draft-ietf-rmcat-gcc-02, section 5.5."""


class Limit:
    """What a network was seen to take, in bit/s.

    A line that stays as it is would have a queue every few seconds if its limit were forgotten
    as soon: it is trusted the longer the oftener it was found where it had been.
    """

    __slots__ = ("_bits", "_met", "_trusted")

    def __init__(self) -> None:
        self._bits = 0.0
        self._met = float("-inf")
        self._trusted = _TRUSTED

    def meet(self, bits: float, now: float) -> None:
        """Note that the network takes no more than `bits` a second; `now` in seconds."""
        if now - self._met > _ONCE:
            same = self._bits / _SAME < bits < self._bits * _SAME
            self._trusted = min(2 * self._trusted, _LONGEST_TRUSTED) if same else _TRUSTED
        self._bits, self._met = bits, now

    def refuted_by(self, bits: float) -> bool:
        """Tell whether what came without a queue shows that the network takes more."""
        return bits > _SAME * self._bits

    def grown(self, room: int, elapsed: float, now: float) -> int:
        """Give the room after `elapsed` seconds more without a queue."""
        untrusted = now - self._met - self._trusted
        if untrusted < 0:
            most = max(room, int(_NEARLY * self._bits))
            return min(int(room * (1 + _CAREFUL * elapsed)), most)
        growth = _USUAL if untrusted < _TRYING else _FREE
        return int(room * (1 + growth * elapsed))
