"""The headless client over TCP: the same STUN, DTLS and media in frames on a connection."""

import asyncio

from signaling.relay import framing
from tests.signaling.peer import Peer


class _Stream(asyncio.Protocol):
    """Takes frames apart for a peer."""

    def __init__(self, peer):
        self.peer = peer
        self.rest = bytearray()
        self.ended = False

    def data_received(self, data):
        self.rest += data
        found, position = framing.whole_frames(self.rest, 10_000)
        datagrams = [bytes(self.rest[each]) for each in found]
        del self.rest[:position]
        for each in datagrams:
            self.peer.datagram_received(each, None)

    def connection_lost(self, _error):
        self.ended = True
        self.peer._arrived.set()


class TcpPeer(Peer):
    """A client that reaches the relay by its TCP candidate alone."""

    transport = None

    async def open(self):
        """Nothing yet: where to connect to stands in the answer."""

    async def bind(self):
        """Connect if there is no connection, check the path and nominate it."""
        if self.transport is None:
            await self.reconnect()
        await super().bind()

    async def reconnect(self):
        """Open a (new) connection."""
        loop = asyncio.get_running_loop()
        self.transport, self._stream = await loop.create_connection(
            lambda: _Stream(self), *self.tcp_address
        )

    @property
    def ended(self):
        """Whether the present connection is over."""
        return self._stream.ended

    @property
    def tcp_address(self):
        fields = next(each for each in self.lines("a=candidate:") if " tcp " in each).split()
        return fields[4], int(fields[5])

    def send(self, datagram):
        self.sent.append(datagram)
        self.transport.write(framing.frame(datagram))
