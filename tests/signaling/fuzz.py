"""Damaged and hostile input from a seed: some in every test run, any number by command.

`python -m tests.signaling.fuzz --inputs 1000000` throws that many at a relay with a running call
and tells at the end whether anything was harmed or has grown. Among them are frames over TCP, media
of strangers under known SSRCs, feedback and repeat requests that a participant encrypts, messages
of the control protocol, and offers into a room, also from somebody whose call goes on.

Memory in use is told at ten marks. The first half of the inputs fills what is bounded (ids of STUN
transactions, libsrtp's streams); what is added in the second half is growth.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import random
import sys
import tempfile

import structlog

from signaling.fleet import ControlAddress
from signaling.relay import Relay, RelayConfig, framing, rtcp
from tests.signaling.damage import damaged
from tests.signaling.fuzz_insider import Insider
from tests.signaling.fuzz_offers import Offers
from tests.signaling.fuzz_orders import Orders
from tests.signaling.memory import Memory
from tests.signaling.peer import Peer, rtp_packet
from tests.signaling.tcp_peer import TcpPeer

SEED = 20261121
_BURST = 40
_TALK = 5000
_OFFER = 100
_MARKS = 10
_MOST_KIB = 1024  # of the second half: a leak of 64 bytes in every thirtieth input
_MOST_BLOCKS = 16_000  # of Python's, in the second half: one in every thirtieth input


async def talk(alice, bob, number):
    """Send a packet each way and wait for both; the call is unharmed when they arrive."""
    for sender, receiver in ((alice, bob), (bob, alice)):
        text = b"%s %d" % (sender.name.encode(), number)
        for kept in (receiver.rtp, receiver.rtcp, receiver.raw_received):
            kept.clear()
        await sender.bind()  # consent lasts half a minute only
        sender.send_rtp(rtp_packet(sender.ssrc + 1, number, payload=text, number=number & 0xFFFF))
        await receiver.until(lambda r=receiver, t=text: any(each.endswith(t) for each in r.rtp))


async def strangers_to(alice):
    """Open three ports that know the relay's address and nothing else."""
    strangers = [Peer("stranger") for _ in range(3)]
    for each in strangers:
        await each.open()
        each.answer = alice.answer
    return strangers


class Streams:
    """Connections of a participant and of strangers, opened again whenever the relay ends them."""

    def __init__(self, participant, *strangers):
        self.all = (participant, *strangers)
        self._participant = participant

    @classmethod
    async def to(cls, alice, conference):
        """Let a participant come over TCP, and two who know nothing but the port."""
        participant = await TcpPeer.connect(conference, "carol", ssrc=9000)
        strangers = [TcpPeer("stranger") for _ in range(2)]
        for each in strangers:
            each.answer = alice.answer
            await each.reconnect()
        return cls(participant, *strangers)

    async def throw(self, chance, captured):
        """Send a frame with something wrong in it, or wrong about it, in pieces."""
        peer = chance.choice(self.all)
        if peer.transport.is_closing():
            await peer.reconnect()
            if peer is self._participant:
                peer.transport.write(framing.frame(peer.binding_request()))
        stream = framing.frame(damaged(chance, captured))
        if chance.randrange(4) == 0:
            stream = damaged(chance, [stream])
        cut = chance.randrange(len(stream) + 1)
        peer.transport.write(stream[:cut])
        await asyncio.sleep(0)
        peer.transport.write(stream[cut:])

    async def close(self):
        for each in self.all:
            await each.close()


def impostor(chance, peers):
    """Give media or reports of nobody, under an SSRC that one of `peers` has."""
    ssrc = (chance.choice(peers).ssrc + chance.randrange(3)).to_bytes(4, "big")
    body = chance.randbytes(chance.randint(0, 1200))
    if chance.randrange(3):
        return bytes((0x80 | chance.choice((0, 16)), 96)) + chance.randbytes(6) + ssrc + body
    return bytes((0x80, chance.randint(200, 206))) + chance.randbytes(2) + ssrc + body


