"""Real-time text: who reads what is typed, who does not, and what is no text."""

import asyncio

import pytest

from signaling.messages import Code
from tests.signaling.caller import admitted


def line(text, number=1, *, done=False):
    """Give a line as it goes over the wire."""
    return {"number": number, "text": text, "done": done}


async def silent(caller):
    """Tell whether a caller was told nothing of any text until now."""
    await caller.say("ping", id=99)
    await caller.hear("pong", id=99)
    return all(each["type"] not in {"text", "returned"} for each in caller.seen)


async def test_what_is_typed_reaches_the_others_with_its_writer(dial):
    (host, guest, companion), (guest_id, _) = await admitted(dial, "guest", "guest2")

    await guest.say("text", lines=[line("Gut")])
    await guest.say("text", lines=[line("Guten Tag 👋", done=True)])
    read = [[await each.hear("text") for _ in range(2)] for each in (host, companion)]

    assert read[0] == read[1]
    assert [each["participant"] for each in read[0]] == [guest_id] * 2
    assert [each["lines"] for each in read[0]] == [
        [line("Gut")], [line("Guten Tag 👋", done=True)],
    ]  # fmt: skip
    assert await silent(guest)


async def test_a_writer_cannot_give_another_name(dial):
    (host, guest), (guest_id,) = await admitted(dial, "guest")

    await guest.say("text", participant="somebody", lines=[line("Hi")])

    assert (await host.hear("text"))["participant"] == guest_id


async def test_the_lobby_reads_nothing_and_writes_nothing(dial):
    (host, guest), _ = await admitted(dial, "guest")
    waiting = await dial("guest2")
    waiting_id = (await waiting.hello())["you"]

    await host.say("text", lines=[line("Only for who is in")])
    await host.say("text", lines=[line("Only for who is in")], to=waiting_id)
    await host.fails(Code.UNKNOWN_PARTICIPANT)
    await guest.hear("text")
    await waiting.say("text", lines=[line("Hello?")])
    refused = await waiting.fails(Code.NOT_ALLOWED)

    assert not refused["fatal"]
    assert await silent(waiting)
    assert await silent(host)


async def test_who_was_turned_away_reads_nothing_more(dial, rooms):
    (host, guest, companion), (guest_id, _) = await admitted(dial, "guest", "guest2")

    await host.say("dismiss", participant=guest_id)
    await host.say("text", lines=[line("Now among ourselves")])
    await companion.hear("text")

    assert "text" not in [each["type"] for each in await guest.closed()]


async def test_who_comes_later_reads_only_what_comes_from_then_on(dial):
    (host, guest), _ = await admitted(dial, "guest")
    await host.say("text", lines=[line("Before", done=True)])
    await guest.hear("text")
    later = await dial("guest2")
    later_id = (await later.hello())["you"]

    await host.say("admit", participant=later_id)
    await later.hear("admitted")
    await host.say("text", lines=[line("After", 2, done=True)])

    assert (await later.hear("text"))["lines"] == [line("After", 2, done=True)]


async def test_the_others_are_asked_to_repeat_when_a_socket_was_lost(dial, rooms):
    (host, guest, companion), (guest_id, _) = await admitted(dial, "guest", "guest2")
    member = rooms.room("room").members[guest_id]
    guest.socket._response.connection.transport.abort()
    async with asyncio.timeout(5):
        while member.lost is None:
            await asyncio.sleep(0)
    await host.say("text", lines=[line("Missed", done=True)])
    await companion.hear("text")

    again = await dial("guest")
    await again.hello()
    returned = await host.hear("returned")
    await host.say("text", lines=[line("Missed", done=True)], to=guest_id)
    read = await again.hear("text")

    assert returned["participant"] == guest_id
    assert read["lines"] == [line("Missed", done=True)]
    assert [each["type"] for each in companion.seen].count("text") == 1


async def test_nobody_is_asked_to_repeat_for_somebody_who_left_and_came_back(dial):
    (host, guest), _ = await admitted(dial, "guest")
    await guest.say("leave")
    await host.hear("gone")

    await (await dial("guest")).hello()
    await host.hear("participant")

    assert await silent(host)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [line("", number) for number in range(21)],
        [line("x" * 501)],
        [line("two\nlines")],
        [line("escape \x1b[2J")],
        [line("one\u2028two")],
        [line("half a pair \ud83d")],
        [line("negative", -1)],
        [line("too high", 2**53)],
    ],
    ids=lambda lines: f"{len(lines)} {lines[0]['text'][:12]!r}" if lines else "none",
)
async def test_what_is_no_text_is_refused_by_a_stable_code(dial, lines):
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("text", lines=lines)
    refused = await host.fails(Code.BAD_TEXT)

    assert (refused["code"], refused["fatal"]) == ("bad_text", False)
    assert await silent(guest)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"lines": "text"},
        {"lines": ["text"]},
        {"lines": [{"number": 1, "text": "no end"}]},
        {"lines": [line("whom?")], "to": 7},
        {"lines": [line("number", True)]},
    ],
)
async def test_text_of_another_form_is_a_bad_message(dial, fields):
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("text", **fields)

    await host.fails(Code.BAD_MESSAGE)
    assert await silent(guest)


async def test_a_line_of_five_hundred_characters_is_taken_whatever_they_are(dial):
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("text", lines=[line("👋" * 500)])

    assert (await guest.hear("text"))["lines"][0]["text"] == "👋" * 500


async def test_twenty_of_the_longest_lines_fit_into_a_frame(dial):
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("text", lines=[line("ä" * 500, number) for number in range(20)])

    assert len((await guest.hear("text"))["lines"]) == 20


async def test_the_server_logs_nothing_of_what_is_written(dial, capfd, caplog):
    (host, guest), _ = await admitted(dial, "guest")

    await host.say("text", lines=[line("geheimes Wort", done=True)])
    await guest.hear("text")
    await host.say("text", lines=[line("geheimes Wort\n")])
    await host.fails(Code.BAD_TEXT)

    captured = capfd.readouterr()
    assert "geheim" not in captured.out + captured.err + caplog.text
