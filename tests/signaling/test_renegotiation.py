"""Later offers of the same peer connection: other streams, other numbers, nothing left behind."""

import gc

import pytest

from signaling.relay.encoding import Encoding
from tests.signaling.packets import payload, sequence
from tests.signaling.peer import rtp_packet


def encodings():
    """Count those that anything still holds."""
    gc.collect()
    return sum(isinstance(each, Encoding) for each in gc.get_objects())


def other_ssrcs(peer, number):
    peer.ssrc = 10_000 + 10 * number
    return peer.offer()


def by_turns_silent(peer, number):
    offer = peer.offer()
    return offer.replace("a=sendonly", "a=inactive") if number % 2 else offer


@pytest.mark.parametrize("next_offer", [other_ssrcs, by_turns_silent])
async def test_streams_that_later_offers_go_without_leave_nothing_behind(
    connect, relay, next_offer
):
    conference = relay.conference("room")
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    before = encodings()

    for number in range(50):
        bob.answer = conference.offer("bob", next_offer(bob, number + 1))
    after = encodings()
    bob.send_rtp(rtp_packet(bob.ssrc + 1, 1, payload=b"the last one"))
    video = alice.seat_ssrcs(0)[1]
    await alice.until(lambda: alice.received(video))
    conference.remove("bob")
    await alice.until(lambda: encodings() == after - 2)  # the goodbye still holds them

    assert after == before
    assert alice.received(video)[-1].endswith(b"the last one")


async def test_another_camera_with_other_numbers_in_mid_call_is_the_same_stream_to_the_receiver(
    connect, relay
):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    video = bob.seat_ssrcs(0)[1]
    alice.send_rtp(rtp_packet(1001, 500, payload=b"first camera"))
    await bob.until(lambda: bob.received(video))

    alice.ssrc = 5000
    alice.negotiate(relay.conference("room"), numbers=(109, 120, 121))
    alice.send_rtp(rtp_packet(1001, 501, payload=b"what it still had to send"))
    alice.send_rtp(rtp_packet(5001, 7, payload=b"second camera", payload_type=120))
    await bob.until(lambda: len(bob.received(video)) == 2)

    before, after = bob.received(video)
    assert [payload(each) for each in (before, after)] == [b"first camera", b"second camera"]
    assert [each[1] & 0x7F for each in (before, after)] == [96, 96]
    assert sequence(after) == (sequence(before) + 1) & 0xFFFF


async def test_a_receiver_who_renumbers_codecs_in_mid_call_gets_those_numbers_from_then_on(
    connect, relay
):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)
    video = bob.seat_ssrcs(0)[1]
    alice.send_rtp(rtp_packet(1001, 1))
    await bob.until(lambda: bob.received(video))

    bob.negotiate(relay.conference("room"), numbers=(109, 120, 121))
    alice.send_rtp(rtp_packet(1001, 2))
    await bob.until(lambda: len(bob.received(video)) == 2)

    before, after = bob.received(video)
    assert [each[1] & 0x7F for each in (before, after)] == [96, 120]
    assert sequence(after) == (sequence(before) + 1) & 0xFFFF
