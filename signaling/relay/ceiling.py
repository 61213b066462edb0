"""What a sender is told that its audience can take, and who of the audience must do without."""

from collections.abc import Sequence
from typing import Protocol

UNBOUND = 20_000_000
"""bit/s that no sender reaches: how a ceiling is taken away."""
TOO_LITTLE = 60_000
"""bit/s that no picture is worth: the voice has them."""

_MEANWHILE = 150_000  # bit/s sent while nobody is shown it, to be shown well when they are again
_LEFT_BEHIND = 0.5  # of what the others take: a larger audience does not wait for one


class Viewer(Protocol):
    """A stream in which one receiver is shown the sender."""

    @property
    def room(self) -> int | None:
        """The bit/s that the receiver has for it, None when nothing is known."""

    @property
    def resting(self) -> bool:
        """Whether nothing is forwarded to it for now."""

    @property
    def steady(self) -> bool:
        """Whether it has not rested lately, so that no known limit means that there is none."""

    def rest(self, now: float) -> None:
        """Forward nothing for a while."""

    def wake(self, now: float) -> None:
        """Forward again if it has rested long enough."""


class Ceiling:
    """Holds one sender to what its audience can take.

    A single receiver decides alone. Of several, one that can take less than half of what the
    next can, or than what is sent now, does without the picture for a while, so that the others
    keep theirs; its voice goes on.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = False

    def tell(self, audience: Sequence[Viewer], rate: float, now: float) -> int | None:
        """Give the bit/s to tell the sender (REMB), None for nothing; `rate` is what it sends.

        Lets those rest who have too little room, and wakes those who have rested.
        """
        for each in audience:
            if each.resting:
                each.wake(now)
        awake = [each for each in audience if not each.resting]
        rooms = [UNBOUND if each.room is None else each.room for each in awake]
        steady = [room for each, room in zip(awake, rooms, strict=True) if each.steady]
        most = min(max(steady, default=0), max(rate, 2 * TOO_LITTLE))
        for each, room in zip(awake, rooms, strict=True):
            if room < TOO_LITTLE or (len(audience) > 1 and room < _LEFT_BEHIND * most):
                each.rest(now)
        least = min((room for each, room in zip(awake, rooms, strict=True) if not each.resting),
                    default=_MEANWHILE if audience else UNBOUND)  # fmt: skip
        if least < UNBOUND:
            self._held = True
            return least
        if self._held:
            self._held = False
            return UNBOUND
        return None
