"""What the compiled part makes of packets: layers, temporal layers, earlier frames of a voice."""

import struct

import pytest

from signaling.relay.layers import ALL_FRAMES
from tests.signaling.forwarding import LAYERS, RED, Forwarding, described, picture, voice
from tests.signaling.packets import sequence
from tests.signaling.peer import AUDIO


def blocks(payload):
    """Read RED (RFC 2198 section 3): (payload type, timestamp offset or None, frame) of each."""
    heads, at = [], 0
    while payload[at] & 0x80:
        word = struct.unpack_from("!I", payload, at)[0]
        heads.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
        at += 4
    heads.append((payload[at] & 0x7F, None, None))
    at += 1
    found = []
    for kind, offset, length in heads:
        end = at + length if length is not None else len(payload)
        found.append((kind, offset, payload[at:end]))
        at = end
    return found


@pytest.fixture
def call():
    return Forwarding(kind="audio")


@pytest.fixture
def layered():
    return Forwarding(layers=LAYERS)


def test_a_voice_is_sent_alone_as_long_as_nothing_is_lost(call):
    packets = [each for number in range(5) for each in call.send(voice(1000, number, b"frame"))]

    assert [each[1] & 0x7F for each in packets] == [AUDIO] * 5
    assert [each[12:] for each in packets] == [b"frame"] * 5


@pytest.mark.parametrize(("lost", "earlier"), [(8, 1), (26, 2)])
def test_a_receiver_who_loses_voices_gets_earlier_frames_beside_each(call, lost, earlier):
    for number in range(5):
        call.send(voice(1000, number, b"frame %d" % number))
    call.sink.note_loss(lost, 1.0)

    [packet] = call.send(voice(1000, 5, b"frame 5"))

    assert packet[1] & 0x7F == RED
    assert blocks(packet[12:]) == [
        *((AUDIO, 960 * back, b"frame %d" % (5 - back)) for back in range(earlier, 0, -1)),
        (AUDIO, None, b"frame 5"),
    ]


def test_frames_from_before_the_receiver_was_shown_the_voice_are_not_given(call):
    call.sink.bind(None, 1.0)
    call.send(voice(1000, 0, b"said before"))
    call.sink.bind(call.source, 1.0)
    call.sink.note_loss(100, 1.0)

    [first] = call.send(voice(1000, 1, b"first"))
    [second] = call.send(voice(1000, 2, b"second"))

    assert first[12:] == b"first"
    assert [frame for _, _, frame in blocks(second[12:])] == [b"first", b"second"]


def test_a_receiver_who_asks_for_a_fifth_of_a_voice_again_gets_earlier_frames_beside_each(call):
    """What is repeated in time counts as received in its reports (RFC 3550 section 6.4.1)."""
    for number in range(60):
        for packet in call.send(voice(1000, number, b"frame")):
            if number % 5 == 0:
                call.repeat(sequence(packet))
    call.sink.note_loss(0, 2.2)

    [packet] = call.send(voice(1000, 60, b"last"))

    assert [frame for _, _, frame in blocks(packet[12:])] == [b"frame", b"frame", b"last"]


def test_asking_for_one_packet_again_and_again_is_the_loss_of_one(call):
    for number in range(60):
        for packet in call.send(voice(1000, number, b"frame")):
            if number == 0:
                first = packet
            call.repeat(sequence(first))

    [packet] = call.send(voice(1000, 60, b"last"))

    assert packet[12:] == b"last"


def test_what_came_late_from_the_sender_is_no_loss_of_the_receivers(call):
    for number in range(0, 60, 5):
        for each in (number, number + 2, number + 3, number + 4, number + 1):
            packets = call.send(voice(1000, each, b"frame"))
        call.repeat(sequence(packets[0]))

    [packet] = call.send(voice(1000, 60, b"last"))

    assert packet[12:] == b"last"


def test_what_a_full_queue_has_lost_is_no_reason_for_earlier_frames(call):
    call.receiver.stands = 0.2
    for number in range(60):
        for packet in call.send(voice(1000, number, b"frame")):
            if number % 5 == 0:
                call.repeat(sequence(packet))

    [packet] = call.send(voice(1000, 60, b"last"))

    assert packet[12:] == b"last"


def test_a_voice_is_sent_alone_again_after_ten_seconds_without_loss(call):
    call.sink.note_loss(100, 1.0)
    call.send(voice(1000, 0, b"a"))

    call.sink.note_loss(0, 10.0)
    [still] = call.send(voice(1000, 1, b"b"))
    call.sink.note_loss(0, 11.5)
    [alone] = call.send(voice(1000, 2, b"c"))

    assert still[1] & 0x7F == RED
    assert alone[12:] == b"c"


