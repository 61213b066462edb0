"""The real application over a small office, and somebody who visits it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiohttp import CookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from sqlalchemy import select

from scheduling import schema
from scheduling.store import Store, open_store
from server.app import create_app
from tests.conftest import Clock
from tests.copies import Copies
from tests.scheduling.office import Office, add_caseworker, make_office, row
from tests.server.conftest import Configure, configure
from tests.web.visitor import Visitor
from web.letters import LETTERS

__all__ = ["configure"]

PASSWORD = "a long enough password"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hashes without the cost that guessing shall have."""
_HASH = QUICK.hash(PASSWORD)


@dataclass
class House:
    """The served office: its store, its people, and a new browser for whoever asks."""

    store: Store
    office: Office
    server: TestServer
    clients: list[TestClient] = field(default_factory=list)

    def visitor(self, language: str = "en") -> Visitor:
        """Open a new browser that prefers `language`."""
        jar = CookieJar(unsafe=True)
        headers = {"Accept-Language": language}
        client = TestClient(self.server, cookie_jar=jar, headers=headers)
        self.clients.append(client)
        return Visitor(client)

    async def letters(self) -> list[EmailMessage]:
        """Return the letters written so far, oldest first."""
        async with self.store.reading() as tx:
            rows = await tx.execute(select(schema.outbox).order_by(schema.outbox.c.id))
            write = self.server.app[LETTERS].written
            return [_parsed(await write(tx, found.message)) for found in rows.all()]

    async def hire(self, role: str, *, name: str = "", resource_id: int | None = None) -> str:
        """Give somebody a sign-in; return their e-mail address."""
        email = f"{name or role}@office.example"
        async with self.store.writing() as tx:
            await row(
                tx, schema.staff, email=email, name=name or role, password_hash=_HASH, role=role,
                resource_id=resource_id, active=True,
            )  # fmt: skip
        return email

    async def open_branch(self) -> int:
        """Open a second site with one caseworker; return the caseworker's place."""
        async with self.store.writing() as tx:
            site_id = await row(
                tx, schema.site, key="branch", name="Zweigstelle", address="Gasse 2",
                phone="+49302", state="NW",
            )  # fmt: skip
            await row(
                tx, schema.resource, site_id=site_id, kind="room", name="Branch room",
                features=[], skills=[], languages=[], active=True,
            )  # fmt: skip
            return await add_caseworker(tx, site_id, "Person of the branch")


def _parsed(message: bytes) -> EmailMessage:
    letter = message_from_bytes(message, policy=policy.default)
    assert isinstance(letter, EmailMessage)
    return letter


Serve = Callable[..., Awaitable[House]]


@pytest.fixture
async def serve(
    configure: Configure, clock: Clock, migrated_copies: Copies
) -> AsyncIterator[Serve]:
    """Serve an office on a store; letters stay in the outbox, where tests read them."""
    opened: list[House] = []

    async def serving(url: str, **changes: object) -> House:
        await migrated_copies.fill(url)
        store = open_store(url)
        office = await make_office(store)
        # Nothing listens on port 9 (discard), so every letter stays where it was written.
        usual = {
            "demo": False,
            "database_url": url,
            "organizer_email": "termine@office.example",
            "smtp_host": "127.0.0.1",
            "smtp_port": 9,
        }
        app = create_app(configure(**{**usual, **changes}), clock, QUICK)
        server = TestServer(app)
        await server.start_server()
        opened.append(House(store, office, server))
        return opened[-1]

    yield serving
    for house in opened:
        for client in house.clients:
            await client.session.close()
        await house.server.close()
        await house.store.close()


@pytest.fixture
async def house(serve: Serve, store_url: str) -> House:
    """Serve an office on either engine in turn."""
    return await serve(store_url)


@pytest.fixture
async def small_house(serve: Serve, sqlite_url: str) -> House:
    """Serve an office on SQLite, for tests of pages rather than of what is stored."""
    return await serve(sqlite_url)
