"""The control protocol between servers and relays: who is let in, and what happens when it fails."""

import asyncio
import contextlib
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.fleet import ControlAddress, Station, link, station, wire
from signaling.media import NoRelay
from signaling.messages import OfferMessage
from signaling.outbox import Outbox
from signaling.relay import BadOffer, Relay, RelayConfig
from signaling.rooms import Identity, Role, Rooms
from tests.signaling.peer import offer_sdp
from tests.signaling.relays import running_fleet

SECRET = b"a secret of thirty-two characters"
LOAD = wire.Load(participants=0, cpu=0.0, port=1, addresses=(), counters={})


@pytest.fixture
def address(tmp_path):
    return ControlAddress(path=str(tmp_path / "control.sock"))


@contextlib.asynccontextmanager
async def running_station(relay, address, secret=SECRET, **patience):
    taking = await Station.open(relay, address, secret, station.Patience(**patience))
    try:
        yield taking
    finally:
        await taking.close()


@contextlib.asynccontextmanager
async def talking_to(address):
    """Connect as a stranger; gives the streams after the challenge, and the challenge."""
    reader, writer = await address.connect()
    try:
        yield reader, writer, await wire.receive(reader, wire.REPORTS)
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def imitation(address, *, version=wire.VERSION, secret=SECRET, answers=True, beats=True):
    """Listen as a relay that speaks and carries nothing; gives what lets it answer offers."""
    let = asyncio.Event()
    if answers:
        let.set()
    greeted = set()

    async def speak(reader, writer):
        wire.send(writer, wire.Challenge(version, "ab"))
        greeting = await wire.receive(reader, wire.ORDERS)
        proof = wire.proof(secret, "relay", ("ab", greeting.nonce))
        wire.send(writer, wire.Accepted(proof, LOAD))
        while True:
            match await wire.receive(reader, wire.ORDERS):
                case wire.Offer(number):
                    await let.wait()
                    wire.send(writer, wire.Answer(number, "imitated", ()))
                case wire.Alive() if beats:
                    wire.send(writer, LOAD)

    async def greet(reader, writer):
        greeted.add(asyncio.current_task())
        ends = (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.suppress(*ends):
            await speak(reader, writer)

    server = await address.listen(greet)
    try:
        yield let
    finally:
        server.close()
        for each in greeted:
            each.cancel()
        await asyncio.gather(*greeted)


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


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


async def test_a_server_with_another_secret_is_refused_and_says_why(relay, address):
    async with running_station(relay, address), running_fleet(address, secret=b"x" * 32) as fleet:
        [state] = fleet.states

        assert (state.condition, state.reason) == ("refused", "secret")
        with pytest.raises(NoRelay):
            await fleet.conference("room").offer("a", offer_sdp())


async def test_a_relay_that_does_not_know_the_secret_gets_no_offer(address):
    async with imitation(address, secret=b"x" * 32), running_fleet(address, secret=SECRET) as fleet:
        [state] = fleet.states

        assert (state.condition, state.reason) == ("refused", "secret")


async def test_a_relay_of_another_version_is_refused(address):
    async with imitation(address, version=2), running_fleet(address, secret=SECRET) as fleet:
        [state] = fleet.states

        assert state.condition == "refused"
        assert "version 2" in state.reason


async def test_a_server_of_another_version_is_refused(relay, address):
    async with running_station(relay, address), talking_to(address) as (reader, writer, challenge):
        proof = wire.proof(SECRET, "server", (challenge.nonce, "n"))
        wire.send(writer, wire.Greeting(2, "n", proof))

        assert await wire.receive(reader, wire.REPORTS) == wire.Refused("version")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "said", [b"\xff\xff\xff\xff", b"\0\0\0\2[]", b"\0\0\0\1{", b"GET / HTTP/1.1\r\n\r\n", b""]
)
async def test_strangers_are_cut_off_whatever_they_say(relay, address, said):
    async with (
        running_station(relay, address, greeting=0.2),
        talking_to(address) as (reader, writer, _),
    ):
        writer.write(said)

        async with asyncio.timeout(5):
            assert await reader.read() == b""


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
            rooms = Rooms(fleet, clock=clock)
            host = Identity("host", "Host", Role.HOST)
            member = rooms.room("room").join(host, Outbox(), audio=True, video=True)
            await rooms.room("room").offer(member, OfferMessage(1, offer_sdp()))
            await rooms.close()
        await until(lambda: not taking.servers)
        kept = relay.counters["participants"]

        await until(lambda: relay.counters["rooms"] == 0)

    assert kept == 1


