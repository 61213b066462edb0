"""A relay on a free loopback port, peers that are closed after the test, rooms with sockets."""

import pytest
from aiohttp import web as http

from signaling.fleet import ControlAddress, OwnRelay
from signaling.relay import Relay, RelayConfig
from signaling.rooms import Identity, Role, Rooms
from signaling.sockets import serve
from tests.signaling.caller import ORIGIN, Caller
from tests.signaling.peer import Peer

SUBPROTOCOL = "sprechzeit.v1"


@pytest.fixture
async def relay():
    running = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    )
    yield running
    await running.close()


@pytest.fixture
def address(tmp_path):
    """Give a Unix socket that a relay may take orders on."""
    return ControlAddress(path=str(tmp_path / "control.sock"))


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


@pytest.fixture
async def rooms(relay, clock):
    registry = Rooms(OwnRelay(relay), clock=clock, steady=clock.steady)
    yield registry
    await registry.close()


@pytest.fixture
async def dial(rooms, aiohttp_client):
    """Open sockets: `host` and `guest…` are keys, the first letter tells the role."""

    async def handler(request):
        key = request.match_info["key"]
        role = Role.HOST if key.startswith("h") else Role.GUEST
        identity = Identity(key, key.title(), role)
        return await serve(request, rooms, request.match_info["room"], identity, origin=ORIGIN)

    app = http.Application()
    app.router.add_get("/{room}/{key}", handler)
    client = await aiohttp_client(app)

    async def dial(key, *, room="room", origin=ORIGIN):
        headers = {"Origin": origin} if origin else {}
        socket = await client.ws_connect(
            f"/{room}/{key}", headers=headers, protocols=(SUBPROTOCOL,), max_msg_size=0
        )
        return Caller(socket)

    return dial
