"""The wire protocol spoken by real WebSocket clients: admission, layout, ends and every error."""

import asyncio

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from signaling.messages import Code
from tests.signaling.caller import admitted
from tests.signaling.peer import Peer, offer_sdp, rtp_packet


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
async def test_pages_of_other_origins_are_refused(dial, origin):
    with pytest.raises(WSServerHandshakeError) as refusal:
        await dial("host", origin=origin)

    assert refusal.value.status == 403


async def test_a_host_enters_the_room_at_once(dial, rooms):
    host = await dial("host")

    welcome = await host.hello()

    assert host.socket.protocol == "sprechzeit.v1"
    assert (welcome["phase"], welcome["role"], welcome["participants"]) == ("room", "host", [])
    assert welcome["iceServers"] == []
    assert welcome["heartbeat"] > 0
    assert rooms.live("room")


async def test_a_guest_waits_until_a_host_lets_them_in(dial, rooms, clock):
    host, guest = await dial("host"), await dial("guest")
    await host.hello()

    welcome = await guest.hello(video=False)
    waiting = rooms.waiting("room")
    seen = await host.hear("participant")
    await host.say("admit", participant=seen["id"])
    inside = await guest.hear("admitted")
    changed = await host.hear("participant")

    assert (welcome["phase"], welcome["participants"]) == ("lobby", [])
    assert [(each.name, each.key, each.since) for each in waiting] == [("Guest", "guest", clock())]
    assert (seen["phase"], seen["name"], seen["audio"], seen["video"]) == (
        "lobby", "Guest", True, False,
    )  # fmt: skip
    assert [each["name"] for each in inside["participants"]] == ["Host"]
    assert (changed["id"], changed["phase"]) == (seen["id"], "room")
    assert rooms.waiting("room") == ()


async def test_a_lobby_without_a_host_is_not_live(dial, rooms):
    guest = await dial("guest")
    await guest.hello()

    assert not rooms.live("room")
    assert len(rooms.waiting("room")) == 1


async def test_guests_in_the_lobby_do_not_learn_who_else_is_there(dial):
    (host, _), _ = await admitted(dial, "guest")
    waiting = await dial("guest2")

    welcome = await waiting.hello()
    await host.say("state", audio=False, video=False)
    await waiting.say("ping", id=1)
    await waiting.hear("pong")

    assert welcome["participants"] == []
    assert [each["type"] for each in waiting.seen] == ["welcome", "pong"]


async def test_an_offer_in_hello_is_answered_with_answer_and_layout(dial):
    host = await dial("host")

    await host.hello(offer={"id": 7, "sdp": offer_sdp(seats=2)})
    answer = await host.hear("answer")
    layout = await host.hear("layout")

    assert answer["id"] == 7
    assert answer["sdp"].startswith("v=0")
    assert layout["slots"] == [
        {"audio": "2", "video": "3", "participant": None},
        {"audio": "4", "video": "5", "participant": None},
    ]
    assert [each["type"] for each in host.seen] == ["welcome", "answer", "layout"]


async def test_the_layout_follows_who_comes_and_goes(dial):
    host = await dial("host")
    await host.hello(offer={"id": 1, "sdp": offer_sdp()})
    await host.hear("layout")
    guest = await dial("guest")
    guest_id = (await guest.hello())["you"]

    await host.say("admit", participant=guest_id)
    with_guest = await host.hear("layout")
    await guest.say("leave")
    gone = await host.hear("gone")
    without = host.seen[-2] if host.seen[-2]["type"] == "layout" else await host.hear("layout")

    assert with_guest["slots"][0]["participant"] == guest_id
    assert gone["participant"] == guest_id
    assert without["slots"][0]["participant"] is None


async def test_media_flows_between_people_who_met_over_sockets(dial, relay, rooms):
    (_host, _guest), (guest_id,) = await admitted(dial, "guest")
    host_id = next(each for each in rooms.room("room").members if each != guest_id)
    conference = relay.conference("room")

    alice = await Peer.connect(conference, host_id, ssrc=1000)
    bob = await Peer.connect(conference, guest_id, ssrc=2000)
    alice.send_rtp(rtp_packet(1001, 1, payload=b"hello"))
    await bob.until(lambda: bob.rtp)

    assert bob.rtp[0].endswith(b"hello")
    await alice.close()
    await bob.close()


async def test_microphone_and_camera_are_told_to_the_others(dial):
    (host, guest), (guest_id,) = await admitted(dial, "guest")

    await guest.say("state", audio=False, video=True)
    told = await host.hear("participant", audio=False)

    assert (told["id"], told["audio"], told["video"]) == (guest_id, False, True)


async def test_an_admitted_guest_who_reconnects_is_in_at_once_and_keeps_their_id(dial):
    (host, guest), (guest_id,) = await admitted(dial, "guest")
    await guest.say("leave")
    await host.hear("gone")

    again = await (await dial("guest")).hello()

    assert (again["phase"], again["you"]) == ("room", guest_id)


async def test_the_same_person_again_replaces_the_older_socket(dial):
    (host, guest), (guest_id,) = await admitted(dial, "guest")

    again = await (await dial("guest")).hello()
    ended = await guest.closed()

    assert again["you"] == guest_id
    assert ended[-1] == {"type": "ended", "reason": "replaced"}
    assert guest.socket.close_code == 1000
    assert "gone" not in [each["type"] for each in host.seen]


