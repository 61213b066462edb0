"""What people see while the database cannot be reached, and afterwards."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from server import data_folder, database
from server.app import create_app
from server.config import Config
from tests.conftest import Clock
from tests.postgresql import running_server
from tests.scheduling.office import make_office
from web.keys import STORE


async def test_while_the_database_is_away_pages_say_so_and_health_tells_it(
    tmp_path: Path, clock: Clock
) -> None:
    with ExitStack() as running:
        url = running.enter_context(running_server()) + "postgres"
        await database.migrate(url)
        config = Config(
            data=tmp_path / "data", demo=True, database_url=url, relay_port=0,
            relay_host_v4="127.0.0.1", relay_host_v6="none",
        )  # fmt: skip
        data_folder.prepare(config)
        async with TestClient(TestServer(create_app(config, clock))) as client:
            await make_office(client.app[STORE])
            before = await client.get("/book/money")
            running.close()

            during = await client.get("/book/money")
            text = await during.text()
            health = await client.get("/healthz")

    assert before.status == 200
    assert during.status == 503
    assert during.headers["Retry-After"] == "30"
    assert "Termine, die bestätigt sind, sind sicher" in text
    assert health.status == 503