def test_a_voice_that_is_repeated_is_the_same_to_the_byte(call):
    """AES-GCM must never see other bytes under the same number (RFC 7714 section 8.4)."""
    call.sink.note_loss(100, 1.0)
    for number in range(4):
        call.send(voice(1000, number, b"frame %d" % number))
    packets, sent = list(call.receiver.rtp), list(call.receiver.raw)
    call.sink.note_loss(8, 1.0)
    call.sink.struct.redundancy = 1

    again = [each for packet in packets for each in call.repeat(sequence(packet))]

    assert again == sent


def test_a_voice_whose_earlier_frames_are_gone_is_not_repeated(call):
    call.sink.note_loss(100, 1.0)
    for number in range(3):
        call.send(voice(1000, number, bytes(300)))
    last = call.receiver.rtp[-1]
    for number in range(3, 80):
        call.send(voice(1000, number, bytes(300)))

    assert last[1] & 0x7F == RED
    assert call.repeat(sequence(last)) == []


def test_a_picture_is_repeated_once_per_round_trip_however_often_it_is_asked_for():
    call = Forwarding()
    call.receiver.stands = 0.19
    [packet] = call.send(picture(1001, 1, picture_id=1, key=True))
    again = []

    for _ in range(20):
        again.append(len(call.repeat(sequence(packet))))
        call.now += 20_000

    assert [index for index, count in enumerate(again) if count] == [0, 12]


def test_another_layer_is_shown_from_its_next_key_frame_on_and_numbers_run_on(layered):
    shown = []
    for number in range(3):
        shown += layered.send(
            picture(102, 40 + number, picture_id=500 + number, tl0=9 + number, key=not number)
        )

    layered.sink.layer = 0
    shown += layered.send(picture(100, 7, picture_id=30, tl0=200))
    shown += layered.send(picture(102, 43, picture_id=503, tl0=12, rest=b"large"))
    shown += layered.send(picture(100, 8, picture_id=31, tl0=201, key=True, rest=b"small"))
    shown += layered.send(picture(102, 44, picture_id=504, tl0=13))
    shown += layered.send(picture(100, 9, picture_id=32, tl0=202))

    numbers, ids, tl0s, _, rests = zip(*map(described, shown), strict=True)
    assert len(shown) == 6
    assert rests[3:5] == (b"large", b"small")
    assert [each - numbers[0] for each in numbers] == [0, 1, 2, 3, 4, 5]
    assert [each - ids[0] for each in ids] == [0, 1, 2, 3, 4, 5]
    assert [each - tl0s[0] for each in tl0s] == [0, 1, 2, 3, 4, 5]
    assert {each[8:12] for each in shown} == {(77).to_bytes(4, "big")}


def test_times_run_on_when_the_layer_changes(layered):
    [before] = layered.send(picture(102, 1, picture_id=1, key=True))
    layered.sink.layer = 0

    [after] = layered.send(picture(100, 9000, picture_id=1, key=True))

    times = [int.from_bytes(each[4:8], "big") for each in (before, after)]
    assert times[1] - times[0] == 90_000 * 20 // 1000


def test_two_sizes_that_come_in_one_read_are_two_frames(layered):
    [before] = layered.send(picture(102, 1, picture_id=1, key=True))
    layered.sink.layer = 0
    layered.now -= 20_000

    [after] = layered.send(picture(100, 9000, picture_id=1, key=True))

    times = [int.from_bytes(each[4:8], "big") for each in (before, after)]
    assert times[1] - times[0] == 90_000 * 20 // 1000


def frames(layered, count, *, first=1):
    """Send frames in three temporal layers (0 2 1 2), each a packet; give what arrives."""
    shown = []
    for index in range(first, first + count):
        tid = (0, 2, 1, 2)[index % 4]
        shown += layered.send(
            picture(102, index, picture_id=index, tl0=index // 4, tid=tid, sync=tid > 0,
                    rest=b"%d" % index)
        )  # fmt: skip
    return shown


def test_without_upper_frames_no_number_is_missing(layered):
    layered.send(picture(102, 0, picture_id=0, key=True))
    layered.sink.temporal = 1

    shown = [described(each) for each in frames(layered, 40)]

    first = shown[0]
    assert {tid for _, _, _, tid, _ in shown} == {0, 1}
    assert len(shown) == 20
    assert [number - first[0] for number, *_ in shown] == list(range(20))
    assert [each - first[1] for _, each, *_ in shown] == list(range(20))


