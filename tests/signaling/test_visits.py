"""Visits: what the server itself knows of when somebody was connected, and what was lost."""

import asyncio
import datetime as dt

import pytest

from signaling.visits import Ending, Stay, Visits
from tests.signaling.caller import admitted
from tests.signaling.peer import AUDIO, Peer, rtp_packet

SECOND = dt.timedelta(seconds=1)


class Watched:
    """A stay that is looked at every second."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.visits = Visits()
        self.stay = Stay(self.visits, "7", "link:1", clock())
        self.packets = 0

    def seconds(self, count, packets=50, *, expected=True, lost=None):
        for _ in range(count):
            self.clock.forward(seconds=1)
            self.packets += packets
            self.stay.watch(self.clock(), self.packets, expected=expected, lost=lost)
        return self.stay.visit


@pytest.fixture
def watched(clock):
    return Watched(clock)


def test_a_visit_is_connected_from_when_media_could_pass(watched, clock):
    watched.stay.watch(clock(), None, expected=False, lost=None)
    before = watched.stay.visit.connected

    after = watched.seconds(1, packets=0)

    assert (before, after.connected) == (None, clock())


def test_a_stream_that_stops_for_three_seconds_is_one_interruption(watched):
    watched.seconds(5)
    silent = watched.seconds(3, packets=0)
    during = watched.stay.interrupted

    visit = watched.seconds(1)

    assert (during, silent.interruptions) == (True, 0)
    assert (visit.interruptions, visit.interrupted) == (1, 4 * SECOND)
    assert not watched.stay.interrupted


def test_a_second_without_packets_is_none(watched):
    watched.seconds(5)
    watched.seconds(1, packets=0)

    assert watched.seconds(5).interruptions == 0


def test_nobody_is_interrupted_who_need_not_send(watched):
    watched.seconds(5)
    watched.seconds(60, packets=0, expected=False)

    assert watched.seconds(1).interruptions == 0


def test_who_hardly_sends_anything_is_not_taken_for_interrupted(watched):
    watched.seconds(5, packets=3)
    watched.seconds(4, packets=0)

    assert watched.seconds(1).interruptions == 0


def test_of_somebody_without_devices_the_socket_tells(watched, clock):
    lost = clock()
    for _ in range(4):
        clock.forward(seconds=1)
        watched.stay.watch(clock(), None, expected=True, lost=lost)
    clock.forward(seconds=1)

    watched.stay.watch(clock(), None, expected=True, lost=None)

    assert watched.stay.visit.interruptions == 1
    assert watched.stay.visit.interrupted == 5 * SECOND


def test_somebody_lost_was_there_until_they_fell_silent(watched, clock):
    watched.seconds(5)
    fell_silent = clock()
    watched.seconds(20, packets=0, lost=fell_silent)

    watched.stay.leave(clock(), Ending.LOST)

    (visit,) = watched.visits.take()
    assert (visit.seen, visit.ending, visit.interruptions) == (fell_silent, Ending.LOST, 0)


def test_a_visit_is_told_again_twice_a_minute_while_it_goes_on(watched):
    watched.visits.take()
    told = 0
    for _ in range(121):
        watched.seconds(1)
        told += len(watched.visits.take())

    assert told == 1 + 4  # connected, and then what a killed server would not tell any more


def test_a_visit_that_changed_often_is_taken_once(watched, clock):
    watched.seconds(5)
    watched.stay.admit(clock())
    watched.stay.leave(clock(), Ending.LEFT)

    taken = watched.visits.take()

    assert [(each.key, each.ending) for each in taken] == [("link:1", Ending.LEFT)]
    assert watched.visits.take() == []


async def test_arriving_being_let_in_and_leaving_are_noted_for_everybody(dial, rooms, clock):
    (_host, guest), _ = await admitted(dial, "guest")
    clock.forward(minutes=20)
    await guest.say("leave")
    await guest.closed()

    visits = {each.key: each for each in rooms.visits.take()}

    assert visits["host"].admitted == visits["host"].arrived
    assert visits["host"].ending is Ending.NOT_YET
    assert visits["guest"].ending is Ending.LEFT
    assert visits["guest"].seen - visits["guest"].arrived == 1200 * SECOND


async def test_the_others_are_told_when_nothing_comes_from_somebody_any_more(
    dial, relay, rooms, clock
):
    (host, _guest), (guest_id,) = await admitted(dial, "guest")
    peer = await Peer.connect(relay.conference("room"), guest_id, ssrc=2000)
    clock.forward(seconds=1)
    rooms.sweep()
    for number in range(40):
        peer.send_rtp(rtp_packet(2000, number, payload_type=AUDIO))
    async with asyncio.timeout(5):
        while relay.conference("room").received()[guest_id] < 40:
            await asyncio.sleep(0.01)  # the relay counts; nothing tells when
    clock.forward(seconds=1)
    rooms.sweep()

    for _ in range(3):
        clock.forward(seconds=1)
        rooms.sweep()

    told = await host.hear("participant", quality="lost")
    assert told["id"] == guest_id
    await peer.close()


async def test_a_quality_is_told_to_the_others_and_counted_once(dial, rooms):
    (host, guest), (guest_id,) = await admitted(dial, "guest")

    for _ in range(3):
        await guest.say("quality", level="poor", cause="loss_in")
    told = await host.hear("participant", quality="poor")
    await guest.say("ping", id=1)
    await guest.hear("pong")

    assert (told["id"], told["cause"]) == (guest_id, "loss_in")
    assert rooms.told_levels == {"poor": 1}
    assert rooms.levels() == {"poor": 1, "unknown": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"level": "good"},
        {"level": "lost", "cause": "none"},
        {"level": "splendid", "cause": "none"},
        {"level": "good", "cause": ["none"]},
        {"level": "good", "cause": "a" * 5000},
    ],
)
async def test_a_quality_of_any_other_form_is_refused(dial, fields):
    host = await dial("host")
    await host.hello()

    await host.say("quality", **fields)

    await host.fails("bad_message")
