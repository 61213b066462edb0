"""Letters go out over real SMTP, wait while they cannot, and are never lost silently."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import outbox, schema
from scheduling.store import Store
from server.backlog import read_backlog
from server.demo_mail import FolderMailbox
from server.mail import Folder, Post, Smtp
from tests.conftest import Clock
from tests.server.conftest import Configure
from tests.server.mail_server import MailServer


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.up()
    yield server
    await server.down()


@pytest.fixture
def post(store: Store, mail_server: MailServer, configure: Configure, clock: Clock) -> Post:
    config = configure(
        demo=False,
        organizer_email="termine@example.org",
        smtp_host="127.0.0.1",
        smtp_port=mail_server.port,
    )
    return Post(store, Smtp(config), _as_it_is, clock)


async def _as_it_is(_tx: AsyncConnection, message: bytes) -> bytes:
    return message


def _letter(subject: str = "Your appointment") -> bytes:
    letter = EmailMessage()
    letter["To"] = "kim@example.org"
    letter["Subject"] = subject
    letter.set_content("Grüße\n")
    return letter.as_bytes()


async def _write(store: Store, clock: Clock, *recipients: str) -> None:
    async with store.writing() as tx:
        for recipient in recipients:
            await outbox.post(tx, recipient, _letter(), clock())


async def _rows(store: Store) -> list[tuple[str, bytes, int, str, bool]]:
    columns = schema.outbox.c
    query = select(
        columns.recipient, columns.message, columns.attempts, columns.last_error, columns.sent_at
    ).order_by(columns.id)
    async with store.reading() as tx:
        return [(*row[:4], row[4] is not None) for row in await tx.execute(query)]


async def test_a_letter_arrives_byte_for_byte_and_is_emptied(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    await _write(store, clock, "kim@example.org")

    await post.deliver_due()

    (envelope,) = mail_server.letters
    assert envelope.rcpt_tos == ["kim@example.org"]
    assert envelope.mail_from == "termine@example.org"
    assert bytes(envelope.content).replace(b"\r\n", b"\n").strip() == _letter().strip()
    assert await _rows(store) == [("", b"", 0, "", True)]
    assert post.sent == 1


async def test_one_connection_carries_all_that_is_due(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    await _write(store, clock, "kim@example.org", "noa@example.org", "sam@example.org")

    await post.deliver_due()

    assert len(mail_server.letters) == 3
    assert mail_server.connections == 1


async def test_letters_wait_while_the_mail_server_is_down_and_go_out_when_it_is_back(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    await mail_server.down()
    await _write(store, clock, "kim@example.org")
    await post.deliver_due()
    async with store.reading() as tx:
        clock.forward(seconds=1)
        waiting = await read_backlog(tx, clock())

    await mail_server.up()
    assert await post.deliver_due() == 0
    clock.forward(minutes=1)
    await post.deliver_due()

    assert (waiting.waiting, waiting.oldest_seconds, waiting.refused) == (1, 1.0, 0)
    assert len(mail_server.letters) == 1
    assert (post.sent, post.failed, post.refused) == (1, 1, 0)


async def test_while_the_mail_server_is_down_letters_are_not_tried_one_after_the_other(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    await mail_server.down()
    await _write(store, clock, *(f"person{number}@example.org" for number in range(30)))

    tried = await post.deliver_due()

    assert tried == 0
    assert [attempts for _, _, attempts, _, _ in await _rows(store)] == [1] * 20 + [0] * 10
    assert post.failed == 20


async def test_a_temporary_refusal_is_tried_again(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.reply = "451 come back later"
    await _write(store, clock, "kim@example.org")
    await post.deliver_due()
    refused = await _rows(store)

    mail_server.reply = "250 taken"
    clock.forward(minutes=1)
    await post.deliver_due()

    assert refused == [("kim@example.org", _letter(), 1, "reply 451", False)]
    assert len(mail_server.letters) == 1


async def test_a_permanent_refusal_is_kept_and_counted_but_not_tried_again(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.reply = "554 no"
    await _write(store, clock, "kim@example.org")
    await post.deliver_due()

    clock.forward(days=1)
    tried = await post.deliver_due()

    async with store.reading() as tx:
        backlog = await read_backlog(tx, clock())
    assert tried == 0
    assert (post.refused, backlog.refused, backlog.waiting) == (1, 1, 0)
    assert [row[3] for row in await _rows(store)] == ["reply 554"]


async def test_one_refused_address_holds_up_nobody_and_is_not_quoted(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    mail_server.refused_recipient = "nobody@example.org"
    await _write(store, clock, "kim@example.org", "nobody@example.org", "sam@example.org")

    await post.deliver_due()

    assert [letter.rcpt_tos for letter in mail_server.letters] == [
        ["kim@example.org"],
        ["sam@example.org"],
    ]
    assert [row[3] for row in await _rows(store)] == ["", "reply 550", ""]


async def test_two_workers_send_each_letter_once(
    store: Store, post: Post, mail_server: MailServer, clock: Clock
) -> None:
    await _write(store, clock, *(f"person{number}@example.org" for number in range(30)))
    other = Post(store, post._delivery, _as_it_is, clock)

    while any(await asyncio.gather(post.deliver_due(), other.deliver_due())):
        pass

    assert len(mail_server.letters) == 30
    assert len({tuple(letter.rcpt_tos) for letter in mail_server.letters}) == 30


async def test_a_demo_keeps_its_letters_in_a_folder_for_the_mail_view(
    store: Store, configure: Configure, clock: Clock
) -> None:
    config = configure()
    post = Post(store, Folder(config.mail_folder, clock), _as_it_is, clock)
    await _write(store, clock, "kim@example.org")
    await post.deliver_due()
    clock.forward(minutes=1)
    await _write(store, clock, "sam@example.org")

    await post.deliver_due()

    mailbox = FolderMailbox(config.mail_folder)
    newest, oldest = mailbox.list()
    letter = mailbox.read(newest.id)
    assert newest.at > oldest.at
    assert newest.subject == "Your appointment"
    assert letter is not None
    assert letter.get_content() == "Grüße\n"
    assert stat.S_IMODE(config.mail_folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["../secret", "20261012T060000-999999", "", "*"])
def test_the_mail_view_reads_no_other_file(configure: Configure, name: str) -> None:
    config = configure()
    config.mail_folder.mkdir()
    (config.data / "secret.eml").write_text("Subject: secret\n\n")

    letter = FolderMailbox(config.mail_folder).read(name)

    assert letter is None
