"""Offers the relay understands, offers it refuses, and what its answers promise."""

import dataclasses

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.answer import Outgoing, Transport, write_answer
from signaling.relay.offer import BadOffer, read_offer
from tests.signaling.fuzz_offers import CHROMIUM
from tests.signaling.peer import offer_sdp

_TRANSPORT = Transport("u" * 16, "p" * 32, "AA:BB", ("192.0.2.1", "2001:db8::1"), 3478)


def answer(sdp, transport=_TRANSPORT):
    offer = read_offer(sdp)
    streams = [None, None] + [
        Outgoing(f"seat{index // 2}", 100 + index, 200 + index if index % 2 else None)
        for index in range(2 * offer.seats)
    ]
    return write_answer(offer, transport, streams)


def test_an_offer_reads_into_what_the_relay_needs():
    offer = read_offer(offer_sdp(seats=2, ssrc=1000, numbers=(109, 120, 121)))

    audio, video = offer.sections[:2]
    assert (offer.seats, offer.ufrag, offer.reduced_size) == (2, "abcd", True)
    assert (audio.payload_type, audio.ssrc, audio.rtx_ssrc) == (109, 1000, None)
    assert (video.payload_type, video.rtx_payload_type) == (120, 121)
    assert (video.ssrc, video.rtx_ssrc) == (1001, 1002)


def test_an_offer_longer_than_any_browser_writes_is_refused():
    offer = offer_sdp() + "a=x\r\n" * 2000

    with pytest.raises(BadOffer, match="more than 2000 lines"):
        read_offer(offer)


@pytest.mark.parametrize("name", sorted(CHROMIUM))
def test_what_chromium_offers_is_understood(name):
    offer = read_offer(CHROMIUM[name])

    assert [each.kind for each in offer.sections[:2]] == ["audio", "video"]


def test_the_answer_is_ice_lite_passive_and_names_every_address_on_the_one_port():
    text = answer(offer_sdp())

    parsed = SessionDescription.parse(text)
    assert "a=ice-lite" in text.split("\r\n")
    assert {section.dtls.role for section in parsed.media} == {"server"}
    assert [(each.ip, each.port) for each in parsed.media[0].ice_candidates] == [
        ("192.0.2.1", 3478),
        ("2001:db8::1", 3478),
    ]
    assert parsed.media[0].ice_candidates[0].priority > parsed.media[0].ice_candidates[1].priority


def test_the_answer_agrees_to_opus_with_fec_and_vp8_with_repeats():
    parsed = SessionDescription.parse(answer(offer_sdp(numbers=(109, 120, 121))))

    audio, video = parsed.media[:2]
    assert [(codec.payloadType, codec.name) for codec in audio.rtp.codecs] == [(109, "opus")]
    assert audio.rtp.codecs[0].parameters["useinbandfec"] == 1
    assert [(codec.payloadType, codec.name) for codec in video.rtp.codecs] == [
        (120, "VP8"),
        (121, "rtx"),
    ]


def test_pictures_have_transport_feedback_both_ways_and_only_senders_take_estimates():
    parsed = SessionDescription.parse(answer(offer_sdp()))

    def feedback(section):
        return {
            f"{each.type} {each.parameter}".removesuffix(" None").strip()
            for each in section.rtp.codecs[0].rtcpFeedback
        }

    both = {"ccm fir", "nack", "nack pli", "goog-remb"}
    assert feedback(parsed.media[1]) == both | {"transport-cc"}
    assert feedback(parsed.media[3]) == {"transport-cc", "ccm fir", "nack", "nack pli"}
    assert [each.id for each in parsed.media[1].rtp.headerExtensions] == [3]
    assert [each.id for each in parsed.media[3].rtp.headerExtensions] == [3]


def test_voices_are_repeated_where_the_client_offers_it_and_carry_no_numbers():
    voices = SessionDescription.parse(answer(offer_sdp())).media[::2]
    silent = answer(offer_sdp().replace("a=rtcp-fb:111 nack\r\n", ""))

    told = [[each.type for each in section.rtp.codecs[0].rtcpFeedback] for section in voices]

    assert told == [["transport-cc", "nack"], ["nack"], ["nack"], ["nack"]]
    assert voices[1].rtp.headerExtensions == []
    assert "a=rtcp-fb:111 nack" not in silent


def numbers_of_voices(text):
    heads = [line for line in text.split("\r\n") if line.startswith("m=audio")]
    return [head.split()[3:] for head in heads]


def test_red_is_agreed_to_for_voices_that_are_heard_and_stands_behind_opus():
    text = answer(offer_sdp(seats=2, red=63))

    assert [each.red_payload_type for each in read_offer(offer_sdp(red=63)).sections[:3]] == [
        63, None, 63,
    ]  # fmt: skip
    assert numbers_of_voices(text) == [["111"], ["111", "63"], ["111", "63"]]
    assert text.count("a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n") == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=fmtp:63 111/111", "a=fmtp:63 111/0"),
        ("a=fmtp:63 111/111", "a=fmtp:63"),
        ("a=fmtp:63 111/111", "a=fmtp:64 111/111"),
        ("red/48000/2", "red/8000"),
    ],
)
def test_red_of_anything_but_the_agreed_opus_is_left_out(before, after):
    sdp = offer_sdp(red=63)
    assert before in sdp

    text = answer(sdp.replace(before, after))

    assert numbers_of_voices(text) == [["111"]] * 4
    assert "red" not in text


