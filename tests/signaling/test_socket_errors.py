"""Everything a client can do wrong on its socket, and the error code it gets."""

import pytest

from signaling import sockets
from signaling.messages import Code
from tests.signaling.caller import admitted
from tests.signaling.peer import offer_sdp


@pytest.mark.parametrize("text", ["{", "[]", '"hello"', '{"type":"admit"}', '{"type":["x"]}'])
async def test_messages_that_are_none_are_answered_and_harmless(dial, text):
    host = await dial("host")
    await host.hello()

    await host.socket.send_str(text)
    failure = await host.fails(Code.BAD_MESSAGE)
    await host.say("ping", id=3)

    assert not failure["fatal"]
    assert await host.hear("pong") == {"type": "pong", "id": 3}


async def test_numbers_and_truths_are_not_taken_for_each_other(dial):
    host = await dial("host")
    await host.hello()

    await host.say("state", audio=1, video=True)
    await host.fails(Code.BAD_MESSAGE)
    await host.say("ping", id=True)

    await host.fails(Code.BAD_MESSAGE)


async def test_a_second_hello_is_a_bad_message(dial):
    host = await dial("host")
    await host.hello()

    await host.say("hello", version=1, audio=True, video=True)

    await host.fails(Code.BAD_MESSAGE)


@pytest.mark.parametrize("frame", ["x" * 70_000, b"binary"])
async def test_frames_too_large_or_binary_end_the_socket(dial, frame):
    host = await dial("host")
    await host.hello()

    await (host.socket.send_str if isinstance(frame, str) else host.socket.send_bytes)(frame)

    assert (await host.fails(Code.TOO_LARGE))["fatal"]
    await host.closed()


@pytest.mark.parametrize("text", ['{"type":"ping","id":1}', "nonsense"])
async def test_whoever_does_not_begin_with_hello_is_cut_off(dial, text):
    caller = await dial("host")

    await caller.socket.send_str(text)

    assert (await caller.fails(Code.HELLO_EXPECTED))["fatal"]
    await caller.closed()


async def test_whoever_says_nothing_is_cut_off(dial, monkeypatch):
    monkeypatch.setattr(sockets, "_HELLO_WITHIN", 0.05)

    caller = await dial("host")

    await caller.fails(Code.HELLO_EXPECTED)
    await caller.closed()


async def test_another_version_is_refused(dial):
    caller = await dial("host")

    await caller.say("hello", version=2, audio=True, video=True)

    assert (await caller.fails(Code.VERSION))["fatal"]
    await caller.closed()


async def test_a_bad_offer_leaves_the_room_unharmed(dial):
    host = await dial("host")
    await host.hello(offer={"id": 1, "sdp": "v=0\r\nnonsense"})

    await host.fails(Code.BAD_OFFER)
    await host.say("offer", id=2, sdp=offer_sdp())

    assert (await host.hear("answer"))["id"] == 2


@pytest.mark.parametrize("kind", ["admit", "dismiss", "end"])
async def test_guests_may_not_do_what_hosts_do(dial, kind):
    (_, guest), (guest_id,) = await admitted(dial, "guest")

    await guest.say(kind, participant=guest_id)

    assert not (await guest.fails(Code.NOT_ALLOWED))["fatal"]


async def test_a_host_cannot_dismiss_a_host(dial):
    host, second = await dial("host"), await dial("host2")
    await host.hello()
    other = (await second.hello())["you"]

    await host.say("dismiss", participant=other)

    await host.fails(Code.NOT_ALLOWED)


@pytest.mark.parametrize("kind", ["admit", "dismiss"])
async def test_nobody_of_an_unknown_id_is_here(dial, kind):
    host = await dial("host")
    await host.hello()

    await host.say(kind, participant="nobody")

    await host.fails(Code.UNKNOWN_PARTICIPANT)


async def test_fifty_messages_in_five_seconds_are_the_limit(dial):
    host = await dial("host")
    await host.hello()

    for number in range(50):
        await host.say("ping", id=number)

    assert (await host.fails(Code.TOO_MANY_MESSAGES))["fatal"]
    await host.closed()
