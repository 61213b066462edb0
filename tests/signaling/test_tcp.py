"""Calls over TCP, with headless clients over real sockets and real DTLS."""

import asyncio

import pytest

from signaling.relay import Relay, RelayConfig
from signaling.relay.rtcp import PAYLOAD_FEEDBACK
from tests.signaling.peer import AUDIO, offer_sdp, rtp_packet
from tests.signaling.tcp_peer import TcpPeer


@pytest.fixture
async def connect_tcp(relay):
    peers = []

    async def connect_tcp(name, **options):
        peer = await TcpPeer.connect(relay.conference("room"), name, **options)
        peers.append(peer)
        return peer

    yield connect_tcp
    for peer in peers:
        await peer.close()


async def test_media_flows_both_ways_between_tcp_and_udp(connect, connect_tcp):
    alice = await connect_tcp("alice", ssrc=1000)
    bob = await connect("bob", ssrc=2000)

    for number in range(200):
        alice.send_rtp(rtp_packet(1001, number, payload=b"to bob %d" % number, number=number))
        bob.send_rtp(rtp_packet(2001, number, payload=b"to alice %d" % number, number=number))
        if number % 20 == 0:
            await asyncio.sleep(0)
    for peer in (alice, bob):
        video = peer.seat_ssrcs(0)[1]
        await peer.until(lambda p=peer, v=video: len(p.received(v)) == 200)

        name = peer.name.encode()
        expected = [b"to %s %d" % (name, number) for number in range(200)]
        assert [each[20:] for each in peer.received(video)] == expected


async def test_calls_over_tcp_work_over_ipv6():
    relay = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6="::1", advertised=("::1", "127.0.0.1"))
    )
    alice = await TcpPeer.connect(relay.conference("room"), "alice", host="::1")

    assert relay.counters["participants_connected"] == 1
    assert alice.tcp_address == ("::1", relay.tcp_port)
    await alice.close()
    await relay.close()


async def test_without_a_tcp_port_none_is_told():
    relay = await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6=None, tcp_port=None))

    answer = relay.conference("room").offer("alice", offer_sdp())

    assert " udp " in answer
    assert " tcp " not in answer
    await relay.close()


async def test_a_request_without_the_password_gets_no_answer_and_admits_nobody(relay, connect_tcp):
    alice = await connect_tcp("alice")
    stranger = TcpPeer("stranger")
    stranger.answer = alice.answer
    await stranger.reconnect()

    stranger.send(alice.binding_request(password="x" * 32))
    stranger.send(alice.sent[0])  # seen on the way: a replay
    await alice.until(lambda: relay.counters["dropped_replayed_stun"])

    assert relay.counters["dropped_unauthentic_stun"] == 1
    assert relay.counters["tcp_admitted"] == 1
    assert stranger.raw_received == []
    await stranger.close()


async def test_media_goes_on_over_udp_when_the_connection_breaks(connect, relay):
    alice, bob = await connect("alice", ssrc=1000), await connect("bob", ssrc=2000)
    second = TcpPeer("alice")
    second.answer, second.ufrag = alice.answer, alice.ufrag
    await second.reconnect()
    await second.bind()
    video = alice.seat_ssrcs(0)[1]
    bob.send_rtp(rtp_packet(2001, 1, number=1))
    await second.until(lambda: any(each[0] >> 6 == 2 for each in second.raw_received))

    second.transport.abort()
    await bob.until(lambda: relay.counters["paths_lost"])
    bob.send_rtp(rtp_packet(2001, 2, number=2))
    await alice.until(lambda: alice.received(video))

    assert relay.counters["participants_connected"] == 2


async def test_when_the_only_connection_breaks_another_goes_on_with_the_same_keys(
    connect, connect_tcp, relay
):
    alice, bob = await connect_tcp("alice", ssrc=1000), await connect("bob", ssrc=2000)
    alice.transport.abort()
    await bob.until(lambda: relay.counters["paths_lost"])

    await alice.reconnect()
    await alice.bind()
    bob.send_rtp(rtp_packet(2001, 1, payload=b"again", number=1))
    video = alice.seat_ssrcs(0)[1]
    await alice.until(lambda: alice.received(video))

    assert alice.received(video)[0].endswith(b"again")


async def test_whoever_does_not_read_gets_sound_without_pictures_and_then_a_key_frame(
    connect, connect_tcp, relay
):
    alice, bob = await connect_tcp("alice", ssrc=1000), await connect("bob", ssrc=2000)
    sound, video = alice.seat_ssrcs(0)[:2]
    alice.transport.pause_reading()
    number = 0
    while not relay.counters["dropped_tcp_pictures"]:
        for _ in range(20):
            number += 1
            bob.send_rtp(rtp_packet(2001, number, payload=bytes(1100), number=number))
        await asyncio.sleep(0)
    bob.send_rtp(rtp_packet(2000, 1, payload=b"still heard", payload_type=AUDIO))
    bob.rtcp.clear()

    alice.transport.resume_reading()
    await alice.until(lambda: alice.received(sound))
    await bob.until(lambda: any(each[1] == PAYLOAD_FEEDBACK for each in bob.rtcp))
    bob.send_rtp(rtp_packet(2001, number + 1, payload=b"new picture", number=number + 1))
    await alice.until(lambda: alice.received(video)[-1].endswith(b"new picture"))

    assert alice.received(sound)[0].endswith(b"still heard")
    assert len(alice.received(video)) < number


async def test_connections_end_with_the_participant(connect_tcp, relay):
    alice = await connect_tcp("alice")

    relay.conference("room").remove("alice")
    await alice.until(lambda: alice.ended)

    assert relay.counters["paths_lost"] == 0
