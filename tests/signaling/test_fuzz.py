"""Tens of thousands of damaged, replayed and invented inputs while a call runs."""

import asyncio
import logging
import random
from contextlib import suppress

from signaling.relay import rtcp
from signaling.relay.dtls import SrtpError, is_whole_records
from tests.signaling.damage import damaged
from tests.signaling.fuzz import SEED, Scene, failures_noted, talk
from tests.signaling.fuzz_offers import Offers
from tests.signaling.peer import Peer, rtp_packet

_INPUTS = 50_000
_BURST = 40
_OFFERS = 1200  # in each half
_MOST_BLOCKS = 600  # one of Python's in every second offer
_MOST_KIB = 150  # 128 bytes of each offer


async def test_hostile_input_of_every_kind_harms_no_call_and_logs_no_error(relay, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    with failures_noted() as failures:
        async with Scene.at(relay, tmp_path) as scene:
            await scene.flood(_INPUTS)

            dropped = sum(
                value for name, value in relay.counters.items() if name.startswith("dropped_")
            )
            assert dropped > _INPUTS * 0.7
            assert relay.counters["dropped_bad_frame"] > 0
            assert relay.counters["packets_repeated"] > 0
            assert relay.counters["participants_moved"] == scene.moves > 0
            silent = [*scene.strangers, *scene.streams.all[1:]]
            assert [each.raw_received for each in silent] == [[]] * len(silent)

    assert failures == []
    assert caplog.records == []


async def test_damaged_offers_into_a_room_harm_no_call_and_leave_nothing_behind(relay, caplog):
    caplog.set_level(logging.WARNING)
    chance = random.Random(SEED)
    with failures_noted() as failures:
        async with Offers.to(relay) as offers:
            half = await offers.flood(_OFFERS, chance)
            whole = await offers.flood(_OFFERS, chance)

    assert failures == []
    assert caplog.records == []
    assert min(offers.refused, offers.taken) > _OFFERS // 2
    grown = whole - half
    assert grown.blocks < _MOST_BLOCKS
    assert grown.malloc_kib < _MOST_KIB


async def test_a_participant_who_encrypts_nonsense_harms_nobody(connect, relay, caplog):
    caplog.set_level(logging.WARNING)
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    alice, bob = await connect("alice", ssrc=1000), await connect("bob", ssrc=2000)
    mallory = await connect("mallory", ssrc=3000)
    chance = random.Random(SEED)
    video = mallory.seat_ssrcs(0)[1]
    honest = [
        rtp_packet(3001, 1, payload=b"\x10\x00key", number=1),
        rtp_packet(3002, 1, payload=b"\x00\x01again", payload_type=97, number=2),
        rtcp.sender_report(3001, (1, 2), 3, 4, 5) + rtcp.source_description(3001, "x"),
        rtcp.nack(1, video, range(0, 600, 3)),
        rtcp.picture_loss(1, video),
    ]

    for count in range(10_000):
        packet = damaged(chance, honest)
        with suppress(*SrtpError):
            is_rtcp = len(packet) > 1 and 192 <= packet[1] <= 223
            (mallory.send_rtcp if is_rtcp else mallory.send_rtp)(packet)
        if count % _BURST == 0:
            await asyncio.sleep(0)
        if count % 1000 == 0:
            await talk(alice, bob, count // 1000)
    await talk(alice, bob, 1000)

    assert failures == []
    assert caplog.records == []
    assert relay.counters["participants_connected"] == 3


async def test_a_damaged_handshake_ends_without_a_word_and_harms_nobody(connect, relay, caplog):
    caplog.set_level(logging.WARNING)
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    alice, bob = await connect("alice", ssrc=1000), await connect("bob", ssrc=2000)
    flights = [each for each in alice.sent if is_whole_records(each)]
    chance = random.Random(SEED)

    for number in range(60):
        peer = Peer(f"mallory{number}", ssrc=3000)
        await peer.open()
        peer.negotiate(relay.conference("room"))
        await peer.bind()
        for _ in range(20):
            flight = bytearray(chance.choice(flights))
            for _ in range(chance.randint(1, 6)):
                flight[chance.randrange(13, len(flight))] = chance.randrange(256)
            peer.send(bytes(flight))
        await peer.bind()  # an answered question tells that what was sent before has arrived
        relay.conference("room").remove(peer.name)
        await peer.close()
    await talk(alice, bob, 1)

    assert failures == []
    assert caplog.records == []
