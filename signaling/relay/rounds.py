"""When each participant's regular work is due: spread evenly, so that nobody's packets wait."""

from collections.abc import Callable
from typing import Any, Protocol

import structlog

from signaling.relay.plane.library import ffi, lib
from signaling.relay.slab import Slab

_log = structlog.get_logger(__name__)

TURNS = 10
"""Turns of a round, in each of which a tenth of all has its turn."""
PAUSE = 0.01  # seconds
"""From one turn to the next."""


class Regular(Protocol):
    """A participant's transport."""

    struct: Any

    def tick(self, now: float) -> None:
        """Do what is due."""

    def fail(self) -> None:
        """Give up."""


class Pressing(Protocol):
    """Something that waits, but not for a whole round."""

    @property
    def urgent(self) -> bool:
        """Whether it still does."""

    def tick(self, now: float) -> None:
        """Do what is due."""


class Rounds:
    """Everyone has a turn every `TURNS * PAUSE` seconds: 100 ms, the interval of feedback.

    Feedback on arrivals (transport-wide) is written by the compiled part; `flush` makes room when
    there is too little for what it writes.
    """

    def __init__(self, slab: Slab, flush: Callable[[], None]) -> None:
        self._plane = slab.plane
        self._flush = flush
        self._members: list[list[Regular]] = [[] for _ in range(TURNS)]
        self._structs: list[Any] = [ffi.new("struct leg *[]", 0) for _ in range(TURNS)]
        self._pressing: dict[Pressing, None] = {}
        self._turn = 0

    def join(self, member: Regular) -> None:
        """Have a turn in each round."""
        smallest = min(range(TURNS), key=lambda turn: len(self._members[turn]))
        self._set(smallest, [*self._members[smallest], member])

    def leave(self, member: Regular) -> None:
        """Have none any more."""
        for turn, members in enumerate(self._members):
            if member in members:
                self._set(turn, [each for each in members if each is not member])

    def hurry(self, pressing: Pressing) -> None:
        """Have something's `tick` called every turn while it is urgent."""
        self._pressing[pressing] = None

    def turn(self, now: float) -> None:
        """Give the next tenth its turn."""
        self._turn = (self._turn + 1) % TURNS
        for each in tuple(self._pressing):
            each.tick(now)
            if not each.urgent:
                del self._pressing[each]
        for member in tuple(self._members[self._turn]):
            try:
                member.tick(now)
            except Exception:  # noqa: BLE001  (one's fault is not to end everybody's regular work)
                _log.exception("a transport failed")
                self.leave(member)
                member.fail()
        structs, done = self._structs[self._turn], 0
        while done < len(structs):
            done += lib.plane_feedback(self._plane, structs + done, len(structs) - done)
            self._flush()

    def _set(self, turn: int, members: list[Regular]) -> None:
        self._members[turn] = members
        self._structs[turn] = ffi.new("struct leg *[]", [each.struct for each in members])
