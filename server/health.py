"""The state of each part at ``/healthz``, for balancers and monitoring."""

from __future__ import annotations

import asyncio
import datetime as dt

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from scheduling.store import Store
from server.backlog import Backlog, read_backlog
from signaling.media import Carrier, Condition, RelayState
from web.keys import CLOCK, STORE

log = structlog.get_logger()

SECONDS_TO_ANSWER = 2.0
LATE_SECONDS = 300.0
"""From this age on, a waiting letter means that mail is not leaving."""


RELAY: web.AppKey[Carrier] = web.AppKey("relay")


async def healthz(request: web.Request) -> web.Response:
    """Answer ``GET /healthz``: 200, or 503 when a part that is needed is down.

    Nothing works without the store; mail can wait, and people can book while no relay is up.
    """
    store, states = request.app[STORE], request.app[RELAY].states
    backlog = await _backlog(store, request.app[CLOCK]())
    parts: dict[str, dict[str, object]] = {
        "database": {"state": "up" if backlog else "down", "engine": store.dialect},
        "relay": _relay(states),
        "mail": _mail(backlog),
    }
    up = backlog is not None
    return web.json_response(
        {"state": "up" if up else "down", "parts": parts}, status=200 if up else 503
    )


def _relay(states: tuple[RelayState, ...]) -> dict[str, object]:
    # The page is public, so relays are told apart by their place in the configuration.
    relays = [
        {
            "state": each.condition,
            "port": each.port,
            "tcp_port": each.tcp_port or None,
            "rooms": each.counters.get("rooms", 0),
            "participants": each.counters.get("participants", 0),
            "cpu": each.cpu and round(each.cpu, 3),
            "reason": each.reason,
        }
        for each in states
    ]
    up = any(each.condition is Condition.UP for each in states)
    return {"state": "up" if up else "down", "relays": relays}


async def _backlog(store: Store, now: dt.datetime) -> Backlog | None:
    try:
        async with asyncio.timeout(SECONDS_TO_ANSWER), store.reading() as tx:
            return await read_backlog(tx, now)
    except (SQLAlchemyError, OSError, TimeoutError):
        log.exception("database down")
        return None


def _mail(backlog: Backlog | None) -> dict[str, object]:
    if backlog is None:
        return {"state": "unknown"}
    late = backlog.oldest_seconds > LATE_SECONDS
    return {
        "state": "late" if late else "up",
        "waiting": backlog.waiting,
        "oldest_seconds": backlog.oldest_seconds,
        "refused": backlog.refused,
    }
