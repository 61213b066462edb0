"""A relay on a free loopback port, and peers that are closed after the test."""

import pytest

from signaling.relay import Relay, RelayConfig
from tests.signaling.peer import Peer


@pytest.fixture
async def relay():
    running = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    )
    yield running
    await running.close()


@pytest.fixture
async def connect(relay):
    peers = []

    async def connect(name, **options):
        peer = await Peer.connect(relay.conference("room"), name, **options)
        peers.append(peer)
        return peer

    yield connect
    for peer in peers:
        await peer.close()
