"""Key frames, repeats, reports: what senders and receivers tell each other through the relay."""

import struct

from signaling.relay import rtcp
from tests.signaling.packets import payload, sequence
from tests.signaling.peer import AUDIO, RTX, rtp_packet


def pli_ssrcs(peer):
    return [
        int.from_bytes(body[4:8], "big")
        for compound in peer.rtcp
        for kind, form, body in rtcp.blocks(compound)
        if (kind, form) == (rtcp.PAYLOAD_FEEDBACK, rtcp.PICTURE_LOSS)
    ]


def blocks(peer, kind):
    return [
        (form, body)
        for each in peer.rtcp
        for found, form, body in rtcp.blocks(each)
        if found == kind
    ]


def asked_for(peer):
    return [
        (int.from_bytes(body[4:8], "big"), number)
        for form, body in blocks(peer, rtcp.TRANSPORT_FEEDBACK)
        if form == rtcp.NACK
        for number in rtcp.nacked(body)
    ]


async def test_whoever_starts_to_be_seen_is_asked_for_a_key_frame(connect):
    alice = await connect("alice", ssrc=1000)

    await connect("bob", ssrc=2000)

    await alice.until(lambda: 1001 in pli_ssrcs(alice))


async def test_whoever_joins_just_after_a_key_frame_sees_it_without_another(connect, relay):
    alice = await connect("alice")
    guest = await connect("guest", ssrc=3000, admitted=False)
    frames = [b"\x10\x00key", b"\x10\x01next"]
    for number, frame in enumerate(frames):
        alice.send_rtp(rtp_packet(1001, number, payload=frame, timestamp=3000 * number))
    await alice.bind()  # an answered question tells that what was sent before has arrived

    relay.conference("room").admit("guest")
    video = guest.seat_ssrcs(0)[1]
    await guest.until(lambda: len(guest.received(video)) == 2)

    assert [payload(each) for each in guest.received(video)] == frames


async def test_a_receivers_picture_loss_reaches_the_sender_with_the_senders_ssrc(connect):
    alice = await connect("alice", ssrc=1000)
    bob = await connect("bob", ssrc=2000)
    await alice.until(lambda: pli_ssrcs(alice))
    alice.rtcp.clear()

    for _ in range(20):
        bob.send_rtcp(rtcp.picture_loss(1, bob.seat_ssrcs(0)[1]))
    await alice.until(lambda: pli_ssrcs(alice))

    assert pli_ssrcs(alice) == [1001]


async def test_a_full_intra_request_becomes_a_picture_loss(connect):
    alice = await connect("alice", ssrc=1000)
    bob = await connect("bob", ssrc=2000)
    await alice.until(lambda: pli_ssrcs(alice))
    alice.rtcp.clear()

    entry = struct.pack("!IIII", 1, 0, bob.seat_ssrcs(0)[1], 0)
    bob.send_rtcp(struct.pack("!BBH", 0x84, rtcp.PAYLOAD_FEEDBACK, 4) + entry)

    await alice.until(lambda: pli_ssrcs(alice) == [1001])


async def test_a_lost_packet_is_repeated_from_the_relays_history(connect):
    alice = await connect("alice")
    bob = await connect("bob")
    _, video, repeats = bob.seat_ssrcs(0)
    alice.send_rtp(rtp_packet(1001, 10, payload=b"the one"))
    await bob.until(lambda: bob.received(video))
    lost = sequence(bob.received(video)[0])

    bob.send_rtcp(rtcp.nack(1, video, [lost]))
    await bob.until(lambda: bob.received(repeats))

    packet = bob.received(repeats)[0]
    assert packet[1] & 0x7F == RTX
    assert payload(packet) == lost.to_bytes(2, "big") + b"the one"


async def test_a_lost_voice_is_repeated_byte_by_byte_under_its_own_number(connect):
    alice = await connect("alice")
    bob = await connect("bob")
    voice = bob.seat_ssrcs(0)[0]
    for number in (10, 11):
        alice.send_rtp(rtp_packet(1000, number, payload=b"word", payload_type=AUDIO, number=5))
    await bob.until(lambda: len(bob.received(voice)) == 2)
    [first] = [each for each in bob.raw_received if each[2:4] == bob.received(voice)[0][2:4]]

    bob.send_rtcp(rtcp.nack(1, voice, [sequence(bob.received(voice)[0])]))

    await bob.until(lambda: bob.raw_received.count(first) == 2)


