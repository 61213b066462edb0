"""Messages of several packets, which the kernel cuts (UDP_SEGMENT), and what it refuses of them."""

import socket
import sys

import pytest

from signaling.relay import batch_line
from signaling.relay.batch_line import BatchLine
from signaling.relay.plane.library import lib
from tests.signaling.forwarding import Forwarding, voice

pytestmark = pytest.mark.skipif(not batch_line.is_available(), reason="not Linux")

_SO_NO_CHECK = 11  # without checksums the kernel does not cut: EINVAL
_TOGETHER = 3


def name_of(port):
    """Give 127.0.0.1 and a port as `struct sockaddr_in` and zeroes."""
    family = socket.AF_INET.to_bytes(2, sys.byteorder)
    return family + port.to_bytes(2, "big") + socket.inet_aton("127.0.0.1") + bytes(20)


class Burst:
    """A voice in front of a real socket; its packets reach the receiver several at a time."""

    def __init__(self, opened, far):
        self.call = Forwarding(kind="audio")
        self.counts = self.call.slab.plane.counts
        self.far = far
        self._opened = opened
        self._line = BatchLine(opened, self.call.slab)
        self._sent = 0
        self.call.receiver.struct.line = self._line.line
        self.lead_to(far.getsockname()[1])

    def lead_to(self, port):
        """Have the receiver be at a port."""
        name, leg = name_of(port), self.call.receiver.struct
        leg.name = name
        self.call.slab.settle(name, leg)

    def allow_cutting(self, *, allowed):
        self._opened.setsockopt(socket.SOL_SOCKET, _SO_NO_CHECK, not allowed)

    def send(self):
        """Have several packets arrive and leave together."""
        slab, leg = self.call.slab, self.call.sender.struct
        for start in slab.starts[:_TOGETHER]:
            self._sent += 1
            datagram = self.call.sender.outward.protect(voice(1000, self._sent, b"frame"))
            slab.memory[start : start + len(datagram)] = datagram
            lib.plane_media(slab.plane, leg, start, len(datagram), 1_000_000 + self._sent)
        self._line.flush()
        self.call.act()

    def arrived(self):
        """Take a burst's packets; a missing one is a timeout."""
        return [len(self.far.recv(2048)) for _ in range(_TOGETHER)]


@pytest.fixture
def burst():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for each in (opened, far):
            each.bind(("127.0.0.1", 0))
            each.settimeout(2)
        yield Burst(opened, far)


def test_who_cannot_be_sent_packets_in_one_message_gets_each_by_itself_from_then_on(burst):
    burst.allow_cutting(allowed=False)

    for _ in range(3):
        burst.send()
        arrived = burst.arrived()

        assert len(set(arrived)) == 1
    assert burst.counts.messages_refused == 1
    assert burst.counts.dropped_unsendable == 0


def test_a_message_to_nowhere_does_not_end_cutting(burst):
    burst.lead_to(0)
    burst.send()
    nowhere = (burst.counts.messages_refused, burst.counts.dropped_unsendable)
    burst.lead_to(burst.far.getsockname()[1])

    burst.send()
    burst.arrived()
    cut = burst.counts.messages_refused
    burst.allow_cutting(allowed=False)
    burst.send()
    burst.arrived()

    assert nowhere == (1, _TOGETHER)
    assert cut == 1
    assert burst.counts.messages_refused == 2  # it was tried to send them together
