"""Tells open consoles that the plan has changed (server-sent events).

One watcher per process compares the plan's revision while anybody listens: at once after every
form that this process has taken, and otherwise several times a second, which is how changes by
other processes are seen. An event says only that something changed; the page asks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy.exc import SQLAlchemyError

from scheduling import overview
from web import access
from web.keys import STORE
from web.staff_events import STREAMS

_log = structlog.get_logger(__name__)

_LOOK_EVERY = 0.4  # seconds; changes are promised to be seen within half a second
_HEARTBEAT = 20.0  # seconds; proxies close what is silent for longer
_BEATS = 45  # then the browser comes back by itself and has to prove its session anew


class Feed:
    """Who listens, and the revision they know."""

    def __init__(self) -> None:
        self.revision = ""
        self._listeners: set[asyncio.Event] = set()
        self._wanted = asyncio.Event()
        self._nudged = asyncio.Event()

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set at every change until the block ends."""
        changed = asyncio.Event()
        self._listeners.add(changed)
        self._wanted.set()
        try:
            yield changed
        finally:
            self._listeners.discard(changed)
            if not self._listeners:
                self._wanted.clear()

    def nudge(self) -> None:
        """Look at once: this process may have changed something."""
        self._nudged.set()

    async def watch(self, app: web.Application) -> None:
        """Compare revisions while anybody listens; runs until it is cancelled."""
        while True:
            await self._wanted.wait()
            self._nudged.clear()
            try:
                async with app[STORE].reading() as tx:
                    self._tell(await overview.revision(tx))
            except (SQLAlchemyError, OSError):
                _log.warning("plan_revision_unknown", exc_info=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._nudged.wait()

    def _tell(self, revision: str) -> None:
        if revision == self.revision:
            return
        self.revision = revision
        for changed in self._listeners:
            changed.set()


FEED: web.AppKey[Feed] = web.AppKey("plan_feed")


async def watching(app: web.Application) -> AsyncIterator[None]:
    """Watch the plan while the application runs (a cleanup context)."""
    feed = app[FEED] = Feed()
    watcher = asyncio.create_task(feed.watch(app))
    yield
    watcher.cancel()
    await asyncio.gather(watcher, return_exceptions=True)


@web.middleware
async def nudge_consoles(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let consoles look at the plan as soon as a form has been dealt with and committed."""
    try:
        return await handler(request)
    finally:
        if request.method == "POST" and FEED in request.app:
            request.app[FEED].nudge()


async def stream(request: web.Request) -> web.StreamResponse:
    """Send an event for every change until the page is closed or the server stops."""
    access.plan_reader(request)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    # A task of its own, so that stopping the server can end it without ending the handler.
    telling = asyncio.create_task(_tell(request.app[FEED], response))
    request.app[STREAMS].add(telling)
    try:
        await asyncio.wait([telling])
    finally:
        request.app[STREAMS].discard(telling)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    return response


async def _tell(feed: Feed, response: web.StreamResponse) -> None:
    with feed.subscribe() as changed:
        await response.write(b"retry: 1000\n\n")
        for _ in range(_BEATS):
            try:
                async with asyncio.timeout(_HEARTBEAT):
                    while True:
                        await changed.wait()
                        changed.clear()
                        await response.write(b"event: plan\ndata: changed\n\n")
            except TimeoutError:
                await response.write(b": still here\n\n")
