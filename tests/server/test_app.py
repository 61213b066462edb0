"""The application as a whole: it starts on both engines, protects its pages and tells its state."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from scheduling import appointments, booking, outbox
from scheduling.model import Needs, Status, Way
from scheduling.store import Store
from server import database
from server.app import create_app
from server.failure import CannotStart
from server.security import content_policy, permissions_policy
from signaling.fleet import ControlAddress, Station
from signaling.relay import Relay, RelayConfig
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at, make_office
from tests.server.conftest import Configure
from web.keys import ROOMS


@pytest.fixture
async def client(
    migrated: Store, store_url: str, configure: Configure, clock: Clock
) -> AsyncIterator[TestClient]:
    config = configure(database_url=store_url)
    async with TestClient(TestServer(create_app(config, clock))) as client:
        yield client


async def test_the_booking_page_answers_on_both_engines(client: TestClient) -> None:
    answer = await client.get("/")

    assert answer.status == 200
    assert "<main" in await answer.text()


async def test_every_answer_carries_the_headers_that_protect_it(client: TestClient) -> None:
    for path in ("/", "/staff/sign-in", "/no-such-page", "/static/no-such-file", "/healthz"):
        headers = (await client.get(path)).headers

        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Server" not in headers


async def test_each_page_has_a_nonce_of_its_own(client: TestClient) -> None:
    policies = [(await client.get("/")).headers["Content-Security-Policy"] for _ in range(2)]

    nonces = [re.findall(r"'nonce-([^']+)'", policy) for policy in policies]
    assert nonces[0][0] != nonces[1][0]
    assert len(nonces[0][0]) >= 22


async def test_only_call_pages_may_ask_for_camera_and_microphone(client: TestClient) -> None:
    call = (await client.get("/call/unknown")).headers["Permissions-Policy"]
    other = (await client.get("/")).headers["Permissions-Policy"]

    assert "camera=(self), microphone=(self)" in call
    assert "camera=(), microphone=()" in other
    assert "geolocation=()" in permissions_policy(on_call_page=True)


async def test_personal_pages_are_not_stored_by_anybody(client: TestClient) -> None:
    for path in ("/appointment/unknown", "/call/unknown", "/hold/unknown", "/staff/sign-in"):
        assert (await client.get(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("origin", "socket"),
    [
        ("https://termine.example.org", "wss://termine.example.org"),
        ("http://localhost:8080", "ws://localhost:8080"),
    ],
)
def test_scripts_may_talk_to_their_own_origin_only(origin: str, socket: str) -> None:
    assert f"connect-src 'self' {socket};" in content_policy("x", origin)
    assert "unsafe" not in content_policy("x", origin)


async def test_https_is_remembered_where_people_reach_the_pages_by_it(
    migrated: Store, store_url: str, configure: Configure, clock: Clock
) -> None:
    config = configure(database_url=store_url, public_url="https://termine.example.org")

    async with TestClient(TestServer(create_app(config, clock))) as client:
        answer = await client.get("/")

    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]


async def test_health_tells_the_state_of_each_part(client: TestClient, migrated: Store) -> None:
    answer = await client.get("/healthz")

    told = await answer.json()
    assert answer.status == 200
    assert told["state"] == "up"
    assert told["parts"]["database"] == {"state": "up", "engine": migrated.dialect}
    assert told["parts"]["relay"]["relays"][0]["port"] > 0
    assert told["parts"]["relay"]["relays"][0]["tcp_port"] > 0
    assert told["parts"]["mail"]["state"] == "up"


async def test_health_and_metrics_tell_the_state_of_each_relay(
    migrated: Store, store_url: str, configure: Configure, clock: Clock, tmp_path: Path
) -> None:
    here, gone = (ControlAddress(path=f"{tmp_path}/{name}.sock") for name in ("here", "gone"))
    relay = await Relay.start(RelayConfig(host_v4="127.0.0.1", host_v6=None))
    station = await Station.open(relay, here, b"")
    config = configure(database_url=store_url, relays=(str(here), str(gone)))
    async with TestClient(TestServer(create_app(config, clock))) as client:
        told = (await (await client.get("/healthz")).json())["parts"]["relay"]
        figures = await (await client.get("/metrics")).text()

    assert told["state"] == "up"
    assert [each["state"] for each in told["relays"]] == ["up", "down"]
    assert told["relays"][0]["port"] == relay.port
    assert [each["tcp_port"] for each in told["relays"]] == [relay.tcp_port, None]
    assert f'sprechzeit_relay_up{{relay="{here}"}} 1.0' in figures
    assert f'sprechzeit_relay_up{{relay="{gone}"}} 0.0' in figures
    assert f'sprechzeit_relay_participants{{relay="{here}"}} 0.0' in figures
    await station.close()
    await relay.close()


async def test_health_tells_that_mail_is_late(
    client: TestClient, migrated: Store, clock: Clock
) -> None:
    async with migrated.writing() as tx:
        await outbox.post(tx, "kim@example.org", b"Subject: x\r\n\r\n", clock())
        (letter,) = await outbox.due(tx, clock())
        for _ in range(9):
            await outbox.failed(tx, letter.id, "reply 451", clock())
    clock.forward(minutes=6)

    answer = await client.get("/healthz")

    mail = (await answer.json())["parts"]["mail"]
    assert answer.status == 200
    assert mail == {"state": "late", "waiting": 1, "oldest_seconds": 360.0, "refused": 0}


async def test_health_is_503_while_the_database_is_away(
    postgresql_url: str, configure: Configure, clock: Clock
) -> None:
    await database.migrate(postgresql_url)
    config = configure(database_url=postgresql_url)
    async with TestClient(TestServer(create_app(config, clock))) as client:
        await _close_to_everybody(postgresql_url)

        answer = await client.get("/healthz")

        assert answer.status == 503
        assert (await answer.json())["parts"]["database"]["state"] == "down"


async def _close_to_everybody(url: str) -> None:
    name = make_url(url).database
    engine = create_async_engine(
        make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as admin:
        await admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        await admin.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": name},
        )
    await engine.dispose()


async def test_metrics_count_by_route_and_hold_no_token(client: TestClient) -> None:
    await client.get("/call/a-secret-token")

    answer = await client.get("/metrics")

    figures = await answer.text()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'route="/call/{token}",status="404"' in figures
    assert "a-secret-token" not in figures
    assert "sprechzeit_outbox_waiting 0.0" in figures
    assert 'sprechzeit_relay_rooms{relay="own"} 0.0' in figures


async def test_a_letter_posted_while_the_server_runs_leaves_by_itself(
    client: TestClient, migrated: Store, configure: Configure, clock: Clock
) -> None:
    async with migrated.writing() as tx:
        await outbox.post(
            tx, "kim@example.org", b"To: kim@example.org\r\nSubject: Hello\r\n\r\nx", clock()
        )

    async with asyncio.timeout(10):
        while "Hello" not in await (await client.get("/demo/mail")).text():
            await asyncio.sleep(0.05)

        # It is shown as soon as it is out, and crossed off right after.
        while await _waiting(migrated) != (0, 0):
            await asyncio.sleep(0.05)


async def _waiting(store: Store) -> tuple[int, int]:
    async with store.reading() as tx:
        return await outbox.backlog(tx)


async def test_a_taken_relay_port_is_told_in_one_line_and_the_store_is_closed_again(
    migrated: Store, store_url: str, configure: Configure, clock: Clock
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        config = configure(database_url=store_url, relay_port=other.getsockname()[1])
        server = TestServer(create_app(config, clock))

        with pytest.raises(CannotStart, match=r"^SPRECHZEIT_RELAY_PORT: UDP port \d+ [^\n]+$"):
            await server.start_server()

        await server.close()


async def test_a_taken_tcp_port_of_the_relay_is_told_by_its_variable(
    migrated: Store, store_url: str, configure: Configure, clock: Clock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        config = configure(database_url=store_url, relay_tcp_port=other.getsockname()[1])
        server = TestServer(create_app(config, clock))

        with pytest.raises(CannotStart, match=r"^SPRECHZEIT_RELAY_TCP_PORT: TCP port \d+ [^\n]+$"):
            await server.start_server()

        await server.close()


async def test_a_call_that_the_caseworker_ended_is_over_in_the_plan(
    client: TestClient, migrated: Store, clock: Clock
) -> None:
    office = await make_office(migrated)
    async with migrated.writing() as tx:
        booked = await booking.book(
            tx,
            topic=office.topic,
            way=Way.VIDEO,
            start=at(10),
            site_id=office.site_id,
            person=PERSON,
            needs=Needs(),
            locale="de",
            now=clock(),
            actor="test",
        )
    ended = client.app[ROOMS].on_ended

    assert ended is not None
    await ended(str(booked.appointment.id))
    await ended("999999")  # of a room without an appointment nothing is noted

    async with migrated.reading() as tx:
        found = await appointments.by_id(tx, booked.appointment.id)
    assert found.status is Status.ENDED
