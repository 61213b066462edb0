"""The control protocol between servers and relays: who is let in, and what is no message of it."""

import asyncio
import contextlib
import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.fleet import ControlAddress, Station, station, wire
from signaling.media import NoRelay
from tests.signaling.peer import offer_sdp
from tests.signaling.relays import running_fleet
from tests.signaling.stations import SECRET, imitation, running_station, until


@contextlib.asynccontextmanager
async def talking_to(address):
    """Connect as a stranger; gives the streams after the challenge, and the challenge."""
    reader, writer = await address.connect()
    try:
        yield reader, writer, await wire.receive(reader, wire.REPORTS)
    finally:
        writer.close()


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
