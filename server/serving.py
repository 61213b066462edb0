"""One run of the server: from open sockets to a quick, orderly end."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

from server import data_folder, journal
from server.app import create_app
from server.config import Config
from server.listening import open_sockets

SECONDS_TO_FINISH = 3.0
"""How long answers under way may take after the order to stop."""


async def serve(config: Config, announce: Callable[[Config], Awaitable[None]]) -> None:
    """Serve until SIGTERM or SIGINT; call `announce` with the real port once pages answer.

    Raises `CannotStart`.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(journal.log_stray_failure)
    data_folder.prepare(config)
    sockets = open_sockets(config.host, config.port)
    config = config.model_copy(update={"port": sockets[0].getsockname()[1]})
    runner = web.AppRunner(create_app(config), access_log=None, shutdown_timeout=SECONDS_TO_FINISH)
    stop = asyncio.Event()
    try:
        await runner.setup()
        for listener in sockets:
            await web.SockSite(runner, listener).start()
        for order in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(order, stop.set)
        # What was loaded to start stays until the end: whoever collects garbage while somebody
        # waits for an answer need not look through it again.
        gc.freeze()
        await announce(config)
        await stop.wait()
    finally:
        await runner.cleanup()
        for listener in sockets:
            listener.close()
