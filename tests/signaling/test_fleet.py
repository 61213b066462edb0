"""Rooms on several relays: where they open, when they move, and what fails meanwhile."""

import asyncio

import pytest

from signaling.fleet import ControlAddress, link, wire
from signaling.media import NoRelay
from signaling.messages import OfferMessage
from signaling.outbox import Outbox
from signaling.relay import BadOffer, Relay, RelayConfig
from signaling.rooms import Identity, Role, Rooms
from tests.signaling.peer import offer_sdp
from tests.signaling.relays import running_fleet
from tests.signaling.stations import SECRET, imitation, running_station, until


async def test_a_server_offers_through_a_relay_elsewhere_and_learns_the_layout(relay, address):
    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        room = fleet.conference("room")
        changed = []
        room.on_layout = lambda participant: changed.append((participant, room.layout(participant)))

        answer = await room.offer("a", offer_sdp(seats=1))
        asked = room.layout("a")
        room.admit("a")
        await room.offer("b", offer_sdp(seats=1))
        room.admit("b")
        await until(lambda: changed)

        assert answer.startswith("v=0")
        assert [place.participant for place in asked] == [None]
        assert [(who, [place.participant for place in places]) for who, places in changed][-1] in (
            ("a", ["b"]), ("b", ["a"]),
        )  # fmt: skip


async def test_an_offer_that_is_none_is_the_clients_fault_elsewhere_too(relay, address):
    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        with pytest.raises(BadOffer):
            await fleet.conference("room").offer("a", "nonsense")


async def test_a_known_server_that_talks_nonsense_is_cut_off_and_comes_again(relay, address):
    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        [only] = fleet.links
        room = fleet.conference("room")
        moved = asyncio.Event()
        room.on_moved = moved.set

        only._writer.write(b"\0\0\0\2[]")

        async with asyncio.timeout(5):
            await moved.wait()
        assert (await room.offer("a", offer_sdp())).startswith("v=0")


async def test_a_relay_that_is_not_there_at_the_start_is_taken_when_it_comes(relay, address):
    async with running_fleet(address, secret=SECRET) as fleet:
        room = fleet.conference("room")
        moved = asyncio.Event()
        room.on_moved = moved.set
        before = fleet.states[0].condition
        with pytest.raises(NoRelay):
            await room.offer("a", offer_sdp())

        async with running_station(relay, address), asyncio.timeout(5):
            await moved.wait()
            answer = await room.offer("a", offer_sdp())

        assert before == "down"
        assert answer.startswith("v=0")


async def test_an_answer_that_comes_late_is_no_answer(address):
    patience = link.Patience(answer=0.1)
    async with (
        imitation(address, answers=False) as let,
        running_fleet(address, secret=SECRET, patience=patience) as fleet,
    ):
        room = fleet.conference("room")

        with pytest.raises(NoRelay):
            await room.offer("a", offer_sdp())
        let.set()

        assert await room.offer("b", offer_sdp()) == "imitated"
        assert fleet.states[0].condition == "up"


async def test_an_offer_under_way_fails_when_its_relay_goes(address):
    async with (
        imitation(address, answers=False),
        running_fleet(address, secret=SECRET) as fleet,
    ):
        offer = asyncio.create_task(fleet.conference("room").offer("a", offer_sdp()))
        await until(lambda: fleet.links[0]._questions)

        fleet.links[0]._writer.transport.abort()

        with pytest.raises(NoRelay):
            await offer


async def test_a_relay_that_falls_silent_is_given_up_and_its_rooms_move(address, tmp_path):
    other = ControlAddress(path=str(tmp_path / "other.sock"))
    patience = link.Patience(silence=0.2)
    async with (
        imitation(address, beats=False),
        running_fleet(address, other, secret=SECRET, patience=patience) as fleet,
    ):
        room = fleet.conference("room")
        moved = asyncio.Event()
        room.on_moved = moved.set

        async with imitation(other), asyncio.timeout(5):
            await moved.wait()
            carrying = room.link.address

    assert carrying == other


async def test_two_servers_share_a_relay_without_meeting_each_others_rooms(relay, address):
    async with (
        running_station(relay, address),
        running_fleet(address, secret=SECRET) as one,
        running_fleet(address, secret=SECRET) as two,
    ):
        for fleet in (one, two):
            for who in ("a", "b"):
                await fleet.conference("room").offer(f"{who}", offer_sdp(seats=1))

        await until(lambda: one.states[0].counters.get("rooms") == 2)
        one.dissolve("room")
        await until(lambda: relay.counters["rooms"] == 1)

        assert relay.counters["participants"] == 2
        assert len(two.conference("room").layout("a")) == 1


async def test_rooms_of_a_server_that_ended_go_on_for_a_while(relay, address, clock):
    async with running_station(relay, address, orphans=0.3) as taking:
        async with running_fleet(address, secret=SECRET) as fleet:
            rooms = Rooms(fleet, clock=clock, steady=clock.steady)
            host = Identity("host", "Host", Role.HOST)
            member = rooms.room("room").join(host, Outbox(), audio=True, video=True)
            await rooms.room("room").offer(member, OfferMessage(1, offer_sdp()))
            await rooms.close()
        await until(lambda: not taking.servers)
        kept = relay.counters["participants"]

        await until(lambda: relay.counters["rooms"] == 0)

    assert kept == 1


async def test_rooms_go_to_the_relay_with_the_fewest_people_and_never_to_a_full_core(address):
    async with (
        imitation(address),
        running_fleet(address, address, address, secret=SECRET) as fleet,
    ):
        few, many, full = fleet.links
        few.load = wire.Load(3, 0.2, 1, 0, (), {})
        many.load = wire.Load(6, 0.2, 1, 0, (), {})
        full.load = wire.Load(1, 0.9, 1, 0, (), {})

        placed = [fleet.conference(f"{number}").link for number in range(3)]

        assert placed == [few, few, many]


async def test_a_room_that_lost_three_relays_in_a_minute_rests(relay, address):
    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        [only] = fleet.links
        room = fleet.conference("room")

        for _ in range(3):
            await until(lambda: room.link is not None)
            only._writer.transport.abort()
            await until(lambda: room.link is None)
        await until(lambda: only.condition == "up")

        assert room.link is None
        assert fleet.conference("another").link is only


async def test_a_relay_told_to_leave_without_another_carries_on_to_its_end(address):
    relay = await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6=None))
    async with (
        running_station(relay, address) as taking,
        running_fleet(address, secret=SECRET) as fleet,
    ):
        room = fleet.conference("room")
        await taking.leave(within=0.5)
        await until(lambda: fleet.states[0].condition == "leaving")

        answer = await room.offer("a", offer_sdp())
        newcomer = fleet.conference("another").link

    assert answer.startswith("v=0")
    assert newcomer is None
    await relay.close()
