"""Background work that must go on: started with the application, restarted when it fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

log = structlog.get_logger()

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 60.0
CANCELLATIONS = 6
SECONDS_PER_CANCELLATION = 0.5


@contextlib.asynccontextmanager
async def running(name: str, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run `work` until the block is left; a failure is logged and `work` called again.

    The pause before another try doubles up to a minute.
    """
    task = asyncio.create_task(_again_and_again(name, work), name=name)
    try:
        yield
    finally:
        await _stopped(task)


async def _stopped(task: asyncio.Task[None]) -> None:
    """Cancel until the task has ended.

    One cancellation is not enough: Python 3.11's `asyncio.wait_for` loses it when what it waits
    for is done at the same moment, and libraries below the work use it.
    """
    for _ in range(CANCELLATIONS):
        task.cancel()
        await asyncio.wait({task}, timeout=SECONDS_PER_CANCELLATION)
        if task.done():
            return
    log.warning("background work does not end", work=task.get_name())


async def _again_and_again(name: str, work: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = loop.time()
        try:
            await work()
        except Exception:
            log.exception("background work failed", work=name, again_in_seconds=pause)
        else:
            return
        if loop.time() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS  # it worked for a while: this is a new trouble
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
