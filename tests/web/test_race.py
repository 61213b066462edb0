"""A thousand people want the same slot at the same moment, through HTTP, on either engine."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from sqlalchemy import func, select

from scheduling import invariants, schema
from scheduling.store import Store
from server import data_folder, database
from server.app import create_app
from server.config import Config
from tests.conftest import Clock
from tests.scheduling.office import at, make_office
from web.keys import STORE

PEOPLE = 1000
TOKEN = re.compile(r'name="_csrf" value="([^"]+)"')


@pytest.fixture
async def server(store_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[TestServer]:
    """Serve a small office with one caseworker."""
    await database.migrate(store_url)
    config = Config(
        data=tmp_path / "data",
        demo=True,
        database_url=store_url,
        relay_port=0,
        relay_host_v4="127.0.0.1",
        relay_host_v6="none",
        rate_limit_factor=1000,
    )
    data_folder.prepare(config)
    server = TestServer(create_app(config, clock))
    await server.start_server()
    await make_office(server.app[STORE])
    yield server
    await server.close()


async def _counted(store: Store, table: schema.Table) -> int:
    async with store.reading() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)) or 0)


async def test_of_a_thousand_bookings_of_one_slot_exactly_one_succeeds(server: TestServer) -> None:
    store = server.app[STORE]
    connector = aiohttp.TCPConnector(limit=0)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(
        server.make_url("/"), connector=connector, cookie_jar=jar
    ) as session:
        page = await (await session.get("/book/money/video")).text()
        form = {
            "_csrf": TOKEN.search(page)[1], "topic": "money", "way": "video",
            "start": at(9).isoformat(),
        }  # fmt: skip
        details = form | {"name": "Kim Beispiel", "email": "kim@example.org"}

        async def book() -> tuple[int, bool]:
            held = await session.post("/hold", data=form, allow_redirects=False)
            text = await held.text()
            if held.status != 303:
                return held.status, "09:45" in text
            done = await session.post(held.headers["Location"], data=details)
            return done.status, "09:00" in await done.text()

        answers = Counter(await asyncio.gather(*(book() for _ in range(PEOPLE))))
        late = await book()

    assert answers == {(200, True): 1, (409, True): PEOPLE - 1}
    assert late == (409, True)
    assert await _counted(store, schema.appointment) == 1
    async with store.reading() as tx:
        assert await invariants.broken(tx) == []
