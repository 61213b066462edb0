"""Two to four headless clients and the relay between them, over real sockets and real DTLS."""

import time

import pytest

from signaling.relay import BadOffer, Relay, RelayConfig, rtcp
from tests.signaling.packets import payload, sequence, wide_number
from tests.signaling.peer import Peer, rtp_packet


async def test_packets_reach_the_other_with_the_announced_ssrc_and_payload_type(connect):
    alice = await connect("alice", ssrc=1000)
    bob = await connect("bob", ssrc=1000, numbers=(109, 120, 121))
    video = bob.seat_ssrcs(0)[1]

    for number in range(5):
        alice.send_rtp(rtp_packet(1001, 65533 + number, payload=b"frame%d" % number, number=number))
    await bob.until(lambda: len(bob.received(video)) == 5)

    packets = bob.received(video)
    assert [each[1] & 0x7F for each in packets] == [120] * 5
    assert [payload(each) for each in packets] == [b"frame%d" % number for number in range(5)]
    first = sequence(packets[0])
    assert [(sequence(each) - first) & 0xFFFF for each in packets] == [0, 1, 2, 3, 4]


async def test_headers_of_the_senders_hop_do_not_travel_on(connect):
    alice = await connect("alice")
    bob = await connect("bob")
    video = bob.seat_ssrcs(0)[1]

    alice.send_rtp(rtp_packet(1001, 7, number=99))
    await bob.until(lambda: bob.received(video))

    packet = bob.received(video)[0]
    assert wide_number(packet) not in {None, 99}


async def test_media_flows_both_ways_among_three(connect):
    peers = [await connect(name, ssrc=1000 * index) for index, name in enumerate("abc", 1)]

    for peer in peers:
        peer.send_rtp(rtp_packet(peer.ssrc, 1, payload=peer.name.encode(), payload_type=111))

    for peer in peers:
        heard = {peer.seat_ssrcs(0)[0], peer.seat_ssrcs(1)[0]}
        await peer.until(
            lambda p=peer, h=heard: {p2[8:12] for p2 in p.rtp} == {s.to_bytes(4) for s in h}
        )
        voices = {payload(each).decode() for each in peer.rtp}
        assert voices == set("abc") - {peer.name}


async def test_nothing_is_forwarded_from_or_to_the_lobby(connect, relay):
    alice = await connect("alice")
    guest = await connect("guest", ssrc=3000, admitted=False)

    guest.send_rtp(rtp_packet(3001, 1))
    alice.send_rtp(rtp_packet(1001, 1))
    await guest.bind()  # an answered question tells that what was sent before has arrived
    relay.conference("room").admit("guest")
    guest.send_rtp(rtp_packet(3001, 2, payload=b"inside"))
    video = alice.seat_ssrcs(0)[1]
    await alice.until(lambda: alice.received(video))

    assert [payload(each) for each in alice.received(video)] == [b"inside"]
    assert guest.rtp == []


async def test_without_consent_for_thirty_seconds_nothing_is_sent_until_it_is_renewed(
    connect, relay
):
    alice = await connect("alice")
    bob = await connect("bob")
    [leg, _] = relay.conference("room").legs

    leg.tick(time.monotonic() + 31)
    expired = (leg.connected, leg.address)
    await alice.bind()
    bob.send_rtp(rtp_packet(1000, 1, payload_type=111))
    await alice.until(lambda: alice.rtp)

    assert expired == (False, None)
    assert relay.counters["consent_expired"] == 1


async def test_nobody_speaks_with_an_ssrc_they_did_not_declare(connect, relay):
    alice = await connect("alice", ssrc=1000)
    bob = await connect("bob", ssrc=2000)

    alice.send_rtp(rtp_packet(2001, 1, payload=b"forged"))
    alice.send_rtp(rtp_packet(1001, 1, payload=b"real"))
    await bob.until(lambda: bob.rtp)

    assert [payload(each) for each in bob.rtp] == [b"real"]
    assert relay.counters["dropped_undeclared_ssrc"] == 1


