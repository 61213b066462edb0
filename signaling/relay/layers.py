"""Which size of a sender's picture each receiver is shown, and what the sender is told to send."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

UNBOUND = 20_000_000
"""bit/s that no sender reaches: how a limit is taken away."""
TOO_LITTLE = 60_000
"""bit/s that no picture is worth: the voice has them."""
MEANWHILE = 150_000
"""bit/s sent while nobody is shown it, to be shown well when they are again."""
ALL_FRAMES = 3
"""The temporal layer that none is above: its id has two bits (RFC 7741 section 4.2)."""

_LEFT_BEHIND = 0.5  # of what the others take: a larger audience does not wait for one
_TOLERANCE = 1.1  # times the room: a picture's bit/s go up and down by themselves
_OBEYING = 1.3  # times the room of a sender who was told of it
_AT_FIRST = 1.0  # seconds that the room must suffice for more, as long as nothing went wrong
_CALM = 20.0  # seconds of that after trouble
_LONGEST_CALM = 80.0
_AFTERMATH = 2.0  # seconds in which a queue that more has filled is still in the way
_TRIAL = 10.0  # seconds in which more proves to have been too much


class Viewer(Protocol):
    """A stream in which one receiver is shown the sender."""

    layer: int
    """The size that is shown, 0 for the smallest."""
    temporal: int
    """The highest temporal layer that is forwarded."""

    @property
    def room(self) -> int | None:
        """The bit/s that the receiver has for it, None when nothing is known."""

    @property
    def resting(self) -> bool:
        """Whether nothing is forwarded to it for now."""

    @property
    def steady(self) -> bool:
        """Whether it has not rested lately, so that no known limit means that there is none."""

    def rest(self, now: float, *, briefly: bool) -> None:
        """Forward nothing for a while, or only until the queue in front of it has emptied."""

    def wake(self, now: float) -> None:
        """Forward again if it has rested long enough."""


class Step(NamedTuple):
    """One way to show the picture."""

    layer: int
    temporal: int
    bits: float
    """bit/s."""


@dataclass(slots=True)
class _Standing:
    """How it went for one viewer. Times are in seconds, `-inf` for never."""

    patience: float = 0.0
    """Seconds of calm asked for since the last trouble, 0 as long as there was none."""
    wait: float = _AT_FIRST
    enough_since: float | None = None
    risen_at: float = float("-inf")
    more_until: float = float("-inf")
    """When more than the least was shown last."""

    def fell(self, now: float) -> None:
        """Note trouble: if it came soon after more was tried, more is tried later the next time."""
        failed = now - self.risen_at < _TRIAL
        self.patience = min(2 * self.patience, _LONGEST_CALM) if failed else _CALM
        self.patience = max(self.patience, _CALM)
        self.wait, self.enough_since, self.risen_at = self.patience, None, float("-inf")

    def may_rise(self, now: float) -> bool:
        """Tell whether there has been enough room for more for long enough."""
        if self.enough_since is None:
            self.enough_since = now
        return now - self.enough_since >= self.wait

    def rose(self, now: float) -> None:
        """Note that more is tried; what goes well is followed by more sooner."""
        self.risen_at, self.enough_since = now, None
        self.wait = max(self.wait / 4, _AT_FIRST)


class Layers:
    """Shows one sender's picture to everyone in the size that their network takes.

    A size that is too much is left at once: first the frames of the upper temporal layers, then
    the size itself. More is tried one step at a time, after a while without trouble.

    A sender with sizes to choose from is told what the best-off receiver takes, so that nobody is
    held down by another. One with a single size is held to the least; of several receivers, one
    that can take less than half of what the next can, or than what is sent now, does without the
    picture for a while, and so does, in every case, who has no room for the smallest. The voice
    goes on.
    """

    __slots__ = ("_held", "_standings")

    def __init__(self) -> None:
        self._held = False
        self._standings: dict[Viewer, _Standing] = {}

    def tell(
        self, audience: Sequence[Viewer], rates: Sequence[Sequence[float]], now: float
    ) -> int | None:
        """Give the bit/s to tell the sender (REMB), None for nothing.

        `rates` are what it sends now: for each size, smallest first, the bit/s up to each
        temporal layer; nothing or 0 for a size that is not sent. Sets what the viewers are shown,
        lets those rest who have too little room, and wakes those who have rested.
        """
        steps = _steps(rates)
        self._standings = {each: self._standings.get(each, _Standing()) for each in audience}
        for each in audience:
            if each.resting:
                self._try_again(each, steps, now)
        awake = [each for each in audience if not each.resting]
        if steps and steps[0].layer == 0 < len(rates) - 1:
            least = self._each_their_own(awake, steps, now)
        else:
            for each in awake:
                self._place_led(each, steps, now)
            least = _one_for_all(
                awake, steps[-1].bits if steps else 0, now, alone=len(audience) == 1
            )
        return self._told(least if audience else UNBOUND)

    def _told(self, least: float | None) -> int | None:
        told = MEANWHILE if least is None else int(least)
        if told < UNBOUND:
            self._held = True
            return told
        if self._held:
            self._held = False
            return UNBOUND
        return None

    def _try_again(self, viewer: Viewer, steps: list[Step], now: float) -> None:
        """Wake who has rested for long enough; begin with the least there is."""
        if steps:
            _show(viewer, steps[0])
        viewer.wake(now)
        if not viewer.resting:
            self._standings[viewer].fell(now)

    def _each_their_own(self, awake: list[Viewer], steps: list[Step], now: float) -> float | None:
        """Give everyone what they have room for; return what the best-off takes, None for none."""
        most = None
        for each in awake:
            room = UNBOUND if each.room is None else each.room
            if room < max(TOO_LITTLE, steps[0].bits / _TOLERANCE):
                self._rest(each, steps, now)
                continue
            step = self._place(each, steps, now)
            below = {other.layer: other.bits for other in steps if other.layer < step.layer}
            most = max(most or 0, room + sum(below.values()))
        return most

    def _rest(self, viewer: Viewer, steps: list[Step], now: float) -> None:
        """Show a viewer nothing; only briefly while what more has left behind may be the trouble."""
        standing = self._standings[viewer]
        if (viewer.layer, viewer.temporal) > steps[0][:2]:
            standing.more_until = now
        viewer.rest(now, briefly=now - standing.more_until < _AFTERMATH)

    def _place_led(self, viewer: Viewer, steps: list[Step], now: float) -> None:
        """Leave out upper frames only until the sender, who is told of the room, has followed."""
        if not steps:
            return
        standing = self._standings[viewer]
        room = UNBOUND if viewer.room is None else viewer.room
        fitting = max((i for i, step in enumerate(steps) if step.bits <= room), default=0)
        shown = (viewer.layer, viewer.temporal)
        present = max((i for i, step in enumerate(steps) if step[:2] <= shown), default=0)
        if steps[present].bits > room * _OBEYING:
            present = fitting
        elif fitting > present:
            if standing.enough_since is None:
                standing.enough_since = now
            if now - standing.enough_since >= _AT_FIRST:
                present = fitting
        if fitting <= present:
            standing.enough_since = None
        _show(viewer, steps[present])

    def _place(self, viewer: Viewer, steps: list[Step], now: float) -> Step:
        """Choose what a viewer is shown from now on."""
        standing = self._standings[viewer]
        if not steps:
            return Step(viewer.layer, viewer.temporal, 0.0)
        room = UNBOUND if viewer.room is None else viewer.room
        shown = (viewer.layer, viewer.temporal)
        present = max((i for i, step in enumerate(steps) if step[:2] <= shown), default=0)
        chosen = present
        if steps[present].bits > room * _TOLERANCE:
            chosen = max((i for i in range(present) if steps[i].bits <= room), default=0)
            standing.fell(now)
            standing.more_until = now
        elif present + 1 < len(steps) and steps[present + 1].bits <= room:
            if standing.may_rise(now):
                chosen = _higher(steps, present, room, by_one=standing.patience > 0)
                standing.rose(now)
        else:
            standing.enough_since = None
        _show(viewer, steps[chosen])
        return steps[chosen]


def _steps(rates: Sequence[Sequence[float]]) -> list[Step]:
    """List what can be shown, the least first."""
    steps = []
    for layer, sums in enumerate(rates):
        sent = [(temporal, bits) for temporal, bits in enumerate(sums) if bits > 0]
        steps += [Step(layer, temporal, bits) for temporal, bits in sent[:-1]]
        steps += [Step(layer, ALL_FRAMES, bits) for _, bits in sent[-1:]]
    return steps


def _higher(steps: list[Step], present: int, room: float, *, by_one: bool) -> int:
    if by_one:
        return present + 1
    return max(i for i in range(present, len(steps)) if steps[i].bits <= room)


def _show(viewer: Viewer, step: Step) -> None:
    if (viewer.layer, viewer.temporal) != step[:2]:
        viewer.layer, viewer.temporal = step[:2]


def _one_for_all(awake: list[Viewer], rate: float, now: float, *, alone: bool) -> float | None:
    """Hold a sender with one size to what its receivers take; return that, None for no receiver."""
    rooms = [UNBOUND if each.room is None else each.room for each in awake]
    steady = [room for each, room in zip(awake, rooms, strict=True) if each.steady]
    most = min(max(steady, default=0), max(rate, 2 * TOO_LITTLE))
    for each, room in zip(awake, rooms, strict=True):
        if room < TOO_LITTLE or (not alone and room < _LEFT_BEHIND * most):
            each.rest(now, briefly=False)
    return min(
        (room for each, room in zip(awake, rooms, strict=True) if not each.resting), default=None
    )
