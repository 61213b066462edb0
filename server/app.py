"""The application, put together from its parts."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from argon2 import PasswordHasher

from scheduling import retention
from scheduling.grid import ZONE
from scheduling.model import NotFound
from server import data_folder, database
from server.call_figures import CallFigures
from server.config import Config
from server.demo_mail import FolderMailbox
from server.health import RELAY, healthz
from server.mail import Post, delivery_of
from server.metrics import METRICS, Metrics, count_requests
from server.relaying import carrying
from server.second_look import SecondLook
from server.security import add_headers, give_nonce
from server.sign_in import HASHER, PasswordSignIn
from server.supervision import running
from server.waitlist import Waitlist
from signaling.rooms import Rooms
from signaling.turn import Turn
from web.app import setup as set_up_pages
from web.calls import note_end
from web.connection_log import ConnectionLog
from web.keys import CLOCK, MAILBOX, ROOMS, SETTINGS, SIGN_IN, STORE, Clock
from web.letters import LETTERS
from web.settings import Limits, Rate, Settings

log = structlog.get_logger()

CONFIG: web.AppKey[Config] = web.AppKey("config")
PASSWORDS: web.AppKey[PasswordHasher] = web.AppKey("passwords")

LARGEST_FORM_BYTES = 64 * 1024
SECONDS_BETWEEN_PURGES = 3600


def present() -> dt.datetime:
    """Return the present instant."""
    return dt.datetime.now(dt.UTC)


def create_app(
    config: Config, clock: Clock = present, passwords: PasswordHasher = HASHER
) -> web.Application:
    """Put the application together; whatever opens, opens when it is started.

    The data folder must be there (`server.data_folder.prepare`). Starting raises
    `CannotStart` when the store or the relay's port cannot be had.
    """
    app = web.Application(
        middlewares=[count_requests, give_nonce], client_max_size=LARGEST_FORM_BYTES
    )
    app[CONFIG] = config
    app[CLOCK] = clock
    app[PASSWORDS] = passwords
    app[SETTINGS] = settings_of(config)
    app[METRICS] = Metrics()
    app[MAILBOX] = FolderMailbox(config.mail_folder) if config.demo else None
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", app[METRICS].answer)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_tell_rooms)  # sockets end before the pages do
    app.cleanup_ctx.extend((_store, _relay, _rooms, _sign_in))
    app.cleanup_ctx.extend((_post, _purge, _waitlist, _second_look, _connection_log))
    set_up_pages(app)
    return app


def settings_of(config: Config) -> Settings:
    """Return the part of the configuration that pages use."""

    def scaled(rate: Rate) -> Rate:
        factor = config.rate_limit_factor
        return Rate(max(1, round(rate.burst * factor)), rate.per_minute * factor)

    usual = Limits()
    return Settings(
        public_url=config.origin,
        office=config.office,
        organizer_email=config.sender,
        demo=config.demo,
        secret=data_folder.secret(config),
        timezone=ZONE,
        lobby_minutes=config.lobby_minutes,
        hold_minutes=config.hold_minutes,
        undo_seconds=config.undo_seconds,
        retention_days=config.retention_days,
        secure=config.origin.startswith("https:"),
        trusted_proxies=config.trusted_proxies,
        limits=Limits(
            booking=scaled(usual.booking),
            sign_in=scaled(usual.sign_in),
            guessing=scaled(usual.guessing),
        ),
    )


def turn_of(config: Config, clock: Clock) -> Turn:
    """Return who grants the office's TURN servers, which are none by default."""
    secret = config.turn_secret.get_secret_value() if config.turn_secret else ""
    return Turn(config.turn_urls, secret, only=config.turn_only, clock=clock)


async def _store(app: web.Application) -> AsyncIterator[None]:
    app[STORE] = await database.opened(app[CONFIG].store_url)
    yield
    await app[STORE].close()


async def _relay(app: web.Application) -> AsyncIterator[None]:
    async with carrying(app[CONFIG]) as app[RELAY]:
        yield


async def _rooms(app: web.Application) -> AsyncIterator[None]:
    rooms = app[ROOMS] = Rooms(app[RELAY], clock=app[CLOCK], turn=turn_of(app[CONFIG], app[CLOCK]))
    app[METRICS].registry.register(CallFigures(rooms))
    rooms.on_ended = functools.partial(_end_consultation, app)
    yield


async def _tell_rooms(app: web.Application) -> None:
    await app[ROOMS].close()


async def _end_consultation(app: web.Application, room: str) -> None:
    """Note in the plan that the caseworker ended the call of appointment `room`."""
    try:
        async with app[STORE].writing() as tx:
            await note_end(tx, room, actor="caseworker", now=app[CLOCK]())
    except NotFound:
        log.info("ended call has no appointment")


async def _sign_in(app: web.Application) -> AsyncIterator[None]:
    sign_in = app[SIGN_IN] = PasswordSignIn(app[STORE], app[PASSWORDS])
    yield
    sign_in.close()


async def _post(app: web.Application) -> AsyncIterator[None]:
    delivery = delivery_of(app[CONFIG], app[CLOCK])
    post = Post(app[STORE], delivery, app[LETTERS].written, app[CLOCK])
    app[METRICS].watch(app[RELAY], post)
    async with running("mail", post.run):
        yield


async def _purge(app: web.Application) -> AsyncIterator[None]:
    async def purge_hourly() -> None:
        while True:
            async with app[STORE].writing() as tx:
                removed = await retention.purge(tx, app[CLOCK]())
            log.info("purged", rows=removed)
            await asyncio.sleep(SECONDS_BETWEEN_PURGES)

    async with running("purge", purge_hourly):
        yield


async def _waitlist(app: web.Application) -> AsyncIterator[None]:
    worker = Waitlist(app[STORE], app[LETTERS], app[CLOCK])
    async with running("waitlist", worker.run):
        yield


async def _second_look(app: web.Application) -> AsyncIterator[None]:
    worker = SecondLook(app[STORE], app[CLOCK])
    async with running("second look", worker.run):
        yield


async def _connection_log(app: web.Application) -> AsyncIterator[None]:
    connection_log = ConnectionLog(app[STORE], app[ROOMS].visits)
    async with running("connection log", connection_log.run):
        yield
    await connection_log.finish()
