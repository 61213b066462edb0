"""A participant with two paths: media moves to the new one while the old one is still taken."""

import time

import pytest

from tests.signaling.packets import sequence
from tests.signaling.peer import AUDIO, Peer, rtp_packet
from tests.signaling.tcp_peer import TcpPeer

VOICES = 60
HANDSHAKE = b"\x16\xfe\xfd" + bytes(10)  # of nobody who is known


@pytest.fixture
async def second_path(relay):
    """Open another port of a peer: its keys and what it has heard are shared."""
    opened = []

    async def second_path(peer, kind):
        second = kind(peer.name, peer.ssrc)
        for shared in ("answer", "ufrag", "_association", "rtp", "rtcp", "confirmed"):
            setattr(second, shared, getattr(peer, shared))
        await (second.open() if kind is Peer else second.reconnect())
        opened.append(second)
        return second

    yield second_path
    for each in opened:
        each.transport.close()


def say(peer, number):
    peer.send_rtp(rtp_packet(peer.ssrc, number, payload_type=AUDIO, timestamp=960 * number))


@pytest.mark.parametrize("kind", [Peer, TcpPeer], ids=["UDP", "TCP"])
async def test_sound_goes_on_both_ways_without_a_missing_packet(connect, relay, second_path, kind):
    alice, bob = await connect("alice", ssrc=1000), await connect("bob", ssrc=2000)
    to_alice, to_bob = alice.seat_ssrcs(0)[0], bob.seat_ssrcs(0)[0]
    new = await second_path(alice, kind)

    for number in range(VOICES):
        say(bob, number)
        # The client nominates after a third, and sends by the new path itself only after two.
        say(alice if number < 2 * VOICES // 3 else new, number)
        if number == VOICES // 3:
            await new.bind()
        await bob.until(lambda n=number: len(bob.received(to_bob)) > n)
        await new.until(lambda n=number: len(alice.received(to_alice)) > n)

    for peer, ssrc in ((alice, to_alice), (bob, to_bob)):
        numbers = [sequence(each) for each in peer.received(ssrc)]
        assert numbers == [(numbers[0] + each) & 0xFFFF for each in range(VOICES)]
    assert sum(each[0] >> 6 == 2 for each in new.raw_received) >= VOICES // 3
    assert relay.counters["participants_moved"] == 1
    assert relay.counters["dropped_media_from_stranger"] == 0


async def test_the_old_path_is_a_strangers_half_a_minute_after_it_was_proved_last(
    connect, relay, second_path
):
    alice = await connect("alice")
    [leg] = relay.conference("room").legs
    between = time.monotonic()
    new = await second_path(alice, Peer)
    await new.bind()

    leg.tick(between + 29)
    alice.send(HANDSHAKE)
    await new.bind()  # an answered question tells that what was sent before has arrived
    known = relay.counters["dropped_dtls_from_stranger"]
    leg.tick(between + 30)
    alice.send(HANDSHAKE)
    await new.bind()

    assert (known, relay.counters["dropped_dtls_from_stranger"]) == (0, 1)
    assert leg.connected


async def test_media_falls_back_to_the_path_that_was_proved_last(connect, relay, second_path):
    alice, bob = await connect("alice", ssrc=1000), await connect("bob", ssrc=2000)
    older = await second_path(alice, Peer)
    newer = await second_path(alice, TcpPeer)
    for each in (older, alice, newer):
        await each.bind()
    alice.raw_received.clear()

    newer.transport.abort()
    await bob.until(lambda: relay.counters["paths_lost"])
    say(bob, 1)
    await alice.until(lambda: any(each[0] >> 6 == 2 for each in alice.raw_received))

    assert not any(each[0] >> 6 == 2 for each in older.raw_received)
