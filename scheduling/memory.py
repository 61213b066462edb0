"""What was read of the plan before, kept in the process by version.

A site's version rises with its people, things, hours and closures; a resource's
claims version with its claims. What is remembered is used only while the store still names
the same version, so it is never stale, also with several processes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Versioned(Generic[Value]):
    """Values by key and version; the least recently used of more than `capacity` go."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Hashable, tuple[int, Value]] = OrderedDict()

    def kept(self, key: Hashable) -> tuple[int, Value] | None:
        """Return what was kept last for `key`, and its version."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def get(self, key: Hashable, version: int) -> Value | None:
        """Return what was kept for `key` at exactly that `version`."""
        kept = self.kept(key)
        return kept[1] if kept is not None and kept[0] == version else None

    def keep(self, key: Hashable, version: int, value: Value) -> None:
        """Keep `value`, and forget what was least recently used when there is too much."""
        self._kept[key] = (version, value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
