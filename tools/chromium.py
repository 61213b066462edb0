"""Prints the Chromium that browser tests start: the distribution's, or Playwright's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

DISTRIBUTION = Path("/usr/bin/chromium")
"""Debian's; Ubuntu has no such file, since its package leads to a snap."""


def main() -> None:
    """Print the path; install Playwright's browser where the distribution has none."""
    if DISTRIBUTION.exists():
        sys.stdout.write(f"{DISTRIBUTION}\n")
        return
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    if not own.exists():
        install = [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]
        subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603  (our own arguments)
    sys.stdout.write(f"{own}\n")


if __name__ == "__main__":
    main()
