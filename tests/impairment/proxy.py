"""The proxy between one participant and the relay, a process of its own that takes orders.

UDP and TCP reach it at one port. Orders come as JSON arrays, one a line, on standard input; each
is answered by a line on standard output once it is in force. The first line out is the port.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path as File
from typing import Any

from tests.impairment.journal import DIRECTIONS, Journal
from tests.impairment.link import HEADERS, Conditions
from tests.impairment.path import Path
from tests.impairment.streams import Stream

_LONGEST = 65_535
_PRIORITY = -10  # so that the machine's other work is no jitter; for root alone


class Proxy:
    """Carries datagrams and streams between whoever comes to `port` and the relay."""

    def __init__(self, relay: tuple[str, int], tcp_port: int, seed: int, journal: Journal) -> None:
        self._relay = relay
        self._relay_tcp = (relay[0], tcp_port)
        self._began = time.monotonic()
        self._selector = selectors.SelectSelector()
        self._path = Path(seed, journal)
        self._datagrams, self._listener = _one_port()
        self.port: int = self._datagrams.getsockname()[1]
        self._towards_relay: dict[Any, socket.socket] = {}
        self._streams: set[Stream] = set()
        self._udp = True
        self._outages = 0
        self._running = True
        self._watch(self._datagrams, self._take_from_participant)
        self._watch(self._listener, self._accept)

    def run(self) -> None:
        """Carry until the order to end or the end of the orders."""
        self._watch(sys.stdin, self._take_order)
        while self._running:
            due = self._path.next_arrival()
            wait = None if due is None else max(due - self._now(), 0.0)
            for key, _ in self._selector.select(wait):
                key.data()
            self._path.deliver(self._now())

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _watch(self, file: Any, act: Callable[[], None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, act)

    def _take_from_participant(self) -> None:
        with contextlib.suppress(BlockingIOError):
            datagram, participant = self._datagrams.recvfrom(_LONGEST)
            if self._udp:
                if participant not in self._towards_relay:
                    self._bind(participant)
                self._path.carry(
                    "up", len(datagram) + HEADERS, self._now(),
                    partial(self._send, participant, datagram),
                )  # fmt: skip

    def _send(self, participant: Any, datagram: bytes) -> None:
        with contextlib.suppress(OSError):
            self._towards_relay[participant].send(datagram)

    def _bind(self, participant: Any) -> None:
        """Give a participant a port towards the relay, another one if there is one."""
        before = self._towards_relay.get(participant)
        fresh = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        fresh.setblocking(False)
        fresh.connect(self._relay)
        self._towards_relay[participant] = fresh
        self._watch(fresh, partial(self._take_from_relay, fresh, participant))
        if before is not None:
            self._selector.unregister(before)
            before.close()

    def _take_from_relay(self, own: socket.socket, participant: Any) -> None:
        # The relay may be gone for a while (OSError): networks do not care.
        with contextlib.suppress(OSError):
            datagram = own.recv(_LONGEST)
            if self._udp:
                self._path.carry(
                    "down", len(datagram) + HEADERS, self._now(),
                    partial(self._return, participant, datagram),
                )  # fmt: skip

    def _return(self, participant: Any, datagram: bytes) -> None:
        with contextlib.suppress(OSError):
            self._datagrams.sendto(datagram, participant)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(self._relay_tcp, timeout=1)
        except OSError:
            near.close()
            return
        for each in (near, far):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._streams.add(
            Stream((near, far), self._path, self._now, self._selector, self._streams.discard)
        )

    def _take_order(self) -> None:
        line = sys.stdin.readline()
        answer = self._obey(json.loads(line) if line else ["end"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()

    def _obey(self, order: Any) -> Any:
        answer: Any = "done"
        match order:
            case ["change", direction, conditions]:
                self._path.change(direction, Conditions(**conditions), self._now())
            case ["blackout", direction, seconds]:
                self._path.black_out(direction, seconds, self._now())
            case ["outages", seconds, every]:
                self._outages += 1
                self._outage(seconds, every, self._outages)
            case ["udp", passes]:
                self._udp = passes
            case ["rebind"]:
                self._rebind()
            case ["counts"]:
                answer = {each: asdict(count) for each, count in self._path.counts.items()}
            case ["end"]:
                self._running = False
        return answer

    def _rebind(self) -> None:
        for participant in tuple(self._towards_relay):
            self._bind(participant)
        for stream in tuple(self._streams):
            stream.close()

    def _go_dark(self, seconds: float) -> None:
        for direction in DIRECTIONS:
            self._path.black_out(direction, seconds, self._now())

    def _outage(self, seconds: float, every: float, order: int) -> None:
        """Black out now and then until another order; the first time after `every` seconds.

        None any more when `seconds` is 0.
        """

        def begin() -> None:
            if order == self._outages:
                self._go_dark(seconds)
                self._outage(seconds, every, order)

        if not seconds:
            self._go_dark(0)
            return
        self._path.at(self._now() + every, begin)


def _one_port() -> tuple[socket.socket, socket.socket]:
    """Bind UDP and TCP to one free port of all IPv4 addresses."""
    while True:
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        datagrams.bind(("", 0))
        datagrams.setblocking(False)
        try:
            listener = socket.create_server(("", datagrams.getsockname()[1]))
        except OSError:
            datagrams.close()
            continue
        return datagrams, listener


def main() -> None:
    """Run the proxy."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.impairment.proxy")
    parser.add_argument("relay", help="HOST:PORT of the relay")
    parser.add_argument("--tcp-port", type=int, help="the relay's TCP port; default: the same")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--journal", type=File, help="file that what happens is written to")
    options = parser.parse_args()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(options.journal.open("w")) if options.journal else None
        host, _, port = options.relay.rpartition(":")
        journal = Journal(file, options.seed)
        proxy = Proxy((host, int(port)), options.tcp_port or int(port), options.seed, journal)
        sys.stdout.write(f"{proxy.port}\n")
        sys.stdout.flush()
        proxy.run()


if __name__ == "__main__":
    main()
