"""Credentials for TURN, and calls through the real coturn by TLS, as on networks with 443 alone."""

import asyncio
import base64
import hashlib
import hmac
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from aioice import stun
from aioice.turn import create_turn_endpoint

from signaling.messages import TransportPolicy
from signaling.turn import LIFETIME, RENEWED_AFTER, Turn
from tests.signaling.coturn import HOST, SECRET, running
from tests.signaling.peer import Peer, rtp_packet

URLS = ("turns:turn.office.example:443?transport=tcp",)


@pytest.fixture(scope="module")
def coturn(tmp_path_factory):
    with running(tmp_path_factory.mktemp("coturn")) as server:
        yield server


class TurnPeer(Peer):
    """A headless client that reaches the relay through TURN over TLS alone."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.coturn = None
        self.ice = None
        self.lost = False

    async def open(self):
        """Allocate an address at the TURN server."""
        self.transport, _ = await allocated(
            self.coturn.tls_port,
            self.ice,
            lambda: self,
            ssl=ssl.create_default_context(cafile=self.coturn.certificate),
            transport="tcp",
        )

    def send(self, datagram):
        self.sent.append(datagram)
        self.transport.sendto(datagram, self.relay_address)

    async def close(self):
        """Give the address back and wait until the connection is closed."""
        await super().close()
        await self.until(lambda: self.lost)

    def connection_lost(self, _error):
        self.lost = True


async def allocated(port, ice, protocol=asyncio.DatagramProtocol, **options):
    """Allocate an address at the TURN server on `port`."""
    [server] = ice.iceServers
    address = (HOST, port)
    return await create_turn_endpoint(
        protocol, address, server.username, server.credential, **options
    )


def turn(**options):
    return Turn(URLS, SECRET, **options)


def test_credentials_are_the_expiry_and_a_random_name_sealed_with_the_secret(clock):
    [server] = turn(clock=clock).grant().iceServers

    expires, _, name = server.username.partition(":")
    digest = hmac.new(SECRET.encode(), server.username.encode(), hashlib.sha1).digest()
    assert server.urls == URLS
    assert int(expires) == int((clock() + LIFETIME).timestamp())
    assert len(name) >= 12
    assert base64.b64decode(server.credential) == digest


def test_nobody_can_be_followed_by_their_credentials(clock):
    granter = turn(clock=clock)

    names = {granter.grant().iceServers[0].username for _ in range(10)}

    assert len(names) == 10


def test_credentials_last_ten_minutes_at_most_and_are_renewed_long_before():
    assert timedelta(minutes=10) >= LIFETIME
    assert RENEWED_AFTER <= LIFETIME / 2


def test_what_was_granted_by_a_clock_that_was_put_back_since_is_renewed(clock):
    granter, granted = turn(clock=clock), clock()

    clock.forward(minutes=3)
    young = granter.is_due(granted)
    clock.jump(hours=-1)

    assert not young
    assert granter.is_due(granted)


def test_an_office_without_turn_grants_nothing():
    granter = Turn()

    assert granter.grant().iceServers == ()
    assert granter.grant().iceTransportPolicy is TransportPolicy.ALL
    assert not granter.is_due(datetime(2020, 1, 1, tzinfo=UTC))


async def test_clients_get_credentials_at_once_and_newer_ones_while_they_are_there(
    rooms, dial, clock
):
    rooms.turn = turn(only=True, clock=clock)
    host = await dial("host")
    welcome = await host.hello()

    await host.say("ping", id=1)
    await host.hear("pong")
    clock.now += RENEWED_AFTER
    await host.say("ping", id=2)
    renewed = await host.hear("ice")

    assert welcome["iceTransportPolicy"] == renewed["iceTransportPolicy"] == "relay"
    assert [each["type"] for each in host.seen] == ["welcome", "pong", "pong", "ice"]
    [first], [second] = welcome["iceServers"], renewed["iceServers"]
    assert first["urls"] == second["urls"] == list(URLS)
    assert first["username"] != second["username"]
    assert first["credential"] != second["credential"]


async def test_a_call_runs_through_coturn_by_tls(relay, connect, coturn):
    conference = relay.conference("room")
    alice = TurnPeer("alice", 1000)
    alice.coturn, alice.ice = coturn, turn().grant()
    await alice.open()
    alice.negotiate(conference)
    conference.admit("alice")
    await alice.bind()
    await alice.handshake()
    bob = await connect("bob", ssrc=2000)

    for number in range(50):
        alice.send_rtp(rtp_packet(1001, number, payload=b"to bob", number=number))
        bob.send_rtp(rtp_packet(2001, number, payload=b"to alice", number=number))
    for peer in (alice, bob):
        await peer.until(lambda p=peer: len(p.received(p.seat_ssrcs(0)[1])) == 50)

    assert relay.counters["participants_connected"] == 2
    await alice.close()


async def test_credentials_that_are_over_or_made_up_open_nothing(coturn):
    long_ago = turn(clock=lambda: datetime.now(UTC) - LIFETIME - timedelta(seconds=5))
    guessed = Turn(URLS, "another-secret-of-somebody-else")

    for granter in (long_ago, guessed):
        with pytest.raises(stun.TransactionFailed):
            await allocated(coturn.port, granter.grant())
    await asyncio.sleep(0)  # sockets are closed in the turn after


async def test_a_way_that_is_open_stays_open_when_its_credentials_are_over(coturn):
    ending = turn(clock=lambda: datetime.now(UTC) - LIFETIME + timedelta(seconds=3))
    granted = ending.grant()
    transport, _ = await allocated(coturn.port, granted)
    inner = transport._TurnTransport__inner_protocol
    renewal = stun.Message(stun.Method.REFRESH, stun.Class.REQUEST)
    renewal.attributes["LIFETIME"] = 600

    async with asyncio.timeout(20):
        with pytest.raises(stun.TransactionFailed):
            while True:  # until they open nothing new any more
                another, _ = await allocated(coturn.port, granted)
                await another._TurnTransport__inner_protocol.delete()
    response, _ = await inner.request_with_retry(renewal)

    assert response.message_class is stun.Class.RESPONSE
    await inner.delete()
    await asyncio.sleep(0)  # sockets are closed in the turn after
