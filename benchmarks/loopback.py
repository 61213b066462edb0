"""An HTTP/1.1 client that costs the server under test as little of the machine as possible.

It knows what the measured servers answer with (RFC 9112): a status line, headers, and a body
with Content-Length. Cookies are kept; redirections are left to the caller.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `location` is a path without the origin, or empty."""

    status: int
    location: str
    body: bytes


class Client:
    """One visitor on one connection, which is opened anew whenever the server closes it."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._hang_up()

    async def get(self, path: str) -> Answer:
        """Ask for a page."""
        return await self._send("GET", path, "", b"")

    async def post(self, path: str, form: dict[str, str]) -> Answer:
        """Send a form."""
        body = urlencode(form).encode()
        headers = (
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        )
        return await self._send("POST", path, headers, body)

    async def post_json(self, path: str, order: dict[str, str]) -> Answer:
        """Send an order as JSON."""
        body = json.dumps(order).encode()
        headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return await self._send("POST", path, headers, body)

    async def _send(self, method: str, path: str, headers: str, body: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers += f"Cookie: {pairs}\r\n"
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        return await self._receive(reader)

    async def _receive(self, reader: asyncio.StreamReader) -> Answer:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status, length, location, closes = int(first.split(" ", 2)[1]), 0, "", False
        for line in filter(None, lines):
            name, _, value = line.partition(": ")
            match name.lower():
                case "content-length":
                    length = int(value)
                case "location":
                    parts = urlsplit(value)
                    location = parts.path + (f"?{parts.query}" if parts.query else "")
                case "set-cookie":
                    cookie, _, kept = value.partition(";")[0].partition("=")
                    self.cookies[cookie] = kept
                case "connection":
                    closes = value.lower() == "close"
                case "transfer-encoding":
                    raise ValueError("an answer in chunks is not read")
        body = await reader.readexactly(length) if length else b""
        if closes:
            self._hang_up()
        return Answer(status, location, body)

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
