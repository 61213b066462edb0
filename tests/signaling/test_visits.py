"""Visits: what the server itself knows of when somebody was connected, and what was lost."""

import asyncio
import datetime as dt

import pytest

from signaling.moment import Moment
from signaling.visits import Ending, Stay, Visits
from tests.signaling.caller import admitted
from tests.signaling.peer import AUDIO, Peer, rtp_packet

SECOND = dt.timedelta(seconds=1)


def moment(clock):
    return Moment(clock(), clock.steady())


class Watched:
    """A stay that is looked at every second."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.visits = Visits()
        self.stay = Stay(self.visits, "7", "link:1", moment(clock))
        self.packets = 0

    def seconds(self, count, packets=50, *, expected=True, lost=None):
        for _ in range(count):
            self.clock.forward(seconds=1)
            self.packets += packets
            self.stay.watch(moment(self.clock), self.packets, expected=expected, lost=lost)
        return self.stay.visit


@pytest.fixture
def watched(clock):
    return Watched(clock)


def test_a_visit_is_connected_from_when_media_could_pass(watched, clock):
    watched.stay.watch(moment(clock), None, expected=False, lost=None)
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
    lost = moment(clock)
    for _ in range(4):
        clock.forward(seconds=1)
        watched.stay.watch(moment(clock), None, expected=True, lost=lost)
    clock.forward(seconds=1)

    watched.stay.watch(moment(clock), None, expected=True, lost=None)

    assert watched.stay.visit.interruptions == 1
    assert watched.stay.visit.interrupted == 5 * SECOND


def test_somebody_lost_was_there_until_they_fell_silent(watched, clock):
    watched.seconds(5)
    fell_silent = moment(clock)
    watched.seconds(20, packets=0, lost=fell_silent)

    watched.stay.leave(moment(clock), Ending.LOST)

    (visit,) = watched.visits.take()
    assert (visit.seen, visit.ending, visit.interruptions) == (fell_silent.wall, Ending.LOST, 0)


@pytest.mark.parametrize("before", range(1, 31))
def test_the_end_of_somebody_lost_is_right_whenever_it_was_told_last(watched, clock, before):
    watched.seconds(before)
    fell_silent = moment(clock)
    watched.seconds(20, packets=0, lost=fell_silent)

    watched.stay.leave(moment(clock), Ending.LOST)

    assert watched.stay.visit.seen == fell_silent.wall


@pytest.mark.parametrize("ending", [Ending.LEFT, Ending.ENDED, Ending.SHUTDOWN])
def test_who_gives_up_while_nothing_gets_through_was_interrupted_until_then(watched, clock, ending):
    watched.seconds(5)
    watched.seconds(90, packets=0)

    watched.stay.leave(moment(clock), ending)

    visit = watched.stay.visit
    assert (visit.interruptions, visit.interrupted) == (1, 90 * SECOND)
    assert (visit.seen, visit.ending) == (clock(), ending)


def test_an_interruption_counts_also_when_the_other_goes_meanwhile(watched):
    watched.seconds(5)
    watched.seconds(9, packets=0)

    visit = watched.seconds(1, packets=0, expected=False)

    assert (visit.interruptions, visit.interrupted) == (1, 10 * SECOND)


def test_who_is_silent_over_a_living_socket_is_still_there(watched, clock):
    watched.seconds(5)

    watched.seconds(120, packets=0)

    assert clock() - watched.stay.visit.seen < 31 * SECOND


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_changes_no_interruption(watched, clock, hours):
    watched.seconds(5)
    watched.seconds(4, packets=0)
    clock.jump(hours=hours)

    visit = watched.seconds(1)

    assert (visit.interruptions, visit.interrupted) == (1, 5 * SECOND)


def test_a_clock_that_is_put_forward_interrupts_nobody(watched, clock):
    watched.seconds(5)
    watched.seconds(1, packets=0)
    clock.jump(hours=1)

    assert watched.seconds(5).interruptions == 0


def test_what_is_given_back_never_replaces_what_is_newer(watched, clock):
    old = watched.visits.take()
    watched.stay.leave(moment(clock), Ending.LEFT)

    watched.visits.give_back(old)

    assert [each.ending for each in watched.visits.take()] == [Ending.LEFT]


def test_a_visit_is_told_again_twice_a_minute_while_it_goes_on(watched):
    watched.visits.take()
    told = 0
    for _ in range(121):
        watched.seconds(1)
        told += len(watched.visits.take())

    assert told == 1 + 4  # connected, and then what a killed server would not tell any more


def test_a_visit_that_changed_often_is_taken_once(watched, clock):
    watched.seconds(5)
    watched.stay.admit(moment(clock))
    watched.stay.leave(moment(clock), Ending.LEFT)

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


async def test_a_broken_socket_that_comes_back_is_an_interruption_of_one_stay(dial, rooms, clock):
    (host, guest), (guest_id,) = await admitted(dial, "guest")
    guest.socket._response.connection.transport.abort()
    await lost(rooms, "guest")
    for _ in range(5):
        clock.forward(seconds=1)
        rooms.sweep()

    again = await dial("guest")
    welcome = await again.hello()
    clock.forward(seconds=1)
    rooms.sweep()
    await again.say("leave")
    await again.closed()
    await host.hear("gone")

    (visit,) = [each for each in rooms.visits.take() if each.key == "guest"]
    assert (welcome["you"], welcome["phase"]) == (guest_id, "room")
    assert (visit.interruptions, visit.ending) == (1, Ending.LEFT)
    assert visit.interrupted == 6 * SECOND


async def test_a_broken_socket_that_stays_away_ends_the_stay_when_it_broke(dial, rooms, clock):
    (host, guest), _ = await admitted(dial, "guest")
    clock.forward(minutes=3)
    broke = clock()
    guest.socket._response.connection.transport.abort()
    await lost(rooms, "guest")
    for _ in range(20):
        clock.forward(seconds=1)
        rooms.sweep()
    await host.hear("gone")

    (visit,) = [each for each in rooms.visits.take() if each.key == "guest"]

    assert (visit.ending, visit.seen, visit.interruptions) == (Ending.LOST, broke, 0)


async def test_endings_tell_who_was_sent_away_and_who_was_there_to_the_end(dial, rooms):
    (host, _first), _ = await admitted(dial, "guest")
    second = await dial("other")
    waiting = (await second.hello())["you"]

    await host.say("dismiss", participant=waiting)
    await second.closed()
    await host.say("end")
    await host.closed()

    endings = {each.key: each.ending for each in rooms.visits.take()}
    assert endings == {"host": Ending.ENDED, "guest": Ending.ENDED, "other": Ending.DISMISSED}


async def lost(rooms, key):
    """Wait until the server knows that the socket is broken."""
    async with asyncio.timeout(5):
        while not any(
            each.identity.key == key and each.lost is not None
            for each in rooms.room("room").members.values()
        ):
            await asyncio.sleep(0.01)  # nothing tells of it at once


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
