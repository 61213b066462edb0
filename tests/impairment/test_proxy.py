"""The proxy as it runs: a process between a socket and a server that answers."""

import asyncio
import socket

import pytest

from tests.impairment.journal import replay
from tests.impairment.link import Conditions
from tests.impairment.process import bad_network
from tests.impairment.profiles import Profile

PATIENCE = 10  # seconds


class Echo(asyncio.DatagramProtocol):
    """Answers each datagram with the port it came from."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, _data, addr):
        self.transport.sendto(b"%d" % addr[1], addr)


async def echo_stream(reader, writer):
    while received := await reader.read(65536):
        writer.write(received)
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def relay_port():
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(echo_stream, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", port))
    async with server:
        yield port
    transport.close()


class Participant:
    def __init__(self, port):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.connect(("127.0.0.1", port))

    async def ask(self, patience=PATIENCE):
        loop = asyncio.get_running_loop()
        self.socket.send(b"which port?")
        return await asyncio.wait_for(loop.sock_recv(self.socket, 100), patience)


@pytest.fixture
def participant():
    opened = []

    def participant(port):
        opened.append(Participant(port))
        return opened[-1]

    yield participant
    for each in opened:
        each.socket.close()


async def test_datagrams_pass_are_delayed_and_come_from_another_port_after_a_rebind(
    relay_port, participant, tmp_path
):
    journal = tmp_path / "journal"
    loop = asyncio.get_running_loop()
    with bad_network(relay_port, journal=journal) as network:
        near = participant(network.port)
        first = await near.ask()
        network.change(up=Conditions(delay_ms=40), down=Conditions(delay_ms=40))
        began = loop.time()
        assert await near.ask() == first
        assert loop.time() - began >= 0.08
        network.rebind()
        assert await near.ask() != first
        assert network.counts()["up"]["packets"] == 3

    assert replay(journal.read_text().splitlines()) == (6, [])


async def test_a_network_without_datagrams_still_carries_streams_all_of_them(relay_port):
    sent = bytes(range(256)) * 1000
    with bad_network(relay_port) as network:
        narrow = Conditions(delay_ms=5, loss=0.02, rate_kbit=20_000, queue_ms=50)
        network.change(up=narrow, down=narrow)
        network.let_datagrams_pass(False)
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.readexactly(len(sent)), PATIENCE) == sent

        network.rebind()

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), PATIENCE)
        writer.close()


async def test_nothing_passes_in_a_blackout(relay_port, participant):
    with bad_network(relay_port) as network:
        near = participant(network.port)
        await near.ask()

        network.black_out(60)

        near.socket.send(b"?")
        while not network.counts()["up"]["lost"]:
            await asyncio.sleep(0)
        assert network.counts()["down"]["packets"] == 1


async def test_an_outage_ends_and_comes_no_more_once_the_network_is_mended(relay_port, participant):
    with bad_network(relay_port) as network:
        near = participant(network.port)
        network.be(Profile("dark", outage=60, outage_every=0.01))
        while not network.counts()["up"]["lost"]:
            near.socket.send(b"?")
            await asyncio.sleep(0)

        network.mend()

        lost = network.counts()["up"]["lost"]
        for _ in range(20):
            await near.ask()
        assert network.counts()["up"]["lost"] == lost
