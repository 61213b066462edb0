"""Repeats from the sender that arrive before what they repeat."""

import pytest

from signaling.relay import rtcp
from tests.signaling.forwarding import Forwarding, described, picture, repetition
from tests.signaling.packets import sequence
from tests.signaling.peer import VIDEO, rtp_packet


@pytest.fixture
def shown():
    """Three frames of a picture that have arrived."""
    call = Forwarding()
    call.send(picture(1001, 1, picture_id=1, key=True))
    call.send(picture(1001, 2, picture_id=2))
    call.send(picture(1001, 3, picture_id=3))
    call.sender.asked.clear()
    return call


def test_a_packet_that_its_repeat_overtook_is_not_sent_under_the_same_number_again(shown):
    """AES-GCM must never see other bytes under the same number (RFC 7714 section 8.4)."""
    fourth = picture(1001, 4, picture_id=4, rest=b"once")
    shown.sender.struct.wide_id, before = 3, len(shown.receiver.rtp)

    shown.send(repetition(1002, 1, fourth))
    shown.send(
        rtp_packet(
            1001, 4, payload=fourth[12:], payload_type=0x80 | VIDEO, number=4, timestamp=12_000
        )
    )
    shown.send(picture(1001, 5, picture_id=5, rest=b"next"))

    forwarded = shown.receiver.rtp[before:]
    [encoding] = shown.source.encodings
    assert [described(each)[4] for each in forwarded] == [b"once", b"next"]
    assert sequence(forwarded[1]) == (sequence(forwarded[0]) + 1) & 0xFFFF
    assert shown.sender.asked == []
    assert encoding.report(1.0, 0)[4:8] == bytes(4)  # nothing lost
    assert shown.sender.struct.arrival_count == 1


def test_what_a_repeat_overtook_is_asked_for_and_still_shown_in_its_place(shown):
    frames = {
        number: picture(1001, number, picture_id=number, rest=b"%d" % number)
        for number in range(4, 8)
    }

    [early] = shown.send(repetition(1002, 1, frames[6]))
    asked = [
        (number, form)
        for packet in shown.sender.asked
        for kind, form, body in rtcp.blocks(packet)
        if kind == rtcp.TRANSPORT_FEEDBACK
        for number in rtcp.nacked(body)
    ]
    late = [*shown.send(frames[4]), *shown.send(frames[5])]
    known = shown.send(frames[6])
    [after] = shown.send(frames[7])

    numbers = [sequence(each) for each in (*late, early, after)]
    assert [described(each)[4] for each in (*late, early, after)] == [b"4", b"5", b"6", b"7"]
    assert [(each - numbers[0]) & 0xFFFF for each in numbers] == [0, 1, 2, 3]
    assert asked == [(4, rtcp.NACK), (5, rtcp.NACK)]
    assert known == []


def test_no_stream_begins_with_a_repeat_nor_jumps_with_one(shown):
    far = picture(1001, 1000, picture_id=1000)
    unheard = Forwarding()

    jumped = shown.send(repetition(1002, 1, far))
    begun = unheard.send(repetition(1002, 1, far))

    assert jumped == begun == []
