"""How many statements a store is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from scheduling.store import Store


class Statements:
    """Counts what a store is asked."""

    def __init__(self) -> None:
        self.most = 0
        self._seen = 0

    @contextmanager
    def of(self, store: Store) -> Iterator[None]:
        """Count the statements of one search."""
        engine = store.engine.sync_engine
        self._seen = 0
        event.listen(engine, "before_cursor_execute", self._count)
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", self._count)
            self.most = max(self.most, self._seen)

    def _count(self, *_ignored: object) -> None:
        self._seen += 1
