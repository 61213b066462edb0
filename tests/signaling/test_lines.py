"""Both ways datagrams come and go, held against plain sockets and against each other."""

import asyncio
import socket
import time

import pytest

from signaling.relay import Relay, RelayConfig, batch_line
from signaling.relay.batch_line import BatchLine
from signaling.relay.counters import Counters
from signaling.relay.endpoint import Endpoint
from signaling.relay.line import Calls, PlainLine, arrivals
from signaling.relay.plane.library import ffi
from signaling.relay.relay import Relay as RunningRelay
from signaling.relay.slab import INCOMING, Slab, ssrc_name
from tests.signaling.peer import Peer, rtp_packet

KINDS = [
    PlainLine,
    pytest.param(
        BatchLine, marks=pytest.mark.skipif(not batch_line.is_available(), reason="not Linux")
    ),
]
HOSTS = ["127.0.0.1", "::1"]
_SSRC = 7
_MEDIA = b"\x80\x60" + bytes(6) + _SSRC.to_bytes(4, "big")
"""What reaches a line's user from anywhere: it may be of somebody who moved."""


@pytest.fixture(params=HOSTS)
def host(request):
    return request.param


def bound(host):
    opened = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((host, 0))
    opened.settimeout(2)
    return opened


@pytest.fixture
def far(host):
    with bound(host) as opened:
        yield opened


@pytest.fixture(params=KINDS)
def line(request, host):
    slab, counters, leg = Slab(), Counters(), ffi.new("struct leg *")
    with bound(host) as opened:
        opened.settimeout(0)
        counters.include(slab.plane.counts)
        rest = (counters,) if request.param is PlainLine else ()
        made = request.param(opened, slab, *rest)
        made.slab, made.counters = slab, counters
        slab.settle(ssrc_name(_SSRC), leg)
        yield made


def take(line):
    """Receive what waits; give (source, bytes, arrival) of each datagram."""
    found, plane = [], line.slab.plane

    def keep(source, start, length, arrived):
        found.append((source, line.slab.memory[start : start + length].tobytes(), arrived))

    def act():
        for each in plane.events[0 : plane.event_count]:
            keep(bytes(each.name), each.start, each.length, each.arrived)
        plane.event_count = 0

    line.receive(keep, act)
    return found


def post(line, address, packet):
    line.post(address, line.slab.place(packet), len(packet))


def test_datagrams_stand_in_their_slots_with_source_and_length(line, far):
    sent = [_MEDIA + b"a" * 20, _MEDIA, _MEDIA + b"c" * 1200]
    for each in sent:
        far.sendto(each, line.socket.getsockname())

    sources, datagrams, _ = zip(*take(line), strict=True)

    assert list(datagrams) == sent
    assert {line.host_and_port(each) for each in sources} == {far.getsockname()[:2]}
    assert all(line.owns(each) for each in sources)
    assert len(set(sources)) == 1


def test_nothing_waiting_is_nothing_taken(line):
    assert take(line) == []


def test_arrivals_are_times_between_sending_and_taking(line, far):
    before = time.monotonic_ns() // 1000
    for _ in range(2):
        far.sendto(_MEDIA, line.socket.getsockname())
        [(_, _, arrived)] = take(line)

        assert before - 1000 <= arrived <= time.monotonic_ns() // 1000


def test_more_than_fit_are_taken_in_turns(line, far):
    for number in range(INCOMING + 3):
        far.sendto(_MEDIA + bytes((number,)), line.socket.getsockname())

    first, second = take(line), take(line)

    assert (len(first), len(second)) == (INCOMING, 3)


@pytest.mark.parametrize(
    "lengths",
    [
        [100] * 5,
        [100, 100, 60, 100, 100],
        [60, 100, 100],
        [1200] * 40,
        [1, 2, 3, 3, 3, 2, 2, 1],
    ],
)
def test_packets_in_a_row_arrive_one_by_one_and_in_order(line, far, lengths):
    far.sendto(_MEDIA, line.socket.getsockname())
    [(address, _, _)] = take(line)
    sent = [bytes((number,)) * length for number, length in enumerate(lengths)]

    for each in sent:
        post(line, address, each)
    line.flush()

    assert [far.recv(2048) for _ in sent] == sent


