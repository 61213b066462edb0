"""Where a relay listens for control: a Unix socket, or TCP on a private network."""

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from yarl import URL

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Greet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_BUFFER = 512 * 1024  # bytes read ahead of what was taken


@dataclass(frozen=True, slots=True)
class ControlAddress:
    """`unix:/path` or `tcp://host:port`; `path` is empty for TCP."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "ControlAddress":
        """Read an address; raises ValueError saying what is wrong with it."""
        scheme, _, rest = text.partition(":")
        if scheme == "unix":
            path = rest.removeprefix("//")
            if not path.startswith("/"):
                raise ValueError(f"{text!r} must name an absolute path, as unix:/run/relay.sock")
            return cls(path=path)
        try:
            url = URL(text)
            port = url.explicit_port
        except ValueError:
            raise ValueError(f"{text!r} is not an address") from None
        if url.scheme != "tcp" or not url.host or port is None or url.path not in {"", "/"}:
            raise ValueError(f"{text!r} must be unix:/path or tcp://host:port")
        return cls(host=url.host, port=port)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"tcp://[{self.host}]:{self.port}" if ":" in self.host else (
            f"tcp://{self.host}:{self.port}"
        )  # fmt: skip

    async def connect(self) -> Streams:
        """Connect; raises OSError."""
        if self.path:
            return await asyncio.open_unix_connection(self.path, limit=_BUFFER)
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=_BUFFER)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return reader, writer

    async def listen(self, greet: Greet) -> asyncio.Server:
        """Listen; a Unix socket is for this user alone. Raises OSError."""
        if not self.path:
            return await asyncio.start_server(greet, self.host, self.port, limit=_BUFFER)
        self._clear()
        # Nobody else may connect, not even for the moment before a chmod.
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(greet, self.path, limit=_BUFFER)
        finally:
            os.umask(before)

    def _clear(self) -> None:
        """Take away what a process that was killed left behind; raises OSError when it lives."""
        path = Path(self.path)
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.stat().st_mode):
                raise FileExistsError(errno.EEXIST, "a file of that name is no socket")
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(self.path)
                except ConnectionRefusedError:
                    path.unlink()
                else:
                    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
