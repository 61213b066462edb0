"""Runs all tests, the timed ones last and one at a time, and sums them up in one line."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path("build/tests")
NO_TESTS_COLLECTED = 5
ONE_LOOP = [
    f"--override-ini=asyncio_default_{kind}_loop_scope=session" for kind in ("fixture", "test")
]
"""Tests that share an event loop share a browser; starting one takes longer than most tests."""
BY_FILE = ["--dist", "loadfile", "--no-loadscope-reorder"]
"""A file's tests stay together: what they share is started once. `tests/conftest.py` orders."""
PYTEST = [sys.executable, "-m", "pytest"]
GIVING_WAY = ["nice", "-n", "5"]
"""Units take what the browser leaves: its tests follow one another and so take the longest."""
IN_BROWSER = ["--override-ini=testpaths=tests/browser"]
PHASES = [
    {
        "units": [*GIVING_WAY, *PYTEST, "-n", "2", *BY_FILE, "-m", "not browser and not timed"],
        "browser": [*PYTEST, *IN_BROWSER, *ONE_LOOP, "-m", "not timed"],
    },
    {"timed": [*PYTEST, *ONE_LOOP, "-m", "timed"]},
]
"""What runs side by side, one phase after the other; there is one browser at a time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many tests passed, failed (or broke) and were skipped."""

    passed: int
    failed: int
    skipped: int

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def run(phase: dict[str, list[str]]) -> Outcome:
    """Run the parts of a phase side by side; the first prints at once, the others in their turn."""
    with ThreadPoolExecutor(len(phase)) as threads:
        parts = [
            threads.submit(run_part, name, command, at_once=not number)
            for number, (name, command) in enumerate(phase.items())
        ]
        total = Outcome(0, 0, 0)
        for part in parts:
            outcome, printed = part.result()
            sys.stdout.buffer.write(printed)
            sys.stdout.flush()
            total += outcome
    return total


def run_part(name: str, command: list[str], *, at_once: bool) -> tuple[Outcome, bytes]:
    """Run pytest once; return what it did, and what it printed unless that was said `at_once`.

    A run that ends badly without a failed test counts as one failure.
    """
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [*command, f"--junitxml={report}", *sys.argv[1:]]
    output = {} if at_once else {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, check=False, **output)  # noqa: S603  (our own arguments)
    outcome = read(report) if report.exists() else Outcome(0, 0, 0)
    if done.returncode not in {0, NO_TESTS_COLLECTED} and outcome.failed == 0:
        outcome += Outcome(0, 1, 0)
    return outcome, done.stdout or b""


def read(report: Path) -> Outcome:
    """Read pytest's JUnit report."""
    passed = failed = skipped = 0
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314  (pytest wrote it)
        tests, errors, failures, left_out = (
            int(suite.attrib[name]) for name in ("tests", "errors", "failures", "skipped")
        )
        failed += errors + failures
        skipped += left_out
        passed += tests - errors - failures - left_out
    return Outcome(passed, failed, skipped)


def main() -> int:
    """Return 0 when there were tests and all of them passed."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    total = sum((run(phase) for phase in PHASES), Outcome(0, 0, 0))
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    sys.stdout.write(f"\n{total.passed} passed, {total.failed} failed{skipped}\n")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main())
