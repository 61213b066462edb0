"""Damaged datagrams, frames and offers from a seed: a few in every test run, any number by command.

`python -m tests.signaling.fuzz --inputs 1000000` throws that many at a relay with a running call,
one in eight over TCP and one offer in a hundred among them, and tells at the end whether anything
was harmed or has grown.
"""

import argparse
import asyncio
import itertools
import json
import logging
import random
import sys
from contextlib import suppress
from pathlib import Path

from signaling.relay import BadOffer, Relay, RelayConfig, framing, rtcp
from signaling.relay.offer import read_offer
from tests.signaling.peer import Peer, offer_sdp, rtp_packet
from tests.signaling.tcp_peer import TcpPeer

SEED = 20261121
_BURST = 40
_TALK = 5000
_OFFER = 100
_FRAME = 8


def damaged(chance, captured):
    """Give a captured datagram with something wrong: bits, length, a splice, or all of it old."""
    datagram = bytearray(chance.choice(captured))
    way = chance.randrange(6)
    if way == 0:
        for _ in range(chance.randint(1, 4)):
            datagram[chance.randrange(len(datagram))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del datagram[chance.randrange(len(datagram)) :]
    elif way == 2:
        datagram += chance.randbytes(chance.randint(1, 300))
    elif way == 3:
        start = chance.randrange(len(datagram))
        datagram[start : start + 8] = chance.randbytes(chance.randint(0, 16))
    elif way == 4:
        other = chance.choice(captured)
        datagram = (
            datagram[: chance.randrange(len(datagram))] + other[chance.randrange(len(other)) :]
        )
    return bytes(datagram)


async def talk(alice, bob, number):
    """Send a packet each way and wait for both; the call is unharmed when they arrive."""
    for sender, receiver in ((alice, bob), (bob, alice)):
        text = b"%s %d" % (sender.name.encode(), number)
        receiver.rtp.clear()
        receiver.raw_received.clear()
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
        """Let a third participant come over TCP, and two who know nothing but the port."""
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


async def capture(alice, bob, numbers):
    """Have a call send everything it can; give all datagrams."""
    for _ in range(20):
        await talk(alice, bob, next(numbers))
        alice.send_rtcp(rtcp.picture_loss(1, alice.seat_ssrcs(0)[1]))
        alice.send_rtcp(rtcp.sender_report(1001, (1, 2), 3, 4, 5))
    return [bytes(each) for each in (*alice.sent, *bob.sent)]


async def flood(alice, bob, strangers, streams, inputs, *, seed=SEED, numbers=None):
    """Throw damaged datagrams at the relay from participants and strangers, while a call runs."""
    numbers = numbers or itertools.count()
    captured = await capture(alice, bob, numbers)
    offer = offer_sdp().encode()
    senders = [alice, bob, *strangers]
    chance = random.Random(seed)
    for count in range(inputs):
        if count % _OFFER == 0:
            with suppress(BadOffer):
                read_offer(damaged(chance, [offer]).decode("utf-8", "replace"))
            continue
        if count % _FRAME == 1:
            await streams.throw(chance, captured)
            continue
        chance.choice(senders).transport.sendto(damaged(chance, captured), alice.relay_address)
        if count % _BURST == 1:
            await asyncio.sleep(0)
        if count % _TALK == 1:
            await talk(alice, bob, next(numbers))
    await talk(alice, bob, next(numbers))


def _resident_kib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


async def _run(inputs, seed):
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    relay = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",))
    )
    alice, bob = [
        await Peer.connect(relay.conference("room"), name, ssrc=1000 * index)
        for index, name in enumerate(("alice", "bob"), 1)
    ]
    strangers = await strangers_to(alice)
    streams = await Streams.to(alice, relay.conference("room"))
    numbers = itertools.count()
    await flood(alice, bob, strangers, streams, inputs // 10, seed=seed, numbers=numbers)
    for each in (alice, bob):
        each.sent.clear()
        each.rtcp.clear()
    before = _resident_kib()
    await flood(
        alice, bob, strangers, streams, inputs - inputs // 10, seed=seed + 1, numbers=numbers
    )
    grown = _resident_kib() - before
    dropped = sum(count for name, count in relay.counters.items() if name.startswith("dropped_"))
    for each in (alice, bob, streams):
        await each.close()
    for each in strangers:
        each.transport.close()
    await relay.close()
    return {"inputs": inputs, "dropped": dropped, "failures": len(failures), "grown_kib": grown}


def main():
    """Fuzz from the command line; ends with 1 when something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    logging.disable(logging.INFO)
    figures = asyncio.run(_run(options.inputs, options.seed))
    print(json.dumps(figures))  # noqa: T201
    sys.exit(bool(figures["failures"]))


if __name__ == "__main__":
    main()