def test_layers_are_agreed_to_lowest_first_and_say_themselves_which_they_are():
    sdp = offer_sdp(layers=("l", "m", "h"))

    video = read_offer(sdp).sections[1]
    section = answer(sdp).split("m=")[2]

    assert (video.layers, video.ssrc, video.rtx_ssrc) == (("l", "m", "h"), None, None)
    assert "a=rid:l recv\r\na=rid:m recv\r\na=rid:h recv\r\n" in section
    assert "a=simulcast:recv l;m;h\r\n" in section
    assert {line for line in section.split("\r\n") if line.startswith("a=extmap:")} == {
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
        "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    }


def test_other_sections_than_that_of_the_layers_stay_as_they_are():
    def others(text):
        return [part for index, part in enumerate(text.split("m=")) if index != 2]

    assert others(answer(offer_sdp(layers=("l", "h")))) == others(answer(offer_sdp()))


@pytest.mark.parametrize(
    ("listed", "layers"),
    [
        ("send l,x;~m;h", ("l", "m", "h")),
        ("send l;l;unknown;h", ("l", "h")),
        ("recv x send l;h", ("l", "h")),
        ("send a;b;c;d;l;m;h", ("l", "m", "h")),
        ("recv l;m;h", ()),
        ("send", ()),
        ("", ()),
    ],
)
def test_of_the_layers_listed_those_with_an_id_count(listed, layers):
    sdp = offer_sdp(layers=("l", "m", "h")).replace("send ~l;~m;~h", listed)

    assert read_offer(sdp).sections[1].layers == layers


def test_layers_that_packets_could_not_name_are_none():
    sdp = offer_sdp(layers=("l", "h")).replace("rtp-stream-id", "another-id")

    assert read_offer(sdp).sections[1].layers == ()
    assert "simulcast" not in answer(sdp)


def test_audio_and_video_of_a_seat_share_one_stream():
    parsed = SessionDescription.parse(answer(offer_sdp(seats=2)))

    streams = [section.msid.split()[0] for section in parsed.media[2:]]
    assert streams == ["seat0", "seat0", "seat1", "seat1"]


def test_directions_mirror_the_offer():
    parsed = SessionDescription.parse(
        answer(offer_sdp(seats=1).replace("a=sendonly", "a=inactive", 1))
    )

    assert [each.direction for each in parsed.media] == [
        "inactive",
        "recvonly",
        "sendonly",
        "sendonly",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=ice-ufrag:abcd", "a=ice-ufrag:a b"),
        ("a=setup:actpass", "a=setup:passive"),
        ("a=fingerprint:sha-256 AB", "a=fingerprint:md5 AB"),
        ("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"),
        ("a=mid:0", "a=mid:1"),
        ("a=rtcp-mux", "a=rtcp-nomux"),
        ("a=sendonly", "a=sendrecv"),
        ("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000"),
        ("a=rtpmap:111 opus", "a=rtpmap:999 opus"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        ("m=audio", "m=application"),
        ("a=ssrc:1000 cname:x", "a=ssrc:1001 cname:x"),
        ("a=ssrc-group:FID 1001 1002", "a=ssrc-group:FID 1001 99999999999"),
        ("m=video 9 UDP", "m=video"),
    ],
)
def test_an_offer_of_another_form_is_refused(before, after):
    sdp = offer_sdp()
    assert before in sdp

    with pytest.raises(BadOffer):
        read_offer(sdp.replace(before, after))


@pytest.mark.parametrize("seats", [0, 4])
def test_too_few_or_too_many_pairs_are_refused(seats):
    with pytest.raises(BadOffer):
        read_offer(offer_sdp(seats=seats))


def test_every_tcp_candidate_is_passive_and_wanted_less_than_every_udp_candidate():
    transport = dataclasses.replace(_TRANSPORT, tcp_port=443)

    found = SessionDescription.parse(answer(offer_sdp(), transport)).media[0].ice_candidates

    udp, tcp = found[:2], found[2:]
    assert [(each.ip, each.port, each.protocol, each.tcpType) for each in tcp] == [
        ("192.0.2.1", 443, "tcp", "passive"),
        ("2001:db8::1", 443, "tcp", "passive"),
    ]
    assert len({each.foundation for each in found}) == 4
    assert tcp[0].priority > tcp[1].priority
    assert all(each.priority < min(other.priority for other in udp) for each in tcp)


def test_ids_beyond_the_one_byte_form_are_not_agreed_to():
    text = answer(offer_sdp().replace("a=extmap:3 ", "a=extmap:15 "))

    assert "transport-wide" not in text


@given(st.text(max_size=300))
def test_garbage_is_a_bad_offer_and_nothing_else(sdp):
    with pytest.raises(BadOffer):
        read_offer(sdp)


@given(st.data())
def test_a_damaged_offer_is_read_or_refused_and_nothing_else(data):
    sdp = offer_sdp(red=63, layers=data.draw(st.sampled_from([(), ("l", "m", "h")])))
    start = data.draw(st.integers(0, len(sdp)))
    length = data.draw(st.integers(0, 60))
    damaged = sdp[:start] + data.draw(st.text(max_size=20)) + sdp[start + length :]

    try:
        offer = read_offer(damaged)
    except BadOffer:
        return

    assert answer(damaged).count("m=") == len(offer.sections)
