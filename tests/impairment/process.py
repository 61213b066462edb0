"""Starts a proxy as a process of its own and gives it orders."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.impairment.journal import DIRECTIONS
from tests.impairment.link import CLEAR, Conditions
from tests.impairment.profiles import Profile

ROOT = Path(__file__).parents[2]


class BadNetwork:
    """One participant's network; each order is in force when its method returns."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self._read())

    def be(self, profile: Profile) -> None:
        """Become the network of a profile, outages included."""
        self.change(up=profile.up, down=profile.down)
        self.let_datagrams_pass(profile.udp)
        self._order("outages", profile.outage, profile.outage_every)

    def mend(self, both: Conditions = CLEAR) -> None:
        """Have no outages any more, and these conditions both ways; UDP stays as it is."""
        self._order("outages", 0, 0)
        self.change(up=both, down=both)

    def change(self, up: Conditions = CLEAR, down: Conditions = CLEAR) -> None:
        """Put these conditions in force."""
        for direction, conditions in zip(DIRECTIONS, (up, down), strict=True):
            self._order("change", direction, asdict(conditions))

    def let_datagrams_pass(self, passes: bool) -> None:
        """Let UDP through, or TCP alone."""
        self._order("udp", passes)

    def black_out(self, seconds: float) -> None:
        """Let nothing through for `seconds` from now on."""
        for direction in DIRECTIONS:
            self._order("blackout", direction, seconds)

    def rebind(self) -> None:
        """Come to the relay from other ports, and break every stream: another network."""
        self._order("rebind")

    def counts(self) -> dict[str, dict[str, int]]:
        """Return packets, lost packets and octets that arrived, by direction."""
        counts: dict[str, dict[str, int]] = self._order("counts")
        return counts

    def _order(self, *order: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the proxy has ended")
        return line


@contextlib.contextmanager
def bad_network(
    relay_port: int,
    *,
    tcp_port: int | None = None,
    host: str = "127.0.0.1",
    seed: int = 1,
    journal: Path | None = None,
) -> Iterator[BadNetwork]:
    """Run a proxy in front of the relay until the block ends; at first it has no faults.

    `tcp_port` is the relay's for streams, by default the same as for datagrams.
    """
    command = [sys.executable, "-m", "tests.impairment.proxy", f"{host}:{relay_port}"]
    command += ["--tcp-port", str(tcp_port or relay_port)]
    command += ["--seed", str(seed), *(["--journal", str(journal)] if journal else [])]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield BadNetwork(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=10)
