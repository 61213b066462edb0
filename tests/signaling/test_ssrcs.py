"""SSRCs that several people declare, by chance or to harm: each is known by their own keys."""

import struct

import pytest

from signaling.relay import rtcp
from tests.signaling.packets import payload, sequence
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


def told(peer):
    """Give what the relay has said by RTCP: reports of clocks, wishes for repeats and key frames."""
    kinds = {(kind, form) for each in peer.rtcp for kind, form, _ in rtcp.blocks(each)}
    wishes = {(rtcp.PAYLOAD_FEEDBACK, rtcp.PICTURE_LOSS), (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)}
    return {each for each in kinds if each in wishes or each[0] == rtcp.SENDER_REPORT}


async def test_rtcp_about_the_streams_of_another_room_does_nothing(relay, join):
    alice, bob = await join("room", "alice", ssrc=1000), await join("room", "bob", ssrc=2000)
    mallory = await join("other", "mallory", ssrc=3000)
    video = bob.seat_ssrcs(0)[1]
    for number in (1, 2):
        alice.send_rtp(rtp_packet(1001, number))
    await bob.until(lambda: len(bob.received(video)) == 2)
    [picture] = relay.conference("room").legs[0].source("video").encodings
    await alice.until(lambda: not picture.urgent)
    await alice.bind()  # an answered question tells that what was sent before has arrived
    alice.rtcp.clear()
    last = sequence(bob.received(video)[-1])

    for ssrc in (video, 1001):
        entry = struct.pack("!IIII", 1, 0, ssrc, 0)
        for harmful in (
            rtcp.picture_loss(1, ssrc),
            rtcp.nack(1, ssrc, [last, 2, 3]),
            struct.pack("!BBH", 0x84, rtcp.PAYLOAD_FEEDBACK, 4) + entry,
            rtcp.sender_report(ssrc, (1, 2), 3, 4, 5),
        ):
            mallory.send_rtcp(harmful)
    for peer in (mallory, alice, bob):
        await peer.bind()
    before = (told(alice), told(bob), relay.counters["packets_repeated"], picture.last_report)
    bob.send_rtcp(rtcp.nack(1, video, [last]))
    bob.send_rtcp(rtcp.picture_loss(1, video))
    await alice.until(lambda: told(alice))

    assert before == (set(), set(), 0, None)
    assert relay.counters["packets_repeated"] == 1
