"""Later offers of the same peer connection: other streams, other numbers, nothing left behind."""

import gc

import pytest

from signaling.relay.encoding import Encoding
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
