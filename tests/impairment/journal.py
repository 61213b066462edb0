"""What a run did, line by line, and the same run again from that.

Each line is a JSON array: `["begin", seed]`, `["change", direction, time, conditions]`,
`["blackout", direction, time, seconds]`, or `["packet", direction, time, bytes, fate]`, where the
fate is a list of arrivals or the reason of the loss. Times are in seconds since the beginning.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import IO, Any

from tests.impairment.link import Conditions, Fate, Link

DIRECTIONS = ("up", "down")


def links(seed: int) -> dict[str, Link]:
    """Make the two directions of a path; each has draws of its own."""
    return {each: Link(seed * 2 + number) for number, each in enumerate(DIRECTIONS)}


class Journal:
    """Writes lines; without a file it forgets them."""

    def __init__(self, file: IO[str] | None, seed: int) -> None:
        self._file = file
        self._write("begin", seed)

    def change(self, direction: str, at: float, conditions: Conditions) -> None:
        """Note new conditions of one direction."""
        self._write("change", direction, at, asdict(conditions))

    def blackout(self, direction: str, at: float, seconds: float) -> None:
        """Note that one direction goes black."""
        self._write("blackout", direction, at, seconds)

    def packet(self, direction: str, at: float, size: int, fate: Fate) -> None:
        """Note what became of a packet."""
        self._write("packet", direction, at, size, fate.lost or fate.arrivals)

    def _write(self, *line: Any) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")


def replay(lines: Iterable[str]) -> tuple[int, list[str]]:
    """Run a journal again; return how many packets there were, and those that went otherwise."""
    path: dict[str, Link] = {}
    packets = 0
    different = []
    for line in lines:
        match json.loads(line):
            case ["begin", seed]:
                path = links(seed)
            case ["change", direction, _, conditions]:
                path[direction].conditions = Conditions(**conditions)
            case ["blackout", direction, at, seconds]:
                path[direction].black_out(at, seconds)
            case ["packet", direction, at, size, written]:
                packets += 1
                fate = path[direction].carry(size, at)
                if written != (fate.lost or list(fate.arrivals)):
                    different.append(line.strip())
    return packets, different
