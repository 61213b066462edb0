"""Damaged offers into a room, from somebody who never connects and from one whose call runs on."""

import contextlib
import json
from pathlib import Path

from aiortc.sdp import SessionDescription

from signaling.fleet import OwnRelay
from signaling.frames import decode
from signaling.messages import Answer, Code, Pong, ProtocolError
from signaling.outbox import Outbox
from signaling.rooms import Identity, Role, Rooms
from tests.signaling.damage import damaged_offer
from tests.signaling.memory import Memory
from tests.signaling.peer import AUDIO, Peer, rtp_packet

_FOLDER = Path(__file__).parent / "offers"
CHROMIUM = {each.stem: each.read_bytes().decode() for each in _FOLDER.glob("*.sdp")}
"""What Chromium offered, by whose asking (`tests/browser/offers.py`)."""
_ROOM = "offers"
_TALK = 25
_LONGEST = 200  # characters of what a client is told was wrong


class ChromiumPeer(Peer):
    """A headless client whose offers are Chromium's, but for its own names and keys."""

    def offer(self):
        offer = super().offer()
        mine = {line.partition(":")[0]: line for line in offer.split("\r\n") if ":" in line}
        lines = CHROMIUM["page"].split("\r\n")
        for at, line in enumerate(lines):
            name = line.partition(":")[0]
            if name in {"a=fingerprint", "a=ice-ufrag"}:
                lines[at] = mine[name]
            elif name == "a=ssrc":
                lines[at] = f"a=ssrc:{self.ssrc} {line.partition(' ')[2]}"
            elif line.startswith("o="):
                lines[at] = f"o=- {self._session} 2 IN IP4 127.0.0.1"
        return "\r\n".join(lines)


class _Member:
    """Somebody in the room."""

    def __init__(self, room, name):
        self._room = room
        self._outbox = Outbox()
        self._member = room.join(
            Identity(name, name, Role.HOST), self._outbox, audio=True, video=True
        )
        self.id = self._member.id

    async def offer(self, sdp):
        """Give the answer, None where the offer is refused for what it is."""
        message = decode(json.dumps({"type": "offer", "id": 7, "sdp": sdp}))
        try:
            await self._room.offer(self._member, message)
        except ProtocolError as error:
            if error.code is not Code.BAD_OFFER or error.fatal or len(error.message) > _LONGEST:
                raise
            return None
        answers = [each for each in await self.heard() if isinstance(each, Answer)]
        return answers[-1].sdp

    async def heard(self):
        """Take what was told; nobody is slow here."""
        self._outbox.put(Pong(0))
        return await self._outbox.take()


class _Talker(_Member):
    """Somebody whose browser is connected."""

    def __init__(self, room, conference, name, ssrc):
        super().__init__(room, name)
        self._conference = conference
        self._ssrc = ssrc
        self.peer = None
        self.connections = 0

    @property
    def leg(self):
        return self._conference._legs[self.id]

    async def connect(self):
        """Come with another connection."""
        if self.peer is not None:
            await self.peer.close()
        self.peer = ChromiumPeer(self.id, self._ssrc)
        self.connections += 1
        await self.peer.open()
        self.peer.answer = await self.offer(self.peer.offer())
        await self.peer.bind()
        await self.peer.handshake()

    async def recover(self, leg):
        """Offer again as before, after something else was agreed to with `leg`."""
        answer = await self.offer(self.peer.offer()) if self.leg is leg else None
        if answer is None:  # another connection has taken its place, or it has more sections now
            await self.connect()
            return
        self.peer.answer = answer
        await self.peer.bind()

    def agreed(self):
        """Give all that an offer may change."""
        leg = self.leg
        struct, agreement = leg.struct, leg._agreement
        return (
            leg, leg.connected, leg.address, leg.sources, tuple(leg.sinks), leg._path.credentials,
            tuple(struct.ssrcs[0 : struct.stream_count]), struct.wide_id, struct.learns,
            tuple(agreement._mids), tuple(leg.seats),
        )  # fmt: skip


class Offers:
    """A call of two, one of whom offers nonsense now and then, and a third who does nothing else."""

    def __init__(self, rooms, relay):
        room, conference = rooms.room(_ROOM), relay.conference(_ROOM)
        self._relay = relay
        self.alice = _Talker(room, conference, "alice", 51_000)
        self.bob = _Talker(room, conference, "bob", 52_000)
        self.mallory = _Member(room, "mallory")
        self.refused = self.taken = 0
        self._number = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def to(cls, relay):
        """Have a room at `relay`."""
        rooms = Rooms(OwnRelay(relay))
        offers = cls(rooms, relay)
        talkers = (offers.alice, offers.bob)
        for each in talkers:
            await each.connect()
        await offers.talk()
        yield offers
        for each in talkers:
            await each.peer.close()
        await rooms.dismiss_all(_ROOM)

    async def throw(self, chance):
        """Make an offer with something wrong."""
        if chance.randrange(4):
            answer = await self.mallory.offer(damaged_offer(chance, [*CHROMIUM.values()]))
        else:
            answer = await self._throw_in_a_call(chance)
        if answer is None:
            self.refused += 1
        else:
            SessionDescription.parse(answer)
            self.taken += 1
        for each in (self.alice, self.bob, self.mallory):
            await each.heard()
        if (self.refused + self.taken) % _TALK == 0:
            await self.talk()

    async def _throw_in_a_call(self, chance):
        """Let somebody connected offer something wrong; what is refused must change nothing."""
        alice, before = self.alice, self.alice.agreed()
        ufrag = alice.peer.ufrag
        answer = await alice.offer(damaged_offer(chance, [alice.peer.offer()]))
        if answer is None:
            assert alice.agreed() == before
            alice.peer.ufrag = ufrag
        else:
            await alice.recover(before[0])
        return answer

    async def flood(self, offers, chance):
        """Make so many; tell what is held afterwards."""
        for _ in range(offers):
            await self.throw(chance)
        return await self.memory()

    async def talk(self):
        """See that both hear each other."""
        pair = (self.alice, self.bob)
        for one, other in (pair, pair[::-1]):
            self._number += 1
            words = b"%d" % self._number
            await one.peer.bind()  # consent lasts half a minute only
            one.peer.send_rtp(
                rtp_packet(one.peer.ssrc, self._number, payload=words, payload_type=AUDIO)
            )
            await other.peer.until(
                lambda p=other.peer, w=words: any(each.endswith(w) for each in p.rtp)
            )
        for each in pair:
            for kept in (each.peer.sent, each.peer.rtp, each.peer.rtcp, each.peer.raw_received):
                kept.clear()
            each.peer.confirmed.clear()

    async def memory(self):
        """Tell what is held when two are connected and all that is over was let go of."""
        self._relay.conference(_ROOM).remove(self.mallory.id)
        await self.alice.connect()
        while self._relay._closing:
            await self._relay._closing.copy().pop()
        return Memory.now()