def test_upper_frames_come_back_at_a_frame_that_needs_the_lowest_alone(layered):
    layered.send(picture(102, 0, picture_id=0, key=True))
    layered.sink.temporal = 0
    frames(layered, 8)
    layered.sink.temporal = ALL_FRAMES

    unready = layered.send(picture(102, 9, picture_id=9, tid=2, sync=False))
    ready = layered.send(picture(102, 10, picture_id=10, tid=1, sync=True))
    higher = layered.send(picture(102, 11, picture_id=11, tid=2, sync=True))

    assert [len(each) for each in (unready, ready, higher)] == [0, 1, 1]


def test_what_was_sent_without_upper_frames_is_repeated_by_the_number_it_had(layered):
    layered.send(picture(102, 0, picture_id=0, key=True))
    layered.sink.temporal = 0
    shown = frames(layered, 40)

    wanted = described(shown[4])
    layered.repeat(wanted[0])

    repeated = layered.receiver.rtp[-1]
    original, payload = repeated[20:22], repeated[:20] + repeated[22:]
    assert repeated[8:12] == (78).to_bytes(4, "big")
    assert int.from_bytes(original, "big") == wanted[0]
    assert described(payload)[1:] == wanted[1:]


def test_a_packet_that_was_missing_keeps_its_place_without_upper_frames(layered):
    layered.send(picture(102, 0, picture_id=0, key=True))
    layered.sink.temporal = 0
    frames(layered, 7)
    [after] = layered.send(picture(102, 12, picture_id=12, tl0=3))

    [late] = layered.send(picture(102, 8, picture_id=8, tl0=2, rest=b"late"))

    assert 0 < sequence(after) - sequence(late) < 5
    assert described(late)[4] == b"late"


def test_a_picture_without_repeats_agreed_is_never_sent_twice_under_one_number():
    call = Forwarding()
    call.sink.struct.rtx_payload_type = 0
    [packet] = call.send(picture(1001, 1, picture_id=1, key=True))

    assert call.repeat(sequence(packet)) == []


def test_known_packets_and_ones_too_old_to_tell_are_not_forwarded(call):
    for number in {*range(400)} - {1, 390}:
        call.send(voice(1000, number, b"x"))

    assert call.send(voice(1000, 1, b"too old")) == []
    assert call.send(voice(1000, 399, b"known")) == []
    assert len(call.send(voice(1000, 390, b"late"))) == 1


def test_reports_tell_loss_in_the_interval_and_in_total(call):
    for number in (65534, 65535, 65537, 65538):  # 65536 is lost, and the numbers wrap
        call.send(voice(1000, number, b"x"))
    [encoding] = call.source.encodings

    first, second = encoding.report(1.0, 0), encoding.report(2.0, 0)

    assert (first[4], first[7]) == (256 // 5, 1)
    assert (second[4], second[7]) == (0, 1)


def test_the_sender_of_a_voice_hears_of_the_worst_loss_among_its_audience(call):
    call.send(voice(1000, 1, b"x"))
    call.sink.note_loss(40, 1.0)

    [block] = call.source.reports(1.0)

    assert (block[4], block[7]) == (40, 0)


def test_a_sender_that_was_away_for_long_has_lost_nothing(call):
    call.send(voice(1000, 10_000, b"x"))
    call.send(voice(1000, 30_000, b"y"))
    [encoding] = call.source.encodings

    block = encoding.report(1.0, 0)

    assert (block[4], block[7]) == (0, 0)


def test_a_picture_is_repeated_twice_for_who_loses_much_and_has_room():
    call = Forwarding()
    [packet] = call.send(picture(1001, 1, picture_id=1, key=True))

    once = call.repeat(sequence(packet))
    call.sink.note_loss(40, 1.0)
    call.now += 100_000
    twice = call.repeat(sequence(packet))
    call.receiver.room = 100_000
    call.now += 100_000
    narrow = call.repeat(sequence(packet))

    assert [len(each) for each in (once, twice, narrow)] == [1, 2, 1]
    assert len({sequence(each) for each in (*once, *twice, *narrow)}) == 4


def test_reports_under_ever_new_names_end_at_thirty_two(call):
    """Libsrtp keeps something for each SSRC that proves its keys."""
    counts = call.slab.plane.counts

    for ssrc in range(5000, 5100):
        report = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
        call.receive(call.sender.outward.protect_rtcp(report))
    call.receive(call.sender.outward.protect_rtcp(struct.pack("!BBHI", 0x80, 201, 1, 5000)))

    assert len(call.sender.reports) == 33
    assert counts.dropped_undeclared_ssrc == 68
