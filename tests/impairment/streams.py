"""TCP through a bad network: a stream has no losses, only bytes that come later.

A lost segment is sent again after the least retransmission time-out that systems use (200 ms,
below the second of RFC 6298), and everything behind it waits; a full queue makes the sender wait.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable
from functools import partial

from tests.impairment.path import Path

SEGMENT = 1448  # bytes, Ethernet's with timestamps
_HEADERS = 52
_REPEATED_AFTER = 0.2  # seconds


class Stream:
    """One connection through the path; `done` is called once, when either end has closed it."""

    def __init__(
        self,
        ends: tuple[socket.socket, socket.socket],
        path: Path,
        clock: Callable[[], float],
        selector: selectors.BaseSelector,
        done: Callable[[Stream], None],
    ) -> None:
        self._path = path
        self._clock = clock
        self._selector = selector
        self._done = done
        self._ends = ends
        self._ways = {"up": ends, "down": ends[::-1]}
        self._latest = dict.fromkeys(self._ways, 0.0)
        self._unsent = {way: bytearray() for way in self._ways}
        self._open = True
        for way, (source, _) in self._ways.items():
            source.setblocking(False)
            selector.register(source, selectors.EVENT_READ, partial(self._read, way))

    def close(self) -> None:
        """Break the connection, as when a device changes its network."""
        if self._open:
            self._open = False
            for each in self._ends:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(each)
                each.close()
            self._done(self)

    def _read(self, way: str) -> None:
        source = self._ways[way][0]
        try:
            segment = source.recv(SEGMENT)
        except BlockingIOError:
            return
        except OSError:
            segment = b""
        now = self._clock()
        if not segment:
            self._path.at(self._latest[way], self.close)
            self._selector.unregister(source)
            return
        link = self._path.links[way]
        black = link.black_until(now)
        fate = self._path.carry(way, len(segment) + _HEADERS, now, lambda: None)
        arrival = fate.arrivals[0] if fate.arrivals else black + _REPEATED_AFTER
        self._latest[way] = max(arrival, self._latest[way])
        self._path.at(self._latest[way], partial(self._write, way, segment))
        full = link.waiting(now) - link.conditions.queue_ms / 1000
        if full > 0 or black > now:
            self._selector.unregister(source)
            self._path.at(max(now + full, black), partial(self._resume, way))

    def _resume(self, way: str) -> None:
        if self._open:
            source = self._ways[way][0]
            self._selector.register(source, selectors.EVENT_READ, partial(self._read, way))

    def _write(self, way: str, segment: bytes) -> None:
        if not self._open:
            return
        unsent = self._unsent[way]
        unsent += segment
        try:
            del unsent[: self._ways[way][1].send(unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if unsent and len(unsent) == len(segment):
            self._path.at(self._clock() + 0.01, partial(self._write, way, b""))