def test_packets_to_many_go_to_each(line, host, far):
    with bound(host) as other:
        addresses = []
        for each in (far, other):
            each.sendto(_MEDIA, line.socket.getsockname())
            addresses += [source for source, _, _ in take(line)]

        for number in range(150):
            post(line, addresses[number % 2], bytes((number,)))
            line.slab.release()
            line.flush()

        assert [far.recv(9) for _ in range(75)] == [bytes((each,)) for each in range(0, 150, 2)]
        assert [other.recv(9) for _ in range(75)] == [bytes((each,)) for each in range(1, 150, 2)]


def test_a_packet_that_the_kernel_refuses_holds_up_no_other(line, far):
    far.sendto(_MEDIA, line.socket.getsockname())
    [(address, _, _)] = take(line)
    nobody = (
        address[:2] + bytes(2) + address[4:]
        if isinstance(address, bytes)
        else (address[0], 0, *address[2:])
    )

    post(line, nobody, b"to port 0")
    post(line, address, b"to somebody")
    line.flush()

    assert far.recv(99) == b"to somebody"
    assert line.counters["dropped_unsendable"] == 1


def test_stamps_that_cannot_be_count_as_now():
    now, wall = time.monotonic_ns() // 1000, time.time_ns() // 1000

    known, none, future, ancient = arrivals([wall - 500, 0, wall + 60_000_000, wall - 60_000_000])

    assert now - 1000 <= known <= none
    assert none == future == ancient
    assert now <= none <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("calls", [*Calls])
async def test_a_call_runs_over_every_kind_of_line(calls):
    counters = Counters()
    endpoint = Endpoint.bind("127.0.0.1", None, 0, counters, calls)
    relay = RunningRelay(endpoint, ("127.0.0.1",), counters)
    conference = relay.conference("room")
    alice, bob = [await Peer.connect(conference, name, ssrc=1000 * index)
                  for index, name in enumerate(("alice", "bob"), 1)]  # fmt: skip

    for number in range(100):
        alice.send_rtp(rtp_packet(1001, number, payload=b"%d" % number, number=number))
        if number % 30 == 0:
            await asyncio.sleep(0)
    video = bob.seat_ssrcs(0)[1]
    await bob.until(lambda: len(bob.received(video)) == 100)

    assert [int(each[20:]) for each in bob.received(video)] == list(range(100))
    for each in (alice, bob):
        await each.close()
    await relay.close()


async def test_a_busy_port_is_left_to_rest_when_it_is_quiet_again(connect, relay):
    alice, bob = await connect("alice"), await connect("bob", ssrc=2000)

    for number in range(100):
        alice.send_rtp(rtp_packet(1001, number, number=number))
        await asyncio.sleep(0)
    video = bob.seat_ssrcs(0)[1]
    await bob.until(lambda: len(bob.received(video)) == 100)
    await alice.until(lambda: not relay._endpoint._timers)
    alice.send_rtp(rtp_packet(1001, 100, payload=b"after the rest", number=100))
    await bob.until(lambda: len(bob.received(video)) == 101)

    assert bob.received(video)[-1].endswith(b"after the rest")


async def test_ports_of_both_kinds_can_be_taken_twice_only_by_mistake():
    first = await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6=None))

    with pytest.raises(OSError, match="in use"):
        Endpoint.bind("127.0.0.1", None, first.port, Counters(), Calls.PLAIN)

    await first.close()


@pytest.mark.skipif(not batch_line.is_available(), reason="not Linux")
def test_a_flood_from_strangers_is_dropped_and_counted_without_telling_anybody(host, far):
    slab = Slab()
    leg = ffi.new("struct leg *")
    slab.settle(ssrc_name(_SSRC), leg)
    with bound(host) as opened:
        opened.settimeout(0)
        line = BatchLine(opened, slab)
        line.slab = slab
        flood = [b"\x16\xfe\xfd", b"\x80\x60" + bytes(40), b"\x80", b"", b"GET /", _MEDIA]
        for each in flood:
            far.sendto(each, opened.getsockname())

        told = [datagram for _, datagram, _ in take(line)]

    counts = slab.plane.counts
    assert told == [_MEDIA]  # who sends this SSRC may have moved here
    assert counts.dropped_dtls_from_stranger == 1
    assert counts.dropped_media_from_stranger == 2
    assert counts.dropped_unknown_kind == 2
