"""What one line or group of lines of an import changes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduling.exchange_tables import Problem


class Action(enum.StrEnum):
    """What becomes of a record."""

    ADD = "add"
    CHANGE = "change"
    RETIRE = "retire"
    RETURN = "return"
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Step:
    """One record's change, as lines from `line` on ask for it.

    `before` and `after` hold the columns that differ; for hours, the patterns that go and all
    that are wanted under ``hours``, and those that come under ``new``, each with its line.
    """

    line: int
    action: Action
    kind: str
    name: str
    site: str
    resource_id: int = 0
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[int, ...] = ()
    """For hours: the line of each wanted pattern."""

    def told(self) -> list[Any]:
        """Return what distinguishes this step from any other."""
        return [
            self.line, self.action, self.kind, self.name, self.site, self.resource_id,
            dict(self.before), dict(self.after),
        ]  # fmt: skip


@dataclass(slots=True)
class Steps:
    """All changes of a table, what cannot be read of it, and how many records stay."""

    steps: list[Step] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unchanged: int = 0
