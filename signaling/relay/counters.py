"""What the relay counts: plain integers that the metrics page reads, never a log line."""

from collections.abc import Iterator, Mapping
from typing import Any

from signaling.relay.plane.library import ffi

_COMPILED = tuple(name for name, _ in ffi.typeof("struct counts").fields)


class Counters(Mapping[str, int]):
    """Named, ever-growing integers; reading a name that never counted gives 0.

    A name ending in a reason (`dropped_unknown_address`) keeps one family together. What the
    compiled part counts is added in (`include`).
    """

    __slots__ = ("_compiled", "_values")

    def __init__(self) -> None:
        self._values: dict[str, int] = {}
        self._compiled: Any = None

    def include(self, counts: Any) -> None:
        """Add what a `struct counts` counts, from now on."""
        self._compiled = counts

    def add(self, name: str, amount: int = 1) -> None:
        """Raise the counter `name` by `amount`."""
        self._values[name] = self._values.get(name, 0) + amount

    def set(self, name: str, value: int) -> None:
        """Set a gauge, such as the number of rooms, to `value`."""
        self._values[name] = value

    def __getitem__(self, name: str) -> int:
        compiled = 0
        if self._compiled is not None and name in _COMPILED:
            compiled = getattr(self._compiled, name)
        return self._values.get(name, 0) + compiled

    def __iter__(self) -> Iterator[str]:
        compiled = _COMPILED if self._compiled is not None else ()
        return iter(dict.fromkeys((*self._values, *(each for each in compiled if self[each]))))

    def __len__(self) -> int:
        return sum(1 for _ in self)
