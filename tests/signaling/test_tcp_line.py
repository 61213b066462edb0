"""Who is let in on the TCP port, for how long, and what that may cost."""

import select
import socket

import pytest

from signaling.relay import tcp_line, tcp_port
from signaling.relay.counters import Counters
from signaling.relay.framing import frame
from signaling.relay.slab import INCOMING, Slab
from signaling.relay.tcp_line import TcpLine
from signaling.relay.tcp_port import TcpPortTaken


class Owner:
    """A participant who is shown nothing."""

    sinks = {}  # noqa: RUF012


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["127.0.0.1", "::1"])
def line(request, clock):
    slab, counters = Slab(), Counters()
    listeners = [tcp_port._bind(socket.AF_INET6 if ":" in request.param else socket.AF_INET,
                                request.param, 0)]  # fmt: skip
    made = TcpLine(listeners, slab, counters, clock)
    made.slab, made.counters, made.host = slab, counters, request.param
    yield made
    made.close()


@pytest.fixture
def dial(line):
    opened = []

    def dial():
        opened.append(socket.create_connection((line.host, line.port), timeout=3))
        return opened[-1]

    yield dial
    for each in opened:
        each.close()


def take(line):
    """Receive what waits; give (source, bytes) of each datagram."""
    found = []

    def keep(source, start, length, _arrived):
        found.append((source, line.slab.memory[start : start + length].tobytes()))

    line.receive(keep, lambda: None)
    return found


def taken(line):
    """Wait until something is there, and give (source, bytes) of all datagrams."""
    while True:
        assert select.select([line], [], [], 3)[0]
        if found := take(line):
            return found


def closed(far):
    """Tell whether the other side closed or reset the connection."""
    try:
        return far.recv(100) == b""
    except ConnectionResetError:
        return True


def admitted(line, far):
    """Let somebody prove who they are; give their connection."""
    far.sendall(frame(b"authentic request"))
    [(connection, _)] = taken(line)
    line.admit(connection, Owner())
    return connection


def test_frames_arrive_as_datagrams_with_their_source(line, dial):
    far = dial()
    far.sendall(frame(b"first datagram") + frame(b"second datagram"))

    (source, first), (other, second) = taken(line)

    assert (first, second) == (b"first datagram", b"second datagram")
    assert source is other
    assert line.owns(source)
    assert line.host_and_port(source) == far.getsockname()[:2]


def test_more_datagrams_than_fit_keep_the_line_readable_until_all_are_taken(line, dial):
    count = 2 * INCOMING + 5
    connection = admitted(line, far := dial())
    far.sendall(b"".join(frame(b"datagram %04d" % number) for number in range(count)))

    found = []
    while len(found) < count:
        found += taken(line)

    assert [each for _, each in found] == [b"datagram %04d" % number for number in range(count)]
    take(line)
    assert not select.select([line], [], [], 0)[0]
    assert not connection.ended


def test_what_is_posted_leaves_in_frames_and_in_order(line, dial):
    connection = admitted(line, far := dial())

    for number in range(300):
        start = line.slab.place(b"%d" % number)
        line.post(connection, start, len(b"%d" % number))
        line.slab.release()
    line.flush()

    expected = b"".join(frame(b"%d" % number) for number in range(300))
    assert far.recv(len(expected), socket.MSG_WAITALL) == expected


def test_a_stranger_has_ten_seconds(line, dial, clock):
    far = dial()
    take(line)

    clock.now += 9.9
    line.tick()
    assert line.counters["dropped_tcp_stranger"] == 0
    clock.now += 0.2
    line.tick()

    assert line.counters["dropped_tcp_stranger"] == 1
    assert closed(far)


def test_a_stranger_has_four_kilobytes(line, dial):
    far = dial()
    far.sendall(frame(b"x" * 1000) * 5)
    assert select.select([line], [], [], 3)[0]

    while not line.counters["dropped_tcp_stranger"]:
        take(line)

    assert closed(far)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\x00\x01x"]
)
def test_whoever_speaks_something_else_is_cut_off(line, dial, garbage):
    far = dial()
    take(line)
    far.sendall(garbage)
    assert select.select([line], [], [], 3)[0]

    take(line)

    assert line.counters["dropped_bad_frame"] == 1
    assert closed(far)


def test_the_oldest_stranger_gives_way_and_the_admitted_stay(line, dial, monkeypatch):
    monkeypatch.setattr(tcp_line, "_MOST_STRANGERS", 3)
    connection = admitted(line, dial())
    strangers = [dial() for _ in range(4)]

    take(line)

    assert closed(strangers[0])
    assert len(line._strangers) == 3
    assert not connection.ended


def test_one_network_gets_so_many_strangers_and_no_more(line, dial, monkeypatch):
    monkeypatch.setattr(tcp_line, "_MOST_STRANGERS_PER_NETWORK", 2)
    for _ in range(3):
        admitted(line, dial())

    first, second, third = dial(), dial(), dial()
    take(line)

    assert closed(third)
    for each in (first, second):
        each.settimeout(0)
        with pytest.raises(BlockingIOError):
            each.recv(1)


def test_nothing_is_left_of_strangers_who_are_gone(line, dial, clock):
    for _ in range(5):
        far = dial()
        far.sendall(frame(b"x" * 20) + b"\x01")
        taken(line)
        far.close()
        assert select.select([line], [], [], 3)[0]
        take(line)

    assert not line._connections
    assert not line._strangers
    assert not line._per_network


def test_an_admitted_peer_stays_for_thirty_seconds_from_each_proof(line, dial, clock):
    lost = []
    line.on_lost = lost.append
    connection = admitted(line, dial())

    clock.now += 29
    line.admit(connection, Owner())
    clock.now += 29
    line.tick()
    assert not lost
    clock.now += 2
    line.tick()

    assert lost == [connection]
    assert connection.ended


def test_a_connection_that_the_peer_ends_is_told_once(line, dial):
    lost = []
    line.on_lost = lost.append
    connection = admitted(line, far := dial())

    far.close()
    assert select.select([line], [], [], 3)[0]
    take(line)
    line.tick()
    line.tick()
    line.post(connection, line.slab.place(b"too late"), 8)
    line.flush()

    assert lost == [connection]
    assert line.counters["dropped_unsendable"] == 1


def test_a_peer_who_does_not_read_costs_bounded_memory_and_gets_the_rest_later(line, dial):
    connection = admitted(line, far := dial())
    connection.owner = Owner()
    picture = b"\x80\x60" + bytes(1198)
    sound_of = b"\x80\xc8" + bytes(98)  # RTCP, which is kept

    for _ in range(20_000):
        line.post(connection, line.slab.place(picture), len(picture))
        line.slab.release()
        line.flush()
        if connection.queue.holding:
            break
    line.post(connection, line.slab.place(sound_of), len(sound_of))
    line.slab.release()
    line.flush()
    line.tick()

    assert connection.queue.holding
    assert connection.queue.octets < 256 * 1024
    assert line.counters["dropped_tcp_pictures"] > 0
    heard = b""
    while not heard.endswith(frame(sound_of)):
        heard += far.recv(65536)
        take(line)
    line.tick()
    assert not connection.queue.holding


def test_a_taken_port_is_told(line):
    with pytest.raises(TcpPortTaken):
        tcp_port.listen("127.0.0.1" if "." in line.host else "0.0.0.0", "::1", line.port)
