"""The sockets that pages are served on, opened before anything else is."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from server.failure import CannotStart

BACKLOG = 1024
TRIES_FOR_A_FREE_PORT = 8
ABSENT_FAMILY = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on `port` of every address of `host`; port 0 takes one that is free on all.

    ``localhost`` may mean 127.0.0.1 and ::1; a family that this machine lacks is left out.
    Raises `CannotStart` when the port is taken or the host is not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"SPRECHZEIT_HOST: {host} is not known ({error.strerror})") from None
    addresses = list(dict.fromkeys((entry[0], str(entry[4][0])) for entry in found))
    for _ in range(TRIES_FOR_A_FREE_PORT if port == 0 else 1):
        try:
            sockets = _listen_on_all(addresses, port)
        except OSError as error:
            refusal = error
            continue
        if not sockets:
            raise CannotStart(f"SPRECHZEIT_HOST: {host} is no address of this machine")
        return sockets
    raise CannotStart(
        f"SPRECHZEIT_PORT: TCP port {port} of {host} cannot be had ({refusal.strerror})"
    )


def _listen_on_all(addresses: Sequence[tuple[int, str]], port: int) -> list[socket.socket]:
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, address in addresses:
            try:
                listener = _listen(family, (address, port))
            except OSError as error:
                if error.errno in ABSENT_FAMILY:
                    continue
                raise
            sockets.append(opened.enter_context(listener))
            port = listener.getsockname()[1]  # the others join the first
        opened.pop_all()
        return sockets


def _listen(family: int, address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
