"""What has Python told of it: requests for a ufrag of ours and handshakes, neither without end."""

import random
import struct

import pytest

from signaling.relay import Relay, RelayConfig, stun
from signaling.relay.line import Calls
from signaling.relay.plane.library import ffi, lib
from signaling.relay.slab import Slab, ufrag_name
from tests.signaling.damage import damaged
from tests.signaling.peer import Peer
from tests.signaling.tcp_peer import TcpPeer

OURS, UNKNOWN = "0123456789abcdef", "fedcba9876543210"
SECOND = 1_000_000
AT_ONCE = 200
NOBODY = ffi.NULL


class Gate:
    """The compiled part's look at a datagram; one participant has `OURS`."""

    def __init__(self):
        self.slab = Slab()
        self.leg = ffi.new("struct leg *")
        self.slab.settle(ufrag_name(OURS), self.leg)
        self.now = 100 * SECOND

    @property
    def counts(self):
        return self.slab.plane.counts

    def lets_pass(self, datagram, *, by=NOBODY):
        start = self.slab.starts[0]
        self.slab.memory[start : start + len(datagram)] = datagram
        return not lib.plane_refuses(self.slab.plane, by, start, len(datagram), self.now)


@pytest.fixture
def gate():
    return Gate()


def request(local, **options):
    return stun.build_request(
        bytes(12), username=f"{local}:theirs", password="a-password", **options
    )


def test_a_request_for_a_ufrag_of_ours_passes_from_anywhere(gate):
    assert gate.lets_pass(request(OURS))
    assert gate.lets_pass(request(OURS, nominate=True), by=gate.leg)


@pytest.mark.parametrize("local", [UNKNOWN, OURS[:-1], OURS + "0", "", OURS[1:] + ":", "x" * 200])
def test_a_request_for_another_ufrag_is_counted_and_not_told(gate, local):
    assert not gate.lets_pass(request(local))
    assert not gate.lets_pass(request(local), by=gate.leg)
    assert gate.counts.dropped_unauthentic_stun == 2


def test_a_ufrag_that_was_revoked_is_unknown(gate):
    gate.slab.leave(ufrag_name(OURS))

    assert not gate.lets_pass(request(OURS))


@pytest.mark.parametrize(
    "broken",
    [
        b"\x00",
        request(OURS)[:-4],
        request(OURS) + bytes(4),
        b"\x01\x01" + request(OURS)[2:],
        request(OURS)[:4] + bytes(4) + request(OURS)[8:],
        struct.pack("!HHI12s", 1, 0, stun.MAGIC_COOKIE, bytes(12)),
        struct.pack("!HHI12sHH", 1, 4, stun.MAGIC_COOKIE, bytes(12), stun.USERNAME, 0xFFFF),
    ],
    ids=["a byte", "cut", "longer", "an answer", "no cookie", "no attribute", "beyond the end"],
)
def test_what_is_no_whole_request_with_a_username_is_malformed(gate, broken):
    assert not gate.lets_pass(broken)
    assert gate.counts.dropped_malformed_stun == 1


def test_whatever_python_would_look_at_passes(gate):
    chance = random.Random(1)
    honest = [request(OURS), request(OURS, nominate=True), request(UNKNOWN)]

    for _ in range(20_000):
        datagram = damaged(chance, honest)
        gate.now += SECOND
        try:
            wanted = stun.read_request(datagram).local_ufrag == OURS
        except stun.MalformedStun:
            continue
        first_byte_is_stun = datagram[0] <= 1
        assert gate.lets_pass(datagram) == (wanted and first_byte_is_stun)


def test_requests_without_end_are_passed_two_hundred_in_a_tenth_of_a_second(gate):
    passed = sum(gate.lets_pass(request(OURS)) for _ in range(1000))
    gate.now += SECOND // 10
    later = sum(gate.lets_pass(request(OURS)) for _ in range(1000))

    assert (passed, later) == (AT_ONCE, AT_ONCE)
    assert gate.counts.dropped_excess_stun == 1600


def test_a_flood_from_elsewhere_leaves_the_participants_own_requests_alone(gate):
    for _ in range(1000):
        gate.lets_pass(request(OURS))

    assert gate.lets_pass(request(OURS), by=gate.leg)


def test_handshakes_are_a_participants_alone_and_not_without_end(gate):
    record = b"\x16\xfe\xfd" + bytes(20)

    assert not gate.lets_pass(record)
    assert sum(gate.lets_pass(record, by=gate.leg) for _ in range(1000)) == AT_ONCE
    assert gate.counts.dropped_dtls_from_stranger == 1
    assert gate.counts.dropped_excess_dtls == 800


@pytest.mark.parametrize("calls", [*Calls])
@pytest.mark.parametrize("kind", [Peer, TcpPeer])
async def test_every_kind_of_line_drops_a_flood_and_answers_the_participant(calls, kind):
    relay = await Relay.start(
        RelayConfig(host_v4="127.0.0.1", host_v6=None, advertised=("127.0.0.1",), calls=calls)
    )
    alice = await Peer.connect(relay.conference("room"), "alice")
    stranger = kind("stranger")
    stranger.answer = alice.answer
    await (stranger.reconnect() if kind is TcpPeer else stranger.open())

    for _ in range(20):
        stranger.send(request(UNKNOWN))
        stranger.send(b"\x00\x01" + bytes(18))
    await alice.until(lambda: relay.counters["dropped_malformed_stun"] == 20)
    await alice.bind()

    assert relay.counters["dropped_unauthentic_stun"] == 20
    assert stranger.raw_received == []
    for each in (alice, stranger):
        await each.close()
    await relay.close()
