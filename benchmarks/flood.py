"""What strangers' datagrams cost the relay, by kind: CPU of its process per datagram.

`stun_unknown_us` names a ufrag that nobody has, `stun_named_us` one of a participant, with a wrong
password; `media_us` and `dtls_us` come from an address that is not known. What the kernel takes for
receiving is in all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import socket
import statistics
import sys
import time
from pathlib import Path

from benchmarks.callers import Caller
from benchmarks.relay_process import DistantRelay, running
from signaling.relay import stun
from signaling.relay.dtls import Certificate

_HOST = "127.0.0.1"
_BURST = 32
_REST = 0.001  # seconds after a burst, so that the relay's port holds all that was sent
_PATIENCE = 5.0  # seconds


def measure(datagrams: int, turns: int) -> dict[str, float]:
    """Give microseconds of CPU per datagram of each kind, the median over turns."""
    with running(_HOST) as relay, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        port, ufrag = asyncio.run(_seat(relay))
        stranger.connect((_HOST, port))
        found: dict[str, list[float]] = {}
        for turn in range(turns):
            for kind, datagram in _kinds(ufrag).items():
                cost = _cost(relay, stranger, datagram, datagrams)
                found.setdefault(kind, []).append(cost)
                print(f"turn {turn + 1}: {kind} {cost:.2f}", file=sys.stderr)
    return {kind: round(statistics.median(costs), 2) for kind, costs in found.items()}


async def _seat(relay: DistantRelay) -> tuple[int, str]:
    """Seat two who never come; give the relay's port and the ufrag of one of them."""
    certificate = Certificate()
    callers = [Caller(certificate, _HOST, ssrc) for ssrc in (1000, 2000)]
    answer, _ = await relay.call(callers[0], callers[1])
    lines = answer.split("\r\n")
    candidate = next(each for each in lines if each.startswith("a=candidate:"))
    ufrag = next(each for each in lines if each.startswith("a=ice-ufrag:"))
    for each in callers:
        each.socket.close()
    return int(candidate.split()[5]), ufrag.partition(":")[2]


def _kinds(ufrag: str) -> dict[str, bytes]:
    def request(local: str) -> bytes:
        return stun.build_request(
            secrets.token_bytes(12), username=f"{local}:there", password="wrong"
        )

    return {
        "stun_unknown_us": request(secrets.token_hex(8)),
        "stun_named_us": request(ufrag),
        "media_us": b"\x80\x60" + bytes(150),
        "dtls_us": b"\x16\xfe\xfd" + bytes(150),
    }


def _cost(relay: DistantRelay, stranger: socket.socket, datagram: bytes, count: int) -> float:
    dropped, cpu = relay.dropped(), _cpu_microseconds(relay.pid)
    for number in range(count):
        stranger.send(datagram)
        if number % _BURST == 0:
            time.sleep(_REST)
    until = time.monotonic() + _PATIENCE
    while relay.dropped() - dropped < count and time.monotonic() < until:
        time.sleep(_REST)
    handled = relay.dropped() - dropped
    return (_cpu_microseconds(relay.pid) - cpu) / handled


def _cpu_microseconds(pid: int) -> float:
    # The kernel's sched-stats begin with the nanoseconds that the first thread ran.
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--datagrams", type=int, default=20_000, help="of each kind and turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    figures = measure(options.datagrams, options.turns)
    print(json.dumps(figures) if options.json else figures)


if __name__ == "__main__":
    main()
