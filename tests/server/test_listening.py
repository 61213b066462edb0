"""Pages are served on every address of a host, or the start is refused."""

from __future__ import annotations

import socket

import pytest

from server.failure import CannotStart
from server.listening import open_sockets


def test_all_addresses_of_a_host_share_one_free_port() -> None:
    sockets = open_sockets("localhost", 0)

    ports = {listener.getsockname()[1] for listener in sockets}
    for listener in sockets:
        listener.close()
    assert len(ports) == 1
    assert ports != {0}


def test_a_taken_port_is_refused_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(CannotStart, match=rf"^SPRECHZEIT_PORT: TCP port {port} "):
            open_sockets("localhost", port)

    for listener in open_sockets("localhost", port):
        listener.close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_here_is_refused(host: str) -> None:
    with pytest.raises(CannotStart, match=r"^SPRECHZEIT_HOST: "):
        open_sockets(host, 0)