class Scene:
    """A call of two at a relay, and everybody who means ill."""

    def __init__(self, relay, peers, strangers, streams, orders, offers):
        self.relay = relay
        self.alice, self.bob, mallory = self.peers = peers
        self.strangers = strangers
        self.streams = streams
        self.orders = orders
        self.offers = offers
        self.moves = 0
        """How often somebody's address has changed."""
        self._insider = Insider(mallory)
        self._numbers = itertools.count()

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, relay, folder):
        """Set the scene at `relay`, with its control socket in `folder`."""
        room = relay.conference("room")
        peers = [
            await Peer.connect(room, name, ssrc=1000 * index)
            for index, name in enumerate(("alice", "bob", "mallory"), 1)
        ]
        strangers = await strangers_to(peers[0])
        streams = await Streams.to(peers[0], room)
        address = ControlAddress(path=f"{folder}/control.sock")
        async with Orders.to(relay, address) as orders, Offers.to(relay) as offers:
            yield cls(relay, peers, strangers, streams, orders, offers)
        for each in (*peers, streams):
            await each.close()
        for each in strangers:
            each.transport.close()

    async def talk(self):
        """See that the call and the orders are unharmed, and that a changed address is followed."""
        alice, bob, mallory = self.peers
        await talk(alice, bob, next(self._numbers))
        alice.transport.close()
        await alice.open()
        # The first packet from a new address proves who sends it, and is spent on that.
        alice.send_rtp(rtp_packet(alice.ssrc + 1, next(self._numbers)))
        self.moves += 1
        await talk(alice, bob, next(self._numbers))
        await self.orders.are_obeyed()
        await mallory.bind()
        self._insider.look()
        # Whatever strangers get stays, to be seen at the end.
        for each in (*self.peers, self.streams.all[0]):
            for kept in (each.sent, each.rtp, each.rtcp, each.raw_received, each.confirmed):
                kept.clear()

    async def flood(self, inputs, *, seed=SEED):
        """Throw so much at the relay, while the call runs."""
        captured = await self._capture()
        senders = [self.alice, self.bob, *self.strangers]
        chance = random.Random(seed)
        for count in range(inputs):
            if count % _OFFER == 0:
                await self.offers.throw(chance)
            elif count % 16 == 15:
                await self.orders.throw(chance)
            elif count % 8 == 1:
                await self.streams.throw(chance, captured)
            elif count % 8 == 3:
                self._insider.throw(chance)
            else:
                sender, datagram = chance.choice(senders), damaged(chance, captured)
                if count % 8 == 5:
                    sender = chance.choice(self.strangers)
                    datagram = impostor(chance, self.peers)
                sender.transport.sendto(datagram, self.alice.relay_address)
            if count % _BURST == 1:
                await asyncio.sleep(0)
            if count % _TALK == 1:
                await self.talk()
        await self.talk()

    async def _capture(self):
        """Have the call send everything it can; give all datagrams."""
        for _ in range(20):
            await talk(self.alice, self.bob, next(self._numbers))
            self.alice.send_rtcp(rtcp.picture_loss(1, self.alice.seat_ssrcs(0)[1]))
            self.alice.send_rtcp(rtcp.sender_report(1001, (1, 2), 3, 4, 5))
        return [bytes(each) for each in (*self.alice.sent, *self.bob.sent)]


@contextlib.contextmanager
def failures_noted():
    """Give the list of what goes wrong unseen: in callbacks, and as errors in the log."""
    failures = []

    def note(_logger, method, event):
        if method in {"error", "exception", "critical"}:
            failures.append(event)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[note])
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    try:
        yield failures
    finally:
        structlog.configure(**before)


async def _marked(scene, inputs, seed):
    """Throw so much at the scene; give the memory before and at marks."""
    memory = [Memory.now()]
    for mark in range(_MARKS):
        await scene.flood(inputs // _MARKS, seed=seed + mark)
        memory.append(Memory.now())
        sys.stderr.write(f"{inputs * (mark + 1) // _MARKS} inputs, {memory[-1]}\n")
    return memory


async def _run(inputs, seed):
    config = RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    with failures_noted() as failures, tempfile.TemporaryDirectory() as folder:
        relay = await Relay.start(config)
        async with Scene.at(relay, folder) as scene:
            memory = await _marked(scene, inputs, seed)
        await relay.close()
    for each in failures:
        sys.stderr.write(f"{each}\n")
    first, second = memory[_MARKS // 2] - memory[0], memory[-1] - memory[_MARKS // 2]
    dropped = sum(count for name, count in relay.counters.items() if name.startswith("dropped_"))
    return {
        "inputs": inputs,
        "dropped": dropped,
        "repeated": relay.counters["packets_repeated"],
        "moves": scene.moves,
        "offers_refused": scene.offers.refused,
        "offers_taken": scene.offers.taken,
        "failures": len(failures),
        "grown_in_first_half_kib": first.malloc_kib,
        "grown_kib": second.malloc_kib,
        "grown_blocks": second.blocks,
        "grown_resident_kib": second.resident_kib,
    }


def main():
    """Fuzz from the command line; ends with 1 when something failed or has grown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    figures = asyncio.run(_run(options.inputs, options.seed))
    print(json.dumps(figures))  # noqa: T201
    grown = figures["grown_kib"] > _MOST_KIB or figures["grown_blocks"] > _MOST_BLOCKS
    sys.exit(bool(figures["failures"]) or grown)


if __name__ == "__main__":
    main()
