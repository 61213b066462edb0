"""Calls over real relay processes: one is killed or ordered to end, while people talk."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from signaling.rooms import Rooms
from tests.signaling.caller import admitted
from tests.signaling.relays import Person, converse, relay_processes, running_fleet


@pytest.fixture
def two_relays(tmp_path):
    with relay_processes(tmp_path, "one", "two") as relays:
        yield relays


@pytest.fixture
async def fleet(two_relays):
    async with running_fleet(*(each.address for each in two_relays)) as fleet:
        yield fleet


@pytest.fixture
async def rooms(fleet, clock):
    registry = Rooms(fleet, clock=clock, steady=clock.steady)
    yield registry
    await registry.close()


@pytest.fixture
async def talk(dial):
    """Put a host and a guest into a room, connected by media and hearing each other."""
    async with AsyncExitStack() as people:

        async def talk(room="room"):
            (host, guest), _ = await admitted(lambda key: dial(key, room=room), "guest")
            pair = Person(host, "host", 1000), Person(guest, "guest", 2000)
            for each in pair:
                await each.connect()
                people.push_async_callback(each.close)
            await converse(*pair)
            return pair

        yield talk


def carrier_of(fleet, room, relays):
    """Give the process that carries a room, and the others."""
    name = str(fleet.conference(room).link.address)
    [carrying] = [each for each in relays if str(each.address) == name]
    return carrying, [each for each in relays if each is not carrying]


async def back_after(pair):
    """Do what the server asks, and give the seconds until both hear each other again."""
    began = time.monotonic()
    for each in pair:
        await each.caller.hear("moved")
    await asyncio.gather(*(each.connect() for each in pair))
    await converse(*pair)
    return time.monotonic() - began


@pytest.mark.timed
async def test_a_call_on_a_relay_that_is_killed_goes_on_on_another(talk, fleet, two_relays):
    pair = await talk()
    carrying, _ = carrier_of(fleet, "room", two_relays)

    carrying.kill()
    seconds = await back_after(pair)

    assert seconds < 5
    assert fleet.moves == 1
    assert sorted(each.condition for each in fleet.states) == ["down", "up"]


@pytest.mark.timed
async def test_a_relay_ordered_to_end_hands_its_rooms_over_first(talk, fleet, two_relays):
    pair = await talk()
    carrying, _ = carrier_of(fleet, "room", two_relays)

    ending = asyncio.create_task(asyncio.to_thread(carrying.terminate))
    seconds = await back_after(pair)

    assert seconds < 5
    await ending
    assert carrying.ended_within < 3.5  # it does not wait when everybody has gone
    assert carrying.process.returncode == 0


async def test_without_any_relay_people_wait_and_go_on_when_one_is_back(talk, fleet, two_relays):
    pair = await talk()
    for each in two_relays:
        each.kill()

    await pair[0].caller.say("offer", id=99, sdp=pair[0].peer.offer())
    while (told := await pair[0].caller.hear("error"))["code"] != "no_relay":
        pass
    pair[0].caller.seen.clear()
    await asyncio.to_thread(two_relays[1].start)
    await back_after(pair)

    assert not told["fatal"]