async def test_a_replaced_socket_can_do_nothing_more(dial, rooms):
    host = await dial("host")
    await host.hello()
    second = await dial("host")
    await second.hello()

    await host.say("end")
    await host.closed()
    await second.say("ping", id=1)
    await second.hear("pong")

    assert rooms.live("room")


async def test_a_dismissed_guest_may_not_come_back(dial):
    (host, guest), (guest_id,) = await admitted(dial, "guest")

    await host.say("dismiss", participant=guest_id)
    first = await guest.closed()
    again = await dial("guest")
    await again.say("hello", version=1, audio=True, video=True)

    assert first[-1] == {"type": "ended", "reason": "dismissed"}
    assert await again.closed() == [{"type": "ended", "reason": "dismissed"}]


async def test_a_host_ends_the_consultation_for_all(dial, rooms):
    ended = []

    async def note(room):
        await asyncio.sleep(0)
        ended.append(room)

    rooms.on_ended = note
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("end")
    last = [(await each.closed())[-1] for each in (host, guest)]

    assert last == [{"type": "ended", "reason": "ended"}] * 2
    assert ended == ["room"]
    assert not rooms.live("room")


async def test_a_cancelled_appointment_ends_the_room_from_outside(dial, rooms):
    (host, guest), _ = await admitted(dial, "guest")

    await rooms.dismiss_all("room")

    for each in (host, guest):
        assert (await each.closed())[-1] == {"type": "ended", "reason": "ended"}


async def test_a_shutdown_is_told_to_everyone_also_to_newcomers(dial, rooms):
    (host, guest), _ = await admitted(dial, "guest")

    await rooms.close()
    newcomer = await dial("guest2")

    for each in (host, guest, newcomer):
        assert (await each.closed())[-1] == {"type": "ended", "reason": "shutdown"}


async def test_a_network_that_breaks_keeps_the_seat_until_patience_ends(dial, rooms, clock):
    (host, guest), (guest_id,) = await admitted(dial, "guest")
    member = rooms.room("room").members[guest_id]

    guest.socket._response.connection.transport.abort()
    async with asyncio.timeout(5):
        while member.lost is None:
            await asyncio.sleep(0)
    rooms.sweep()
    still_there = guest_id in rooms.room("room").members
    clock.forward(seconds=30)
    rooms.sweep()

    assert still_there
    assert (await host.hear("gone"))["participant"] == guest_id


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_neither_ends_nor_lengthens_patience(dial, rooms, clock, hours):
    (host, guest), (guest_id,) = await admitted(dial, "guest")
    room = rooms.room("room")
    guest.socket._response.connection.transport.abort()
    async with asyncio.timeout(5):
        while room.members[guest_id].lost is None:
            await asyncio.sleep(0)

    clock.jump(hours=hours)
    clock.forward(seconds=19)
    rooms.sweep()
    still_there = guest_id in room.members
    clock.forward(seconds=2)
    rooms.sweep()

    assert still_there
    assert (await host.hear("gone"))["participant"] == guest_id


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_set_closes_no_empty_room_and_keeps_none(dial, rooms, clock, hours):
    host = await dial("host")
    await host.hello()
    await host.say("leave")
    await host.closed()

    clock.jump(hours=hours)
    clock.forward(minutes=9)
    rooms.sweep()
    before = rooms.live("room")
    clock.forward(minutes=2)
    rooms.sweep()

    assert before
    assert not rooms.live("room")


@pytest.mark.parametrize(("code", "stays"), [(1000, False), (1001, False), (1005, True)])
async def test_a_page_that_is_left_says_so_by_its_close_code(dial, rooms, code, stays):
    (_host, guest), (guest_id,) = await admitted(dial, "guest")
    room = rooms.room("room")
    member = room.members[guest_id]

    if code == 1005:
        await guest.socket._writer.send_frame(b"", WSMsgType.CLOSE)
    else:
        await guest.socket.close(code=code)
    async with asyncio.timeout(5):
        while member.outbox is not None:
            await asyncio.sleep(0)

    assert (guest_id in room.members) is stays


async def test_a_room_empty_for_ten_minutes_disappears(dial, rooms, clock):
    host = await dial("host")
    await host.hello()
    await host.say("leave")
    await host.closed()

    clock.forward(minutes=9)
    rooms.sweep()
    before = rooms.live("room")
    clock.forward(minutes=2)
    rooms.sweep()

    assert before
    assert not rooms.live("room")


async def test_changes_are_told_once_per_room_to_every_subscriber(dial, rooms):
    async with rooms.subscribe() as changes, rooms.subscribe() as others:
        for room in ("one", "two"):
            guest = await dial("guest", room=room)
            await guest.hello()
            await guest.say("state", audio=False, video=False)
            await guest.say("ping", id=1)
            await guest.hear("pong")

        first = [await anext(changes), await anext(changes)]
        second = await anext(others)

    assert first == ["one", "two"]
    assert second == "one"


async def test_a_fifth_person_finds_the_room_full(dial):
    (host, *_), _ = await admitted(dial, "guest1", "guest2", "guest3")
    guest = await dial("guest4")
    waiting = (await guest.hello())["you"]
    second = await dial("host2")

    await host.say("admit", participant=waiting)
    told = await host.fails(Code.ROOM_FULL)
    await second.say("hello", version=1, audio=True, video=True)
    refused = await second.fails(Code.ROOM_FULL)

    assert not told["fatal"]
    assert refused["fatal"]
    await second.closed()
