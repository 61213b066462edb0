"""How fast a server is booked at, and what CPU time it spends on that."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.loopback import Client

Book = Callable[[Client, int], Awaitable[bool]]
"""Books once as the client of that number; tells whether it succeeded."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What one leg achieved. CPU times are per booking: servers, database and the clients here."""

    per_s: float
    booked: int
    refused: int
    cpu_ms: float
    database_cpu_ms: float
    clients_cpu_ms: float


async def paced(
    visitors: Sequence[Client], book: Book, seconds: float, pids: Sequence[int],
    database: Sequence[int] = (),
) -> Pace:  # fmt: skip
    """Let the clients book for some seconds; `pids` serve them, and `database` serves those."""
    booked = refused = 0
    before = (_cpu_seconds(pids), _cpu_seconds(database), time.process_time())
    began = time.monotonic()

    async def visit(number: int, client: Client) -> None:
        nonlocal booked, refused
        async with client:
            while time.monotonic() < began + seconds:
                done = await book(client, number)
                booked += done
                refused += not done

    await asyncio.gather(*(visit(number, client) for number, client in enumerate(visitors)))
    took = time.monotonic() - began
    after = (_cpu_seconds(pids), _cpu_seconds(database), time.process_time())
    if not booked:
        raise RuntimeError("nothing could be booked")
    cpu = [(now - then) / booked * 1000 for now, then in zip(after, before, strict=True)]
    return Pace(booked / took, booked, refused, *cpu)


def parent(pid: int) -> int:
    """Return the process that has started another one."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def _cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time that processes and their children have taken."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        # proc(5): after the name come state, parent, and as 12th and 13th user and system time.
        if {int(stat.parent.name), int(fields[1])} & {*pids}:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
