"""What the relay counts: plain integers that the metrics page reads, never a log line."""

from collections.abc import Iterator, Mapping


class Counters(Mapping[str, int]):
    """Named, ever-growing integers; reading a name that never counted gives 0.

    A name ending in a reason (`dropped_unknown_address`) keeps one family together.
    """

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Raise the counter `name` by `amount`."""
        self._values[name] = self._values.get(name, 0) + amount

    def set(self, name: str, value: int) -> None:
        """Set a gauge, such as the number of rooms, to `value`."""
        self._values[name] = value

    def __getitem__(self, name: str) -> int:
        return self._values.get(name, 0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
