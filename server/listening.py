"""The sockets that pages are served on, opened before anything else is."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

from server.failure import CannotStart

BACKLOG = 1024
ABSENT_FAMILY = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listen on `port` of every address of `host`; port 0 takes one that is free.

    ``localhost`` may mean 127.0.0.1 and ::1; a family that this machine lacks is left out.
    Raises `CannotStart` when the port is taken or the host is not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise CannotStart(f"SPRECHZEIT_HOST: {host} is not known ({error.strerror})") from None
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            if sockets:  # after port 0, the others join the first
                port = sockets[0].getsockname()[1]
            try:
                listener = _listen(family, (str(address[0]), port))
            except OSError as error:
                if error.errno in ABSENT_FAMILY:
                    continue
                raise CannotStart(
                    f"SPRECHZEIT_PORT: TCP port {port} of {host} cannot be had ({error.strerror})"
                ) from None
            sockets.append(opened.enter_context(listener))
        if not sockets:
            raise CannotStart(f"SPRECHZEIT_HOST: {host} is no address of this machine")
        opened.pop_all()
        return sockets


def _listen(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
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
