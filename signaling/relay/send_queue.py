"""What waits for a stream to take it: sound goes first, and pictures give way to it."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain, islice

_MOST_PICTURES = 128 * 1024  # bytes
_LONGEST_WAIT = 1.0  # seconds; a key frame on a slow line may take as long
_MOST_URGENT = 64 * 1024  # bytes: three voices for some seconds
_AT_ONCE = 64  # frames handed to the kernel with one call

Write = Callable[[list[bytes | memoryview]], int]
"""Hands bytes over; gives how many were taken."""


class SendQueue:
    """Frames in two rows: urgent ones (sound, control, handshakes) and pictures.

    A frame that has begun is always finished. When pictures grow too many or too old, all of
    them are dropped, and further ones until everything else has left: `holding` is set then,
    and whoever lets pictures in again by `resume` asks for a key frame. Urgent frames beyond
    their bound push the oldest ones out, as late sound is worth nothing.
    """

    __slots__ = ("_begun", "_picture_octets", "_pictures", "_urgent", "_urgent_octets", "holding")

    def __init__(self) -> None:
        self.holding = False
        self._begun: memoryview | None = None
        self._urgent: deque[bytes] = deque()
        self._urgent_octets = 0
        self._pictures: deque[tuple[float, bytes]] = deque()
        self._picture_octets = 0

    def __bool__(self) -> bool:
        return self._begun is not None or bool(self._urgent) or bool(self._pictures)

    @property
    def octets(self) -> int:
        """How many bytes wait."""
        begun = len(self._begun) if self._begun is not None else 0
        return begun + self._urgent_octets + self._picture_octets

    def put(self, frame: bytes) -> int:
        """Add an urgent frame; give how many older ones were dropped for it."""
        self._urgent.append(frame)
        self._urgent_octets += len(frame)
        dropped = 0
        while self._urgent_octets > _MOST_URGENT:
            self._urgent_octets -= len(self._urgent.popleft())
            dropped += 1
        return dropped

    def put_picture(self, frame: bytes, now: float) -> int:
        """Add a part of a picture, at `now` in seconds; give how many parts were dropped."""
        if self.holding:
            return 1
        late = bool(self._pictures) and now - self._pictures[0][0] > _LONGEST_WAIT
        if late or self._picture_octets + len(frame) > _MOST_PICTURES:
            dropped = len(self._pictures) + 1
            self._pictures.clear()
            self._picture_octets = 0
            self.holding = True
            return dropped
        self._pictures.append((now, frame))
        self._picture_octets += len(frame)
        return 0

    def resume(self) -> bool:
        """Let pictures in again once nothing waits; tell whether they were held before."""
        if not self.holding or self:
            return False
        self.holding = False
        return True

    def clear(self) -> None:
        """Throw everything away."""
        self._begun = None
        self._urgent.clear()
        self._pictures.clear()
        self._urgent_octets = self._picture_octets = 0

    def drain(self, write: Write) -> bool:
        """Write until all is gone or no more is taken; tell whether all is gone.

        What `write` raises passes through.
        """
        while self:
            batch = self._next()
            taken = write(batch)
            self._remove(taken)
            if taken < sum(map(len, batch)):
                return False
        return True

    def _next(self) -> list[bytes | memoryview]:
        begun = [self._begun] if self._begun is not None else []
        pictures = (each for _, each in self._pictures)
        waiting: Iterable[bytes | memoryview] = chain(begun, self._urgent, pictures)
        return [*islice(waiting, _AT_ONCE)]

    def _remove(self, octets: int) -> None:
        while octets:
            head = self._pop()
            if len(head) > octets:
                self._begun = memoryview(head)[octets:]
                return
            octets -= len(head)

    def _pop(self) -> bytes | memoryview:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        if self._urgent:
            frame = self._urgent.popleft()
            self._urgent_octets -= len(frame)
        else:
            frame = self._pictures.popleft()[1]
            self._picture_octets -= len(frame)
        return frame