async def test_a_server_that_falls_silent_is_taken_as_gone(relay, address):
    async with (
        running_station(relay, address, silence=0.2, orphans=0) as taking,
        talking_to(address) as (_reader, writer, challenge),
    ):
        nonces = (challenge.nonce, "n")
        wire.send(writer, wire.Greeting(1, "n", wire.proof(SECRET, "server", nonces)))
        wire.send(writer, wire.Offer(1, 1, "a", offer_sdp()))
        await until(lambda: relay.counters["rooms"])

        await until(lambda: not taking.servers)
        await until(lambda: relay.counters["rooms"] == 0)


async def test_rooms_go_to_the_relay_with_the_fewest_people_and_never_to_a_full_core(address):
    async with (
        imitation(address),
        running_fleet(address, address, address, secret=SECRET) as fleet,
    ):
        few, many, full = fleet.links
        few.load = wire.Load(3, 0.2, 1, (), {})
        many.load = wire.Load(6, 0.2, 1, (), {})
        full.load = wire.Load(1, 0.9, 1, (), {})

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


async def test_more_rooms_than_a_relay_takes_of_one_server_end_its_connection(
    relay, address, monkeypatch
):
    monkeypatch.setattr(station, "_MOST_ROOMS", 2)
    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        for number in range(2):
            await fleet.conference(f"{number}").offer("a", offer_sdp())

        with pytest.raises(NoRelay):
            await fleet.conference("third").offer("a", offer_sdp())


async def test_control_goes_over_tcp_too(relay):
    with contextlib.closing(await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)) as probe:
        port = probe.sockets[0].getsockname()[1]
    address = ControlAddress.parse(f"tcp://127.0.0.1:{port}")

    async with running_station(relay, address), running_fleet(address, secret=SECRET) as fleet:
        answer = await fleet.conference("room").offer("a", offer_sdp())

    assert answer.startswith("v=0")


async def test_a_control_socket_is_for_its_user_alone_and_outlives_no_killed_process(
    relay, address
):
    async with running_station(relay, address):
        mode = stat.S_IMODE(Path(address.path).stat().st_mode)
        with pytest.raises(OSError, match="in use"):
            await Station.open(relay, address, SECRET)

    async with running_station(relay, address):  # the file is still there, nobody behind it
        pass

    assert mode == 0o600


async def test_a_file_in_the_place_of_the_control_socket_is_left_alone(relay, address):
    Path(address.path).write_text("kept")

    with pytest.raises(OSError, match="no socket"):
        await Station.open(relay, address, SECRET)

    assert Path(address.path).read_text() == "kept"


@pytest.mark.parametrize(
    "text", ["", "relay", "unix:relay.sock", "tcp://host", "tcp://:1", "tcp://h:1/x", "http://h:1"]
)
def test_addresses_that_are_none_are_refused(text):
    with pytest.raises(ValueError, match=r"must|not an address"):
        ControlAddress.parse(text)


@pytest.mark.parametrize(
    "text", ["unix:/run/r.sock", "tcp://10.0.0.5:9000", "tcp://[fd00::5]:9000"]
)
def test_addresses_are_written_as_they_are_read(text):
    assert str(ControlAddress.parse(text)) == text


FIELDS = st.sampled_from(["id", "room", "participant", "sdp", "places", "load", "counters"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.tuples(
    st.sampled_from([*wire.ORDERS, *wire.REPORTS, "x"]), st.dictionaries(FIELDS, VALUES, max_size=5)
).map(lambda parts: json.dumps({"type": parts[0], **parts[1]}).encode())


@given(st.binary(max_size=16) | BODIES)
def test_whatever_comes_is_a_message_or_a_wire_error(text):
    for known in (wire.ORDERS, wire.REPORTS):
        with contextlib.suppress(wire.WireError):
            assert type(wire.decode(text, known)) in known.values()


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
