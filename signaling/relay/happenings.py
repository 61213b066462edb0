"""What the compiled part tells Python of, and who acts on it."""

from collections.abc import Callable
from typing import Any

from signaling.relay.slab import Slab

Act = Callable[[Any], None]
"""Takes a `struct event`; its fields are to be read before anything else happens."""


class Happenings:
    """Events of one slab, acted on in their order by whom they are about.

    A participant, a stream or a sink gets a number (`enter`) under which it is told of; an event
    of one that has left is about nobody and is dropped.
    """

    def __init__(self, slab: Slab) -> None:
        self._plane = slab.plane
        self._acts: dict[int, Act] = {}
        self._concerned: dict[int, Any] = {}
        self._last = 0
        self._next = 0

    def on(self, kind: int, act: Act) -> None:
        """Have every event of a kind acted on by a function."""
        self._acts[kind] = act

    def enter(self, concerned: Any) -> int:
        """Give a number of one's own; `concerned.happened(event)` is called from now on."""
        self._last += 1
        self._concerned[self._last] = concerned
        return self._last

    def leave(self, number: int) -> None:
        """Be told of nothing more."""
        self._concerned.pop(number, None)

    def act(self) -> None:
        """Act on everything that is to be told, also on what that leads to."""
        plane = self._plane
        while self._next < plane.event_count:
            event = plane.events[self._next]
            self._next += 1
            act = self._acts.get(event.kind)
            if act is not None:
                act(event)
            else:
                concerned = self._concerned.get(event.who)
                if concerned is not None:
                    concerned.happened(event)
        self._next = plane.event_count = 0
