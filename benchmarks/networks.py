"""What calls are like on bad networks: real browsers, the real pages, and networks made bad.

The claimant's media passes through a proxy of our own (`tests/impairment`), which loses, delays
and narrows by profile; everybody else's network is faultless. What each person hears and sees is
told by their browser (W3C webrtc-stats).

Each part runs as a process of its own, in an office of its own. One that fails or takes too long
is ended; its figures are `null` then, and the rest goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.network_legs import LEGS
from benchmarks.network_profiles import Figures

BARS = {
    "loss_20_percent_concealed_percent": 5.0,
    "narrowing_followed_s": 3.0,
    "narrowing_audio_gap_s": 0.2,
    "address_change_audio_gap_p95_s": 1.0,
    "blackout_audio_back_s": 1.0,
    "udp_blocked_connected_s": 3.0,
    "tls_alone_connected_s": 3.0,
    "signing_video_kbit": 250,
    "signing_narrow_concealed_percent": 5.0,
}
"""What a figure may be at most."""
LEAST = {
    "three_people_kept": 0.9,
    "signing_frames_per_second": 20,
    "signing_width": 320,
    "signing_height": 240,
    "signing_narrow_frames_per_second": 20,
    "signing_narrow_width": 320,
}
"""What a figure must be at least."""
_TO_END = 10.0  # seconds that a part may take to end after the order to
_ROOT = Path(__file__).parents[1]


def outcome(command: Sequence[str], keys: Iterable[str], patience: float) -> Figures:
    """Run a part and give its figures; `null` for each of `keys` when it fails or is too slow.

    It has `patience` seconds, then it is ended with all that it has started.
    """
    with subprocess.Popen(
        command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as part:
        try:
            printed, _ = part.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"not within {patience:.0f} s\n")
            printed = ""
        finally:
            _end(part)
    figures: Figures = dict.fromkeys(keys)
    with contextlib.suppress(ValueError, IndexError):
        figures |= json.loads(printed.splitlines()[-1])
    return figures


def _end(part: subprocess.Popen[str]) -> None:
    """End a part politely if it still runs, so that it ends its browsers; then its whole group."""
    if part.poll() is None:
        part.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            part.wait(_TO_END)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(part.pid, signal.SIGKILL)


def measure(wanted: Iterable[str]) -> Figures:
    """Run the wanted parts one after the other."""
    figures: Figures = {}
    for name in wanted:
        leg = LEGS[name]
        began = time.monotonic()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            command = [sys.executable, "-m", "benchmarks.network_legs", name, folder]
            found = outcome(command, leg.keys, leg.patience)
        for key, value in found.items():
            sys.stderr.write(f"{key}: {value}\n")
        sys.stderr.write(f"-- {name} took {time.monotonic() - began:.0f} s\n")
        figures |= found
    return figures


def missed(figures: Figures) -> list[str]:
    """Return the figures that are not within their bar."""
    return [
        name
        for name, value in figures.items()
        if (name in BARS and (value is None or value > BARS[name]))
        or (name in LEAST and (value is None or value < LEAST[name]))
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.networks")
    parser.add_argument("--json", action="store_true", help="print one JSON object at the end")
    parser.add_argument("--only", nargs="+", choices=LEGS, default=list(LEGS))
    options = parser.parse_args()
    began = time.monotonic()
    figures = measure(options.only)
    bars = missed(figures)
    figures["bars_missed"] = len(bars)
    figures["run_minutes"] = round((time.monotonic() - began) / 60, 1)
    sys.stderr.write(f"missed: {', '.join(bars) or 'none'}\n")
    if options.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        for name, value in figures.items():
            sys.stdout.write(f"{name:44} {value}\n")


if __name__ == "__main__":
    main()
