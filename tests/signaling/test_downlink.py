"""What a receiver's feedback tells of its network: queues, losses, other ways."""

import random

from signaling.relay.downlink import Downlink
from signaling.relay.plane.library import ffi, lib

SIZE = 1000  # bytes
FEEDBACK = 100_000  # microseconds


class Network:
    """A queue in front of a rate, seen through feedback every tenth of a second."""

    def __init__(self, downlink):
        self.downlink = downlink
        self.leg = ffi.new("struct leg *")
        self.now = 1_000_000  # microseconds
        self.free = 0.0
        self.delay = 25_000
        self.loss = 0.0
        self.unheard = []
        self._random = random.Random(1)

    def carry(self, seconds, bits, capacity=100_000_000):
        """Send `bits` a second through `capacity`; give whether any feedback told of less room."""
        narrower = []
        until = self.now + seconds * 1_000_000
        pause = SIZE * 8 * 1_000_000 / bits
        while self.now < until:
            arrivals = []
            end = self.now + FEEDBACK
            while self.now < end:
                number = lib.feedback_number(self.leg, SIZE, int(self.now))
                self.free = max(self.free, self.now) + SIZE * 8 * 1_000_000 / capacity
                lost = self._random.random() < self.loss
                arrivals.append((number, -1 if lost else int(self.free + self.delay)))
                self.now += pause
            if self.loss < 1:
                arrivals = self.unheard + arrivals
                self.unheard = []
                narrower.append(self.tell(arrivals))
            else:
                self.unheard += arrivals
        return any(narrower)

    def tell(self, arrivals):
        """Have the downlink note (number, arrival in µs or -1) of some packets."""
        told = ffi.new("struct told *")
        for number, arrival in arrivals:
            lib.feedback_learn(self.leg, told, number, arrival)
        return self.downlink.note(told, self.now / 1_000_000)


def test_a_network_without_a_queue_has_no_limit():
    downlink = Downlink()
    network = Network(downlink)

    assert not network.carry(20, 1_500_000)
    assert downlink.room is None


def test_a_queue_is_noticed_within_half_a_second_and_tells_the_networks_rate():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_500_000)

    assert network.carry(0.5, 1_500_000, capacity=500_000)
    assert 200_000 < downlink.room < 500_000


def test_once_the_queue_is_empty_most_of_the_networks_rate_is_used_and_then_all_of_it():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_500_000)
    network.carry(0.3, 1_500_000, capacity=500_000)
    rooms = []
    for _ in range(300):
        network.carry(0.1, downlink.room or 1_500_000, capacity=500_000)
        rooms.append(downlink.room)

    assert max(rooms[50:]) < 600_000
    assert sum(rooms[50:]) / len(rooms[50:]) > 350_000


def test_random_loss_is_no_limit():
    downlink = Downlink()
    network = Network(downlink)
    network.loss = 0.2

    assert not network.carry(20, 1_000_000)


def test_losing_most_packets_is_a_limit_even_without_a_queue():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(3, 1_000_000)
    network.loss = 0.6

    assert network.carry(1, 1_000_000)


def test_a_device_that_was_busy_for_a_moment_is_no_limit():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_000_000)
    network.free = network.now + 200_000  # everything waits, and then comes in one heap

    assert not network.carry(5, 1_000_000)


def test_a_device_that_was_busy_and_let_some_through_is_no_limit_for_long():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_000_000)
    begin, numbers = int(network.now), []
    for _ in range(45):
        numbers.append(lib.feedback_number(network.leg, SIZE, int(network.now)))
        network.now += 8_000
    some = [(numbers[each], begin + 180_000 + 60_000 * each) for each in range(4)]
    heap = [(each, begin + 380_000 + 300 * at) for at, each in enumerate(numbers[4:38])]
    after = [(each, begin + 392_000 + 300 * at) for at, each in enumerate(numbers[38:])]

    busy = [network.tell(some), downlink.room]
    network.tell(heap)
    again = [network.tell(after), downlink.room]

    assert busy[0]
    assert busy[1] < 400_000
    assert again == [True, None]


def test_a_limit_met_slowly_is_not_taken_for_a_busy_device():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 550_000)
    network.carry(2, 550_000, capacity=500_000)

    network.carry(2, 300_000, capacity=500_000)

    assert downlink.room < 500_000


def test_an_outage_is_no_limit():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_000_000)
    network.loss = 1.0
    network.carry(5, 1_000_000)
    network.loss = 0.0

    assert not network.carry(5, 1_000_000)


def test_what_comes_without_a_queue_is_not_forbidden_for_long():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_000_000)
    network.carry(0.5, 1_000_000, capacity=200_000)
    network.free = network.now

    network.carry(2, 1_000_000)

    assert downlink.room >= 900_000


def test_a_longer_way_is_no_limit_for_long():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_000_000)
    network.delay += 100_000
    network.carry(30, 1_000_000)

    assert not network.carry(5, 1_000_000)


def test_a_limit_that_has_long_held_nobody_back_is_forgotten():
    downlink = Downlink()
    network = Network(downlink)
    network.carry(5, 1_500_000)
    network.carry(0.5, 1_500_000, capacity=500_000)
    network.carry(3, 100_000)

    network.carry(25, 100_000)

    assert downlink.room is None


def test_feedback_on_packets_that_never_were_is_nothing():
    downlink = Downlink()

    assert not Network(downlink).tell([(number, number) for number in range(5000)])
    assert downlink.room is None