async def test_an_ice_restart_from_a_new_address_keeps_the_keys(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob")
    video = bob.seat_ssrcs(0)[1]
    before = alice.lines("a=ice-ufrag:")[0]

    alice.transport.close()
    await alice.open()
    alice.negotiate(relay.conference("room"))
    await alice.bind()
    alice.send_rtp(rtp_packet(1001, 50, payload=b"moved"))
    await bob.until(lambda: bob.received(video))

    assert alice.lines("a=ice-ufrag:")[0] != before
    assert relay.counters["participants_moved"] == 1


async def test_a_new_port_behind_the_same_credentials_takes_over_when_nominated(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob")
    audio = alice.seat_ssrcs(0)[0]

    alice.transport.close()
    await alice.open()
    await alice.bind()
    bob.send_rtp(rtp_packet(1000, 1, payload=b"follows", payload_type=111))

    await alice.until(lambda: alice.received(audio))


async def test_media_from_a_new_address_moves_the_participant_who_alone_can_have_sent_it(
    connect, relay
):
    alice = await connect("alice")
    bob = await connect("bob", ssrc=2000)
    video = alice.seat_ssrcs(0)[1]
    alice.send_rtp(rtp_packet(1001, 1))
    before = alice.transport
    await alice.open()

    alice.send_rtp(rtp_packet(1001, 2))
    await alice.until(
        lambda: bob.send_rtp(rtp_packet(2001, len(bob.sent))) or alice.received(video)
    )

    assert relay.counters["participants_moved"] == 1
    before.close()


async def test_media_that_was_copied_moves_nobody(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob", ssrc=2000)
    alice.send_rtp(rtp_packet(1001, 1))
    await bob.until(lambda: bob.rtp)
    copied = alice.sent[-1]
    stranger = Peer("stranger")
    await stranger.open()
    stranger.answer = alice.answer

    for datagram in (copied, copied[:-1] + bytes((copied[-1] ^ 1,))):
        stranger.send(datagram)
    await alice.until(
        lambda: alice.send(b"\x00") or relay.counters["dropped_media_from_stranger"] == 2
    )

    assert relay.counters["participants_moved"] == 0
    await stranger.close()


async def test_a_replayed_binding_request_moves_nobody(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob")
    stranger = Peer("stranger")
    await stranger.open()
    stranger.answer = alice.answer

    stranger.send(alice.sent[0])
    bob.send_rtp(rtp_packet(1000, 1, payload_type=111))
    await alice.until(lambda: alice.rtp)

    assert stranger.raw_received == []
    assert relay.counters["dropped_replayed_stun"] == 1
    stranger.transport.close()


async def test_a_binding_request_with_a_wrong_password_gets_no_answer(connect, relay):
    alice = await connect("alice")

    alice.raw_received.clear()
    alice.send(alice.binding_request(password="x" * 32))
    await alice.bind()

    assert [each for each in alice.raw_received if each[0] < 2] == [alice.raw_received[0]]
    assert relay.counters["dropped_unauthentic_stun"] == 1


async def test_a_new_peer_connection_of_the_same_person_takes_their_place(connect):
    alice = await connect("alice")
    await connect("bob", ssrc=2000)
    video = alice.seat_ssrcs(0)[1]

    tablet = await connect("bob", ssrc=3000)
    tablet.send_rtp(rtp_packet(3001, 1, payload=b"tablet"))
    await alice.until(lambda: alice.received(video))

    assert alice.received(video)[-1].endswith(b"tablet")


async def test_the_stream_of_a_seat_runs_on_when_somebody_else_sits_down(connect, relay):
    alice = await connect("alice", seats=1)
    bob = await connect("bob", ssrc=2000)
    video = alice.seat_ssrcs(0)[1]
    bob.send_rtp(rtp_packet(2001, 500, timestamp=1_000_000))
    await alice.until(lambda: alice.received(video))

    relay.conference("room").remove("bob")
    carol = await connect("carol", ssrc=3000)
    carol.send_rtp(rtp_packet(3001, 9, timestamp=77))
    await alice.until(lambda: len(alice.received(video)) == 2)

    first, second = alice.received(video)
    assert sequence(second) == (sequence(first) + 1) & 0xFFFF
    elapsed = int.from_bytes(second[4:8], "big") - int.from_bytes(first[4:8], "big")
    assert 0 <= elapsed < 90_000 * 10


async def test_later_offers_may_not_drop_sections(connect, relay):
    alice = await connect("alice")

    with pytest.raises(BadOffer):
        alice.negotiate(relay.conference("room"), seats=1)


async def test_the_layout_names_who_sits_where_and_seats_stay(connect, relay):
    conference = relay.conference("room")
    for index, name in enumerate(("a", "b", "c")):
        await connect(name, ssrc=1000 * (index + 1))

    before = [place.participant for place in conference.layout("c")]
    conference.remove("a")

    assert before == ["a", "b", None]
    assert [place.participant for place in conference.layout("c")] == [None, "b", None]
    assert [(place.audio, place.video) for place in conference.layout("c")] == [
        ("2", "3"), ("4", "5"), ("6", "7"),
    ]  # fmt: skip


async def test_a_client_that_closes_its_connection_is_not_shown_any_more(connect, relay):
    alice = await connect("alice")
    bob = await connect("bob")

    await bob.close()
    await alice.until(lambda: relay.counters["participants"] == 1)

    assert relay.counters["participants_connected"] == 1


async def test_a_certificate_that_the_offer_did_not_name_is_turned_away(relay):
    mallory = Peer("mallory")
    await mallory.open()
    mallory.negotiate(relay.conference("room"))
    await mallory.bind()

    mallory.forge_certificate()
    await mallory.handshake()
    await mallory.until(lambda: relay.counters["participants"] == 0)

    assert relay.counters["participants_connected"] == 0
    await mallory.close()


async def test_a_taken_port_is_an_os_error(relay):
    with pytest.raises(OSError, match="in use"):
        await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6=None, port=relay.port))


async def test_an_advertised_name_is_refused():
    with pytest.raises(ValueError, match="IPv4 or IPv6"):
        await Relay.start(
            RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("relay.example",))
        )


async def test_people_on_ipv4_and_ipv6_meet_on_one_port():
    relay = await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6="::1"))
    conference = relay.conference("room")
    old = await Peer.connect(conference, "old", ssrc=1000)
    new = await Peer.connect(conference, "new", ssrc=2000, host="::1")

    old.send_rtp(rtp_packet(1000, 1, payload_type=111, payload=b"from IPv4"))
    new.send_rtp(rtp_packet(2000, 1, payload_type=111, payload=b"from IPv6"))
    await old.until(lambda: old.rtp)
    await new.until(lambda: new.rtp)

    assert old.rtp[0].endswith(b"from IPv6")
    assert new.rtp[0].endswith(b"from IPv4")
    assert f"127.0.0.1 {relay.port} typ host" in old.answer
    assert f"::1 {relay.port} typ host" in old.answer
    await old.close()
    await new.close()
    await relay.close()


async def test_a_full_batch_to_a_full_room_that_loses_voices_is_forwarded_to_everyone(connect):
    alice, *others = [await connect(name, ssrc=1000 * place, red=63)
                      for place, name in enumerate(("alice", "bob", "carol", "dave"), 1)]  # fmt: skip
    for each in others:
        lossy = rtcp.report_block(each.seat_ssrcs(0)[0], (100, 0), 0, 0, (0, 0))
        each.send_rtcp(rtcp.receiver_report(1, [lossy]))
        await each.bind()  # an answered question tells that what was sent before has arrived

    for number in range(200):
        alice.send_rtp(rtp_packet(1000, number, payload_type=111, timestamp=960 * number))

    for each in others:
        voice = each.seat_ssrcs(0)[0]
        await each.until(lambda who=each, ssrc=voice: len(who.received(ssrc)) == 200)
        assert {packet[1] & 0x7F for packet in each.received(voice)[1:]} == {63}
