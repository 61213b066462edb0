"""Tells open day views that somebody came into a video lobby or left it (server-sent events).

An event says only that something changed; the page asks for itself again, and what it may show
is decided there.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from web import access
from web.keys import ROOMS

STREAMS: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("streams")

_HEARTBEAT = 20.0  # seconds; proxies close what is silent for longer
_BEATS = 45  # then the browser comes back by itself and has to prove its session anew


async def stream(request: web.Request) -> web.StreamResponse:
    """Send an event for every change until the page is closed or the server stops."""
    access.signed_in(request)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    # A task of its own, so that stopping the server can end it without ending the handler.
    telling = asyncio.create_task(_tell(request, response))
    request.app[STREAMS].add(telling)
    try:
        await asyncio.wait([telling])
    finally:
        request.app[STREAMS].discard(telling)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    return response


async def end_streams(app: web.Application) -> None:
    """Let the server stop without waiting for pages that stay open."""
    streams = app[STREAMS]
    for telling in tuple(streams):
        telling.cancel()


async def _tell(request: web.Request, response: web.StreamResponse) -> None:
    async with request.app[ROOMS].subscribe() as changes:
        await response.write(b"retry: 3000\n\n")
        for _ in range(_BEATS):
            try:
                async with asyncio.timeout(_HEARTBEAT):
                    async for _room in changes:
                        await response.write(b"event: lobby\ndata: changed\n\n")
            except TimeoutError:
                await response.write(b": still here\n\n")
