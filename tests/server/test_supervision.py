"""Background work goes on after a failure, and ends with the application."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from server.supervision import running


async def test_work_that_fails_is_logged_and_done_again() -> None:
    tries = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("first time")
        done.set()

    with structlog.testing.capture_logs() as logged:
        async with running("trial", work):
            await asyncio.wait_for(done.wait(), 5)

    assert tries == 2
    assert [(entry["event"], entry["work"]) for entry in logged] == [
        ("background work failed", "trial")
    ]


async def test_work_ends_when_the_application_does() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running("trial", work):
        await asyncio.sleep(0)

    assert ended.is_set()


async def test_work_ends_although_a_library_below_it_lost_the_first_cancellation() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with running("trial", work):
        await begun.wait()

    assert ended.is_set()
