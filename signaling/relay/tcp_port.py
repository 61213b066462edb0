"""Takes the relay's TCP port, of both families."""

import errno
import socket

_BACKLOG = 256
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
_ATTEMPTS = 20


class TcpPortTaken(OSError):
    """The relay's TCP port cannot be had."""


def listen(host_v4: str, host_v6: str | None, port: int) -> list[socket.socket]:
    """Listen on the same port of both families, a free one for 0; raises TcpPortTaken."""
    for attempt in range(_ATTEMPTS):
        try:
            return _bind_both(host_v4, host_v6, port)
        except OSError as error:
            # A port that is free for one family may be taken for the other.
            if port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                raise TcpPortTaken(error.errno, error.strerror) from error
    raise TcpPortTaken(errno.EADDRINUSE, "no port is free for both families")


def _bind_both(host_v4: str, host_v6: str | None, port: int) -> list[socket.socket]:
    bound = [_bind(socket.AF_INET, host_v4, port)]
    if host_v6 is None:
        return bound
    try:
        bound.append(_bind(socket.AF_INET6, host_v6, bound[0].getsockname()[1]))
    except OSError as error:
        if error.errno not in _NO_IPV6:
            bound[0].close()
            raise
    return bound


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(0)
        # A server that starts again need not wait for connections of the one before.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened
