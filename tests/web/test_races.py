"""A thousand people at one moment, through three server processes on one store of either kind."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import aiohttp
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from benchmarks.served import served
from scheduling import appointments, catalog, invariants, schema, slots
from scheduling.grid import ZONE, local_date
from scheduling.model import Appointment, Way
from scheduling.slots import SlotQuery
from scheduling.store import open_store
from server import database
from tests.scheduling.office import add_caseworker, row

PEOPLE = 1000
SERVERS = 3
TOKEN = re.compile(r'name="_csrf" value="([^"]+)"')
OFFERED = re.compile(r'name="start"\s+value="')
DETAILS = {"name": "Kim Beispiel", "email": "kim@example.org", "phone": "030 901820"}
NARROW = {"short": (("video", 20), ("phone", 25)), "long": (("video", 45), ("in_person", 60))}
WIDE = {"both": (("video", 30), ("in_person", 40), ("phone", 20))}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Office:
    """Several servers over one store, and the days on which their office has everything free."""

    url: str
    origins: tuple[str, ...]
    days: tuple[dt.date, ...]

    def at(self, day: int, minute: int) -> str:
        """Return the instant some minutes after 09:00 of a free day."""
        nine = dt.datetime.combine(self.days[day], dt.time(9), ZONE)
        return (nine.astimezone(dt.UTC) + dt.timedelta(minutes=minute)).isoformat()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Serve an office through several processes, once for all tests of an engine."""
    folder = tmp_path_factory.mktemp("races")
    url = f"sqlite+prompt:///{folder}/plan.db"
    if request.param == "postgresql":
        url = asyncio.run(_database(request.getfixturevalue("postgresql_server")))
    days = asyncio.run(_filled(url))
    with contextlib.ExitStack() as running, ThreadPoolExecutor(SERVERS) as starting:
        kept = [served(folder / f"{n}", url) for n in range(SERVERS)]
        servers = [*starting.map(running.enter_context, kept)]
        yield Office(url, tuple(server.origin for server in servers), days)


