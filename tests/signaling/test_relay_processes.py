"""Calls over real relay processes: one is killed, stopped, or ordered to end while people talk."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from signaling.fleet import Fleet
from signaling.rooms import Rooms
from tests.signaling.caller import admitted
from tests.signaling.relays import Person, converse, relay_processes


@pytest.fixture
async def two_relays(quick, tmp_path_factory):
    folder = tmp_path_factory.mktemp("relays")
    async with relay_processes(folder, 1, 2) as relays:
        yield relays


@asynccontextmanager
async def running_fleet(*addresses, secret=b"", patience=None):
    fleet = Fleet(addresses, secret, patience)
    tasks = [asyncio.create_task(each.run()) for each in fleet.links]
    try:
        await fleet.tried(within=5)
        yield fleet
    finally:
        await fleet.close()
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def fleet(two_relays):
    async with running_fleet(*(each.address for each in two_relays)) as fleet:
        yield fleet


@pytest.fixture
async def rooms(fleet, clock):
    registry = Rooms(fleet, clock=clock)
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


async def test_a_call_on_a_relay_that_is_killed_goes_on_on_another(talk, fleet, two_relays):
    pair = await talk()
    carrying, _ = carrier_of(fleet, "room", two_relays)

    await carrying.kill()
    seconds = await back_after(pair)

    assert seconds < 5
    assert fleet.moves == 1
    assert sorted(each.condition for each in fleet.states) == ["down", "up"]


async def test_a_relay_that_stands_still_is_given_up(talk, fleet, two_relays):
    pair = await talk()
    carrying, _ = carrier_of(fleet, "room", two_relays)

    carrying.pause()
    seconds = await back_after(pair)

    assert seconds < 5


async def test_a_relay_ordered_to_end_hands_its_rooms_over_first(talk, fleet, two_relays):
    pair = await talk()
    carrying, _ = carrier_of(fleet, "room", two_relays)

    ending = asyncio.create_task(carrying.terminate())
    seconds = await back_after(pair)

    assert seconds < 5
    assert await ending < 5
    assert carrying.process.returncode == 0


async def test_rooms_are_spread_over_the_relays(talk, fleet, two_relays):
    for number in range(4):
        await talk(f"room {number}")

    used = [str(fleet.conference(f"room {number}").link.address) for number in range(4)]
    assert sorted(used.count(str(each.address)) for each in two_relays) == [2, 2]


async def test_without_any_relay_people_wait_and_go_on_when_one_is_back(talk, fleet, two_relays):
    pair = await talk()
    for each in two_relays:
        await each.kill()

    await pair[0].caller.say("offer", id=99, sdp=pair[0].peer.offer())
    while (told := await pair[0].caller.hear("error"))["code"] != "no_relay":
        pass
    pair[0].caller.seen.clear()
    await two_relays[1].start()
    seconds = await back_after(pair)

    assert not told["fatal"]
    assert seconds < 10
