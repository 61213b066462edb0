"""SSRCs that several people declare, by chance or to harm: each is known by their own keys."""

import pytest

from tests.signaling.packets import payload
from tests.signaling.peer import Peer, rtp_packet


@pytest.fixture
async def join(relay):
    peers = []

    async def join(room, name, **options):
        peer = await Peer.connect(relay.conference(room), name, **options)
        peers.append(peer)
        return peer

    yield join
    for peer in peers:
        await peer.close()


async def moves(relay, peer):
    """Take another port and send from there until the relay has noticed."""
    moved = relay.counters["participants_moved"]
    former = peer.transport
    await peer.open()
    await peer.until(
        lambda: (
            peer.send_rtp(rtp_packet(peer.ssrc + 1, len(peer.sent)))
            or relay.counters["participants_moved"] == moved + 1
        )
    )
    former.close()


@pytest.mark.parametrize("order", [("alice", "mallory"), ("mallory", "alice")])
async def test_nobody_keeps_another_from_moving_by_declaring_their_ssrc(relay, join, order):
    peers = {name: await join(f"room of {name}", name, ssrc=1000) for name in order}
    alice, mallory = peers["alice"], peers["mallory"]

    await moves(relay, alice)
    mallory.negotiate(relay.conference("room of mallory"))
    await moves(relay, alice)
    relay.dissolve("room of mallory")
    await moves(relay, alice)

    assert relay.counters["participants_moved"] == 3
    assert relay.counters["participants_connected"] == 1


async def test_two_people_with_one_ssrc_both_are_seen_and_both_move(relay, join):
    alice = await join("room", "alice", ssrc=1000)
    bob = await join("room", "bob", ssrc=1000)
    carol = await join("room", "carol", ssrc=1000)

    for number, peer in enumerate((alice, bob, carol), 1):
        await moves(relay, peer)
        peer.send_rtp(rtp_packet(1000, number, payload=peer.name.encode(), payload_type=111))

    for peer in (alice, bob, carol):
        others = {b"alice", b"bob", b"carol"} - {peer.name.encode()}
        await peer.until(lambda p=peer, o=others: {payload(each) for each in p.rtp} >= o)
        assert peer.name.encode() not in {payload(each) for each in peer.rtp}