async def test_a_missing_voice_is_asked_for_at_once(connect):
    alice, _ = await connect("alice"), await connect("bob", ssrc=2000)

    for number in (10, 12):
        alice.send_rtp(rtp_packet(1000, number, payload_type=AUDIO))
    await alice.until(lambda: asked_for(alice))

    assert asked_for(alice) == [(1000, 11)]


async def test_a_packet_that_never_reached_the_relay_is_asked_for_upstream(connect):
    alice = await connect("alice")
    bob = await connect("bob")
    video = bob.seat_ssrcs(0)[1]
    alice.send_rtp(rtp_packet(1001, 10))
    alice.send_rtp(rtp_packet(1001, 12))
    await bob.until(lambda: len(bob.received(video)) == 2)
    first = sequence(bob.received(video)[0])

    bob.send_rtcp(rtcp.nack(1, video, [first + 1 & 0xFFFF]))
    await alice.until(lambda: [f for f, _ in blocks(alice, rtcp.TRANSPORT_FEEDBACK) if f == 1])
    alice.send_rtp(rtp_packet(1002, 1, payload=struct.pack("!H", 11) + b"late", payload_type=RTX))
    await bob.until(lambda: len(bob.received(video)) == 3)

    asked = [body for form, body in blocks(alice, rtcp.TRANSPORT_FEEDBACK) if form == rtcp.NACK]
    assert list(rtcp.nacked(asked[0])) == [11]
    restored = bob.received(video)[2]
    assert sequence(restored) == (first + 1) & 0xFFFF
    assert payload(restored) == b"late"


async def test_senders_get_transport_wide_feedback_and_receiver_reports(connect):
    alice = await connect("alice")
    await connect("bob")

    for number in range(3):
        alice.send_rtp(rtp_packet(1001, number, number=number))
    await alice.until(lambda: [f for f, _ in blocks(alice, rtcp.TRANSPORT_FEEDBACK) if f == 15])
    await alice.until(lambda: blocks(alice, rtcp.RECEIVER_REPORT))

    _, wide = next(each for each in blocks(alice, rtcp.TRANSPORT_FEEDBACK) if each[0] == 15)
    assert struct.unpack_from("!HH", wide, 8) == (0, 3)
    _, report = blocks(alice, rtcp.RECEIVER_REPORT)[0]
    assert struct.unpack_from("!I", report, 4) == (1001,)


async def test_a_senders_clock_reading_is_passed_on_for_lip_sync(connect):
    alice = await connect("alice")
    bob = await connect("bob")
    video = bob.seat_ssrcs(0)[1]
    alice.send_rtp(rtp_packet(1001, 10, timestamp=5000))
    await bob.until(lambda: bob.received(video))

    alice.send_rtcp(rtcp.sender_report(1001, (17, 18), 5000, 1, 1))
    await bob.until(lambda: blocks(bob, rtcp.SENDER_REPORT))

    ssrc, seconds, fraction, timestamp, *_ = rtcp.SENDER_INFO.unpack_from(
        blocks(bob, rtcp.SENDER_REPORT)[0][1]
    )
    assert (ssrc, seconds, fraction) == (video, 17, 18)
    assert timestamp == int.from_bytes(bob.received(video)[0][4:8], "big")


async def test_an_echoed_report_tells_the_round_trip(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob")
    video = bob.seat_ssrcs(0)[1]
    [_, leg] = relay.conference("room").legs
    alice.send_rtp(rtp_packet(1001, 10, timestamp=5000))
    alice.send_rtcp(rtcp.sender_report(1001, (17, 18 << 16), 5000, 1, 1))
    await bob.until(lambda: blocks(bob, rtcp.SENDER_REPORT))

    for middle, age in ((17 << 16 | 17, 0), (17 << 16 | 18, 1 << 31), (17 << 16 | 18, 0)):
        echo = rtcp.report_block(video, (0, 0), 10, 0, (middle, age))
        bob.send_rtcp(rtcp.receiver_report(1, [echo]))
    before = leg.round_trip
    await bob.until(lambda: leg.round_trip != before)

    assert 0 <= leg.round_trip < before
