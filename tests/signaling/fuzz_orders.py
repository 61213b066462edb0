"""Damaged messages between servers and a relay, beside a server whose orders must be obeyed."""

import asyncio
import contextlib

from signaling.fleet import wire
from signaling.relay import Place
from tests.signaling.damage import damaged
from tests.signaling.peer import offer_sdp
from tests.signaling.relays import running_fleet
from tests.signaling.stations import LOAD, SECRET, running_station

_OVER_SOCKETS = 8  # one message in so many; the others go to what reads them
_NONCE = "cd" * 16
_PLACES = (Place("2", "3", "kim"), Place("4", "5", None))
_MESSAGES = (
    wire.Challenge(1, _NONCE),
    wire.Greeting(1, _NONCE, "ef" * 32),
    wire.Accepted("ef" * 32, LOAD),
    wire.Refused("busy"),
    wire.Offer(1, 2, "kim", offer_sdp()),
    wire.Answer(1, "v=0", _PLACES),
    wire.Failure(1, bad=True, message="no"),
    wire.Admit(2, "kim"),
    wire.Remove(2, "kim"),
    wire.Dissolve(2),
    wire.Alive(),
    LOAD,
    wire.Layout(2, "kim", _PLACES),
    wire.Heard(2, {"kim": 7}),
    wire.Leaving(),
)


class _Rogue(asyncio.Protocol):
    """A connection to a station that says anything; with the secret, a server that went mad."""

    def __init__(self, secret):
        self.over = False
        self._secret = secret
        self._heard = bytearray()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self._secret is None:
            return
        self._heard += data
        length = 4 + int.from_bytes(self._heard[:4], "big")
        if len(self._heard) >= length:
            challenge = wire.decode(bytes(self._heard[4:length]), wire.REPORTS)
            proof = wire.proof(self._secret, "server", (challenge.nonce, _NONCE))
            self.transport.write(wire.encode(wire.Greeting(1, _NONCE, proof)))
            self._secret = None

    def connection_lost(self, _error):
        self.over = True


class Orders:
    """A station under attack; `fleet` belongs to a server that is as it should be."""

    def __init__(self, address, fleet):
        self._address = address
        self._fleet = fleet
        self._frames = [wire.encode(each) for each in _MESSAGES]
        self._rogues = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, relay, address):
        """Have `relay` take orders at `address`."""
        async with (
            running_station(relay, address, orphans=0),
            running_fleet(address, secret=SECRET) as fleet,
        ):
            orders = cls(address, fleet)
            yield orders
            for each in orders._rogues.values():
                each.transport.close()

    async def throw(self, chance):
        """Let a damaged message be read, by a server's and a relay's reader, or by the station."""
        frame = damaged(chance, self._frames)
        if chance.randrange(_OVER_SOCKETS):
            for known in (wire.ORDERS, wire.REPORTS):
                with contextlib.suppress(wire.WireError):
                    assert type(wire.decode(frame[4:], known)) in known.values()
            return
        rogue = await self._rogue(chance.choice((None, SECRET)))
        rogue.transport.write(frame)
        await asyncio.sleep(0)

    async def are_obeyed(self):
        """Have the good server make an offer and get the answer."""
        answer = await self._fleet.conference("room").offer("kim", offer_sdp())
        assert answer.startswith("v=0")

    async def _rogue(self, secret):
        rogue = self._rogues.get(secret)
        if rogue is None or rogue.over:
            loop = asyncio.get_running_loop()
            _, rogue = await loop.create_unix_connection(lambda: _Rogue(secret), self._address.path)
            self._rogues[secret] = rogue
        return rogue
