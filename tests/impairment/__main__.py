"""Runs a proxy's journal again and tells whether the same packets had the same fate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.impairment.journal import replay


def main() -> None:
    """Run a journal again; the exit status is 1 when something went otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.impairment")
    parser.add_argument("journal", type=Path)
    options = parser.parse_args()
    with options.journal.open() as lines:
        packets, different = replay(lines)
    sys.stdout.write(f"{packets} packets, {len(different)} of them otherwise\n")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
