"""VP8 payload descriptors as the relay reads and rewrites them, against a plain reading."""

import re
import subprocess
from pathlib import Path

import pytest
from cffi import FFI
from hypothesis import given
from hypothesis import strategies as st

PLANE = Path(__file__).parents[2] / "signaling/relay/plane"
FIELDS = (
    "length", "starts", "key", "picture_id", "picture_bits", "picture_at", "tl0", "tl0_at",
    "tid", "sync",
)  # fmt: skip
ABSENT = dict.fromkeys(FIELDS[3:], -1)
anything = st.binary(max_size=12)


class Compiled:
    """The functions as the compiler made them, on bytes of Python's."""

    def __init__(self, library):
        self._ffi = FFI()
        self._ffi.cdef((PLANE / "vp8.h").read_text())
        self._code = self._ffi.dlopen(str(library))

    def read(self, payload):
        found = self._ffi.new("struct vp8 *")
        length = self._code.vp8_read(self._ffi.from_buffer(payload), len(payload), found)
        assert length == found.length
        return {name: getattr(found, name) for name in FIELDS}

    def renumber(self, payload, picture_id, tl0):
        written = bytearray(payload)
        found = self._ffi.new("struct vp8 *")
        self._code.vp8_read(self._ffi.from_buffer(written), len(written), found)
        self._code.vp8_renumber(self._ffi.from_buffer(written), found, picture_id, tl0)
        return bytes(written)


@pytest.fixture(scope="module")
def vp8(tmp_path_factory):
    library = tmp_path_factory.mktemp("plane") / "vp8.so"
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", library, PLANE / "vp8.c"], check=True, timeout=60)
    return Compiled(library)


def plainly(payload):
    """Read a descriptor as RFC 7741 section 4.2 draws it, byte after byte."""
    rest = list(enumerate(payload))
    found = dict(ABSENT)
    try:
        _, first = rest.pop(0)
        present = rest.pop(0)[1] if first & 0b1000_0000 else 0
        if present & 0b1000_0000:
            found["picture_at"], high = rest.pop(0)
            long = high >= 0b1000_0000
            found["picture_bits"] = 15 if long else 7
            found["picture_id"] = (high - 128) * 256 + rest.pop(0)[1] if long else high
        if present & 0b0100_0000:
            found["tl0_at"], found["tl0"] = rest.pop(0)
        if present & 0b0011_0000:
            _, layer = rest.pop(0)
            if present & 0b0010_0000:
                found["tid"], found["sync"] = layer // 64, layer // 32 % 2
    except IndexError:
        return None
    starts = first // 16 % 2 == 1 and first % 8 == 0
    key = starts and bool(rest) and rest[0][1] % 2 == 0
    return {"length": len(payload) - len(rest), "starts": starts, "key": key, **found}


@given(anything)
def test_any_bytes_read_as_the_rfc_draws_them(vp8, payload):
    expected = plainly(payload)

    found = vp8.read(payload)

    if expected is None:
        assert (found["length"], found["starts"], found["key"]) == (0, 0, 0)
    else:
        assert found == expected


@given(anything, st.integers(0, 0x7FFF), st.integers(0, 0xFF))
def test_new_numbers_read_back_and_nothing_else_changes(vp8, payload, picture_id, tl0):
    before = vp8.read(payload)

    written = vp8.renumber(payload, picture_id, tl0)

    after = vp8.read(written)
    if before["length"]:
        bits = before["picture_bits"]
        expected = before | {"picture_id": picture_id % (1 << bits) if bits > 0 else -1}
        expected |= {"tl0": tl0 if before["tl0"] >= 0 else -1}
        assert after == expected
        assert written[before["length"] :] == payload[before["length"] :]


@given(anything)
def test_the_numbers_that_were_there_leave_every_byte_as_it_was(vp8, payload):
    found = vp8.read(payload)

    assert vp8.renumber(payload, found["picture_id"], found["tl0"]) == payload


def test_a_key_frame_of_a_browser_is_known_and_its_next_packet_begins_none(vp8):
    first = bytes.fromhex("9080a3c1 100200 9d012a".replace(" ", ""))
    second = bytes.fromhex("8080a3c1 100200")

    assert vp8.read(first) == {
        **ABSENT, "length": 4, "starts": 1, "key": 1,
        "picture_id": 0x23C1, "picture_bits": 15, "picture_at": 2,
    }  # fmt: skip
    assert (vp8.read(second)["starts"], vp8.read(second)["key"]) == (0, 0)


def test_numbers_that_are_not_there_are_not_written(vp8):
    bare = bytes.fromhex("10 00 9d")

    assert vp8.renumber(bare, 77, 5) == bare
    assert vp8.renumber(b"", 77, 5) == b""
    assert vp8.renumber(b"\x80", 77, 5) == b"\x80"


def test_the_header_is_plain_enough_for_cffi():
    declarations = re.sub(r"/\*.*?\*/", "", (PLANE / "vp8.h").read_text(), flags=re.DOTALL)

    assert not re.search(r"^\s*#", declarations, flags=re.MULTILINE)
