"""Calls are carried by a relay in this process or by relay processes; a run of such a process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator

import structlog

from server import journal
from server.config import Config, RelayProcess
from server.failure import CannotStart
from server.supervision import running
from signaling.fleet import ControlAddress, Fleet, OwnRelay, Station
from signaling.media import Carrier
from signaling.relay import Relay, RelayConfig, TcpPortTaken

log = structlog.get_logger()

SECONDS_FOR_THE_FIRST_ANSWER = 1.0
"""How long a server waits at its start for its relays; whoever comes later is taken then."""
SECONDS_TO_LEAVE = 4.0
"""How long the people on a relay that was ordered to stop have to go to another one."""


@contextlib.asynccontextmanager
async def carrying(config: Config) -> AsyncIterator[Carrier]:
    """Carry calls until the block is left; raises `CannotStart`."""
    if not config.relays:
        relay = OwnRelay(await started(config))
        try:
            yield relay
        finally:
            await relay.close()
        return
    fleet = Fleet(map(ControlAddress.parse, config.relays), secret_of(config))
    async with contextlib.AsyncExitStack() as links:
        for link in fleet.links:
            await links.enter_async_context(running(f"relay {link.address}", link.run))
        await fleet.tried(within=SECONDS_FOR_THE_FIRST_ANSWER)
        try:
            yield fleet
        finally:
            await fleet.close()


async def started(config: Config) -> Relay:
    """Start a relay in this process; raises `CannotStart`."""
    try:
        return await Relay.start(
            RelayConfig(
                host_v4=config.relay_host_v4,
                host_v6=None if config.relay_host_v6 == "none" else config.relay_host_v6,
                port=config.relay_port,
                tcp_port=config.tcp_port,
                advertised=config.relay_advertised,
            )
        )
    except TcpPortTaken as error:
        raise CannotStart(
            f"SPRECHZEIT_RELAY_TCP_PORT: TCP port {config.tcp_port} cannot be had "
            f"({error.strerror})"
        ) from None
    except OSError as error:
        raise CannotStart(
            f"SPRECHZEIT_RELAY_PORT: UDP port {config.relay_port} cannot be had ({error.strerror})"
        ) from None


def secret_of(config: Config) -> bytes:
    """Return what relays and servers prove to each other; empty where the file system decides."""
    return config.relay_secret.get_secret_value().encode() if config.relay_secret else b""


async def relay(config: RelayProcess) -> None:
    """Carry calls for servers until SIGTERM or SIGINT; raises `CannotStart`."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(journal.log_stray_failure)
    stop = asyncio.Event()
    for order in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(order, stop.set)
    carried = await started(config)
    try:
        address = ControlAddress.parse(config.relay_control)
        try:
            station = await Station.open(carried, address, secret_of(config))
        except OSError as error:
            raise CannotStart(
                f"SPRECHZEIT_RELAY_CONTROL: {address} cannot be had ({error.strerror})"
            ) from None
        try:
            gc.freeze()  # as `server.serving` does: what was loaded to start stays
            log.info("relaying", control=str(address), port=carried.port)
            await stop.wait()
            await station.leave(within=SECONDS_TO_LEAVE)
        finally:
            await station.close()
    finally:
        await carried.close()
