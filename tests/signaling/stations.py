"""A relay's end of the control protocol in this process, real or only imitated."""

import asyncio
import contextlib

from signaling.fleet import Station, station, wire

SECRET = b"a secret of thirty-two characters"
LOAD = wire.Load(participants=0, cpu=0.0, port=1, tcp_port=2, addresses=(), counters={})


@contextlib.asynccontextmanager
async def running_station(relay, address, secret=SECRET, **patience):
    taking = await Station.open(relay, address, secret, station.Patience(**patience))
    try:
        yield taking
    finally:
        await taking.close()


@contextlib.asynccontextmanager
async def imitation(address, *, version=wire.VERSION, secret=SECRET, answers=True, beats=True):
    """Listen as a relay that speaks and carries nothing; gives what lets it answer offers."""
    let = asyncio.Event()
    if answers:
        let.set()
    greeted = set()

    async def speak(reader, writer):
        wire.send(writer, wire.Challenge(version, "ab"))
        greeting = await wire.receive(reader, wire.ORDERS)
        proof = wire.proof(secret, "relay", ("ab", greeting.nonce))
        wire.send(writer, wire.Accepted(proof, LOAD))
        while True:
            match await wire.receive(reader, wire.ORDERS):
                case wire.Offer(number):
                    await let.wait()
                    wire.send(writer, wire.Answer(number, "imitated", ()))
                case wire.Alive() if beats:
                    wire.send(writer, LOAD)

    async def greet(reader, writer):
        greeted.add(asyncio.current_task())
        ends = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.suppress(*ends):
            await speak(reader, writer)

    server = await address.listen(greet)
    try:
        yield let
    finally:
        server.close()
        for each in greeted:
            each.cancel()
        await asyncio.gather(*greeted)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
