"""A small office that is open round the clock, served by a real process with a real mail server."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import queue
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

from aiosmtpd.controller import Controller
from playwright.async_api import StorageState
from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, schema
from scheduling.booking import add_link
from scheduling.model import Part, Person
from scheduling.store import Store, open_store
from scheduling.tokens import new_reference
from server.sign_in import hash_password
from tests.browser.process import Server, running, store_url_of

PASSWORD = "browser-test-password"
CASEWORKER = "Kerstin Albrecht"
EMAIL = "kerstin.albrecht@office.example"
CLAIMANT = Person("Amira Haddad", "amira@claimant.example", "+4930901820")
COMPANION = "Jonas Haddad"

T = TypeVar("T")


@dataclass(frozen=True)
class Letter:
    """A mail as the mail server took it."""

    recipient: str
    message: EmailMessage


@dataclass
class Letters:
    """The office's real mail server: takes every mail and keeps it."""

    arrived: queue.Queue[Letter] = field(default_factory=queue.Queue)

    async def handle_DATA(  # noqa: N802  (the name by which aiosmtpd calls)
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Take one mail."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        for recipient in envelope.rcpt_tos:
            self.arrived.put(Letter(recipient, message))
        return "250 kept"

    async def next_to(self, recipient: str) -> EmailMessage:
        """Wait for the next mail to `recipient`; raises `queue.Empty` after 20 s."""
        while True:
            letter = await asyncio.to_thread(self.arrived.get, timeout=20)
            if letter.recipient == recipient:
                return letter.message


@dataclass(frozen=True)
class Call:
    """A booked consultation by video and the links into it."""

    appointment_id: int
    claimant: str
    companion: str


@dataclass(frozen=True)
class DemoCall(Call):
    """The practice call of the demo office, and its caseworker's account."""

    email: str
    password: str


@dataclass
class Office:
    """A served office. `url` has no trailing slash."""

    url: str
    store_url: str
    letters: Letters
    server: Server
    signed_in: dict[str, StorageState] = field(default_factory=dict)
    """The browser's storage of who has signed in before, by mail address."""

    async def restart(self) -> None:
        """Stop the server in order and start it again at the same address."""
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)

    async def book_call(self, start: dt.datetime | None = None) -> Call:
        """Book a consultation by video; without `start` one that has just begun."""
        store = open_store(self.store_url)
        try:
            return await book_call(store, start)
        finally:
            await store.close()


async def book_call(store: Store, start: dt.datetime | None = None) -> Call:
    """Put a consultation by video into `store`, with links for the claimant and a companion.

    It is written past the search for free times: these tests are about the call, and must pass
    at night and on public holidays too.
    """
    now = dt.datetime.now(dt.UTC)
    start = start or now - dt.timedelta(minutes=5)
    async with store.writing() as tx:
        topic = await catalog.topic(tx, "advice")
        (caseworker,) = await catalog.resources(tx)
        appointment_id = await _row(
            tx,
            schema.appointment,
            uid=str(uuid.uuid4()),
            reference=new_reference(),
            topic_id=topic.id,
            way="video",
            site_id=caseworker.site_id,
            caseworker_id=caseworker.id,
            starts_at=start,
            ends_at=start + dt.timedelta(minutes=30),
            status="booked",
            sequence=0,
            name=CLAIMANT.name,
            email=CLAIMANT.email,
            phone=CLAIMANT.phone,
            interpreter="",
            companion=True,
            locale="en",
            created_at=now,
            changed_at=now,
            delete_after=start + dt.timedelta(days=90),
        )
        links = [
            await add_link(tx, appointment_id, part=part, name=name, actor="test", now=start)
            for part, name in ((Part.CLAIMANT, CLAIMANT.name), (Part.COMPANION, COMPANION))
        ]
    return Call(appointment_id, *links)


async def seed(store: Store) -> None:
    """Make the office: one site, one topic in three ways, one caseworker who can sign in."""
    async with store.writing() as tx:
        site_id = await _row(
            tx,
            schema.site,
            key="main",
            name="Hauptstelle",
            address="Marktplatz 1, 12345 Musterstadt",
            phone="+4930901820",
            state="BE",
        )
        topic_id = await _row(
            tx,
            schema.topic,
            key="advice",
            position=0,
            title={"de": "Ich habe eine Frage zu meinem Antrag", "en": "I have a question"},
            official_name={"de": "Antragsberatung", "en": "Advice on applications"},
            explanation={"de": "Wir sprechen darüber.", "en": "We talk about it."},
            bring={"de": "Ihren letzten Brief von uns", "en": "The last letter from us"},
            skill="advice",
        )
        for way in ("in_person", "video", "phone"):
            await _row(
                tx,
                schema.topic_way,
                topic_id=topic_id,
                way=way,
                minutes=30,
                buffer_minutes=0,
                notice_minutes=0,
                earliest_day=0,
                horizon_days=14,
            )
        caseworker = await add_caseworker(tx, site_id, CASEWORKER)
        await _row(
            tx,
            schema.staff,
            email=EMAIL,
            name=CASEWORKER,
            password_hash=hash_password(PASSWORD),
            role="caseworker",
            resource_id=caseworker,
            active=True,
        )


async def add_caseworker(tx: AsyncConnection, site_id: int, name: str) -> int:
    """Add somebody who works day and night."""
    person = await _row(
        tx,
        schema.resource,
        site_id=site_id,
        kind="caseworker",
        name=name,
        features=[],
        skills=["advice"],
        languages=["de"],
        active=True,
    )
    for weekday in range(7):
        await _row(
            tx,
            schema.working_pattern,
            resource_id=person,
            weekday=weekday,
            starts_minute=0,
            ends_minute=1440,
            ways=[],
            valid_from=dt.date(2020, 1, 1),
            every_weeks=1,
        )
    return person


async def _row(tx: AsyncConnection, table: Table, **values: Any) -> int:
    done = await tx.execute(insert(table).values(values).returning(table.c.id))
    return int(done.scalar_one())


@contextlib.contextmanager
def served(folder: Path, **changes: str) -> Iterator[Office]:
    """Migrate, seed and serve an office in `folder` until the block ends.

    `changes` are settings of the server, without their prefix, that are to be other than usual.
    """
    letters = Letters()
    mail_server = Controller(letters, hostname="127.0.0.1", port=_free_port())
    settings = {
        "ORGANIZER_EMAIL": "termine@office.example",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail_server.port),
        **changes,
    }
    mail_server.start()
    try:
        with running(folder, settings, _seed_at) as (server, url, _):
            yield Office(url, store_url_of(folder), letters, server)
    finally:
        mail_server.stop()


@contextlib.contextmanager
def served_demo(folder: Path, fill: Callable[[str], Awaitable[T]]) -> Iterator[tuple[str, T]]:
    """Serve a demo office that `fill` puts into the store of the URL it gets.

    Yields the address of the pages and what `fill` returned.
    """
    with running(folder, {"DEMO": "on"}, fill) as (_server, url, filled):
        yield url, filled


async def _seed_at(store_url: str) -> None:
    store = open_store(store_url)
    try:
        await seed(store)
    finally:
        await store.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
