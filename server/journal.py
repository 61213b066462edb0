"""The log: structured, on standard error, without personal data.

Links hold tokens and database errors hold rows; so requests are logged by route template and
foreign exceptions by type and place, never by message.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from aiohttp import web

from server.config import Config

TELLTALES = ("sqlalchemy", "asyncpg", "sqlite3", "aiosmtplib", "aiohttp", "email", "pydantic")
"""Libraries whose error messages quote what people sent or stored."""


def configure(config: Config, stream: TextIO | None = None) -> None:
    """Send our log and that of every library to standard error in one format."""
    stream = stream or sys.stderr
    console = config.log_format == "console" or (config.log_format == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_messages,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(_without_addresses)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(config.log_level.upper())
    for chatty in ("aiohttp.access", "aiortc", "aioice", "alembic", "mail"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _without_addresses(record: logging.LogRecord) -> bool:
    # "Error handling request from %s" would log where somebody lives.
    if record.name.startswith("aiohttp") and isinstance(record.msg, str):
        record.msg, record.args = record.msg.partition(" from %s")[0], ()
    return True


def without_messages(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its types and places (a structlog processor)."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = " <- ".join(_chain(error))
        event["at"] = _places(error)
    return event


def _chain(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        kind = type(error)
        name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        told = "" if kind.__module__.startswith(TELLTALES) else f": {error}"
        yield name + told
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def route_of(request: web.Request) -> str:
    """Return the template of the request's route, e.g. ``/call/{token}``, never its path."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def log_stray_failure(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Log what nobody awaited (an asyncio exception handler)."""
    # asyncio's own message holds the repr of the exception, and with it rows and links.
    structlog.get_logger().error("stray failure", exc_info=context.get("exception"))