async def _database(server: str) -> str:
    name = f"races_{next(_numbers)}"
    admin = create_async_engine(server + "postgres", isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await admin.dispose()
    return server + name


async def _filled(url: str) -> tuple[dt.date, ...]:
    """Make the office; return its first days. One caseworker has two topics, two have one."""
    await database.migrate(url)
    store = open_store(url)
    async with store.writing() as tx:
        site_id = await row(
            tx, schema.site, key="main", name="Haupthaus", address="Platz 1", phone="+49301",
            state="NW",
        )  # fmt: skip
        for key, ways in (NARROW | WIDE).items():
            await _topic(tx, key, "both" if key in WIDE else "narrow", ways)
        for name, skill in (("Ada", "narrow"), ("Ben", "both"), ("Cem", "both")):
            person = await add_caseworker(tx, site_id, name)
            await tx.execute(
                schema.resource.update().where(schema.resource.c.id == person).values(
                    skills=[skill]
                )
            )  # fmt: skip
        for name in ("Room 1", "Room 2"):
            await row(
                tx, schema.resource, site_id=site_id, kind="room", name=name, features=[],
                skills=[], languages=[], active=True,
            )  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    # From the day after tomorrow on: midnight may pass while the test runs.
    first = local_date(now) + dt.timedelta(days=2)
    async with store.reading() as tx:
        topic = await catalog.topic(tx, "both")
        query = SlotQuery(topic, Way.VIDEO, first, first + dt.timedelta(days=14))
        found = await slots.find(tx, query, now)
    await store.close()
    return tuple(dict.fromkeys(local_date(slot.start) for slot in found))


async def _topic(
    tx: AsyncConnection, key: str, skill: str, ways: tuple[tuple[str, int], ...]
) -> None:
    words = {"de": key, "en": key}
    topic_id = await row(
        tx, schema.topic, key=key, position=0, title=words, official_name=words,
        explanation=words, bring=words, skill=skill,
    )  # fmt: skip
    for way, minutes in ways:
        await row(
            tx, schema.topic_way, topic_id=topic_id, way=way, minutes=minutes, buffer_minutes=5,
            notice_minutes=0, earliest_day=0, horizon_days=28,
        )  # fmt: skip


@dataclass
class Browser:
    """Somebody at one of the servers. Asking is counted by what came of it."""

    session: aiohttp.ClientSession
    csrf: str
    answers: Counter[tuple[str, int, bool]] = field(default_factory=Counter)
    booked: list[str] = field(default_factory=list)
    """Addresses of the appointments that were made."""

    async def send(self, what: str, address: str, **fields: str) -> tuple[int, str]:
        """Send a form; return the status and where it leads to."""
        sent = {"_csrf": self.csrf, **fields}
        async with self.session.post(address, data=sent, allow_redirects=False) as answer:
            page = await answer.text()
            self.answers[what, answer.status, bool(OFFERED.search(page))] += 1
            return answer.status, answer.headers.get("Location", "")

    async def book(self, topic: str, way: str, start: str) -> None:
        """Choose a time and, if it could be had, confirm it."""
        status, address = await self.send("hold", "/hold", topic=topic, way=way, start=start)
        if status == 303:
            status, address = await self.send("confirm", address, **DETAILS)
            if status == 303:
                self.booked.append(address.partition("?")[0])


@contextlib.asynccontextmanager
async def _browsers(office: Office) -> AsyncIterator[list[Browser]]:
    async with contextlib.AsyncExitStack() as opened:
        browsers = []
        for origin in office.origins:
            session = aiohttp.ClientSession(
                origin,
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.CookieJar(unsafe=True),
            )
            await opened.enter_async_context(session)
            async with session.get("/book/both/video") as page:
                found = TOKEN.search(await page.text())
            assert found is not None
            browsers.append(Browser(session, found[1]))
        yield browsers


def _answers(browsers: list[Browser]) -> Counter[tuple[str, int, bool]]:
    return sum((browser.answers for browser in browsers), Counter())


async def _stored(office: Office, day: int) -> list[Appointment]:
    """Return the appointments of a day, after making sure that nothing is broken."""
    store = open_store(office.url)
    async with store.reading() as tx:
        broken = await invariants.broken(tx)
        found = await appointments.day(tx, office.days[day])
    await store.close()
    assert broken == []
    return found


async def test_of_a_thousand_at_once_for_one_slot_one_gets_it(office: Office) -> None:
    async with _browsers(office) as browsers:
        start = office.at(0, 0)
        await asyncio.gather(
            *(browsers[n % SERVERS].book("short", "video", start) for n in range(PEOPLE))
        )
        await browsers[0].book("short", "video", start)
        answers = _answers(browsers)

    assert answers == {
        ("hold", 303, False): 1, ("confirm", 303, False): 1, ("hold", 409, True): PEOPLE,
    }  # fmt: skip
    assert len(await _stored(office, 0)) == 1


async def test_of_a_thousand_overlapping_wishes_of_unequal_length_one_is_granted(
    office: Office,
) -> None:
    kinds = [(topic, way) for topic, ways in NARROW.items() for way, _ in ways]
    wishes = [(*kind, office.at(1, minute)) for kind in kinds for minute in (30, 35, 40, 45)]
    async with _browsers(office) as browsers:
        await asyncio.gather(
            *(browsers[n % SERVERS].book(*wishes[n % len(wishes)]) for n in range(PEOPLE))
        )
        late = [browsers[n % SERVERS].book(*wish) for n, wish in enumerate(wishes)]
        for one in late:
            await one
        answers = _answers(browsers)

    assert answers == {
        ("hold", 303, False): 1, ("confirm", 303, False): 1,
        ("hold", 409, True): PEOPLE - 1 + len(wishes),
    }  # fmt: skip
    assert len(await _stored(office, 1)) == 1


async def test_a_thousand_mixed_changes_of_one_day_leave_a_sound_plan(office: Office) -> None:
    chance = random.Random(1)
    ways = [way for way, _ in WIDE["both"]]

    def somewhen() -> str:
        return office.at(2, 5 * chance.randrange(36))

    async with _browsers(office) as browsers:
        for minute in range(0, 180, 30):
            await browsers[0].book("both", chance.choice(ways), office.at(2, minute))
        own = [*browsers[0].booked]
        before = {one.id: one for one in await _stored(office, 2)}

        async def act(browser: Browser) -> None:
            match chance.choice(["book", "book", "move", "move", "cancel"]):
                case "book":
                    await browser.book("both", chance.choice(ways), somewhen())
                case "move":
                    await browser.send("move", f"{chance.choice(own)}/move", start=somewhen())
                case _:
                    await browser.send("cancel", f"{chance.choice(own[:3])}/cancel")

        await asyncio.gather(*(act(browsers[n % SERVERS]) for n in range(PEOPLE)))
        answers = _answers(browsers)
        made = sum(len(browser.booked) for browser in browsers)

    assert {(what, status) for what, status, _ in answers} <= {
        (what, status) for what in ("hold", "confirm", "move", "cancel") for status in (303, 409)
    }
    assert answers["hold", 409, False] == 0
    after = {one.id: one for one in await _stored(office, 2)}
    assert len(after) == made
    for one in before.values():
        now = after[one.id]
        assert (now.uid, now.reference) == (one.uid, one.reference)
    assert sum(one.status == "cancelled" for one in after.values()) == len(own[:3])
