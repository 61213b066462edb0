"""Datagrams in a stream are found again, however the stream was cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.relay.framing import BadFrame, frame, whole_frames
from signaling.relay.slab import LONGEST_DATAGRAM

DATAGRAMS = st.lists(st.binary(min_size=12, max_size=60), max_size=8)


@given(DATAGRAMS, st.lists(st.integers(0, 500)))
def test_datagrams_are_found_however_the_stream_is_cut(datagrams, cuts):
    stream = b"".join(map(frame, datagrams))
    cuts = sorted({0, len(stream), *(each for each in cuts if each < len(stream))})
    rest, found = bytearray(), []

    for start, end in itertools.pairwise(cuts):
        rest += stream[start:end]
        whole, position = whole_frames(rest, 100)
        found += [bytes(rest[each]) for each in whole]
        del rest[:position]

    assert found == datagrams
    assert not rest


@given(DATAGRAMS, st.integers(0, 4))
def test_no_more_are_taken_than_there_is_room_for(datagrams, most):
    stream = b"".join(map(frame, datagrams))

    first, position = whole_frames(stream, most)
    others, _ = whole_frames(stream[position:], 100)

    assert len(first) == min(most, len(datagrams))
    assert [stream[each] for each in first] == datagrams[:most]
    assert [stream[position:][each] for each in others] == datagrams[most:]


def test_empty_frames_mean_nothing():
    stream = frame(b"") * 5 + frame(b"x" * 12) + frame(b"")

    found, position = whole_frames(stream, 1)

    assert [stream[each] for each in found] == [b"x" * 12]
    assert whole_frames(stream[position:], 1) == ([], 2)


@pytest.mark.parametrize("length", [1, 11, LONGEST_DATAGRAM + 1, 0x4745, 0xFFFF])
def test_a_length_that_cannot_be_is_refused_before_anything_is_kept(length):
    with pytest.raises(BadFrame):
        whole_frames(length.to_bytes(2, "big"), 1)


@given(st.binary(max_size=200))
def test_garbage_is_taken_apart_or_refused_and_nothing_else(stream):
    try:
        found, position = whole_frames(stream, 10)
    except BadFrame:
        return

    assert position <= len(stream)
    assert all(12 <= each.stop - each.start <= LONGEST_DATAGRAM for each in found)
