"""An office that several processes serve, and the browsers of a crowd in front of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, invariants, schema, slots
from scheduling.grid import ZONE, local_date
from scheduling.model import Appointment, Way
from scheduling.slots import SlotQuery
from scheduling.store import open_store
from server import database
from server.sign_in import hash_password
from tests.scheduling.office import add_caseworker, row

TOKEN = re.compile(r'name="_csrf" value="([^"]+)"')
OFFERED = re.compile(r'name="start"\s+value="')
DETAILS = {"name": "Kim Beispiel", "email": "kim@example.org", "phone": "030 901820"}
NARROW = {"short": (("video", 20), ("phone", 25)), "long": (("video", 45), ("in_person", 60))}
WIDE = {"both": (("video", 30), ("in_person", 40), ("phone", 20))}
SCHEDULER = "planung@office.example"
PASSWORD = "a long enough password"


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


async def filled(url: str) -> tuple[dt.date, ...]:
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
        await row(
            tx, schema.staff, email=SCHEDULER, name="Planung", role="scheduler",
            password_hash=hash_password(PASSWORD), resource_id=None, active=True,
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
async def opened(office: Office) -> AsyncIterator[list[Browser]]:
    async with contextlib.AsyncExitStack() as opened:
        browsers = []
        for origin in office.origins:
            session = aiohttp.ClientSession(
                origin,
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.CookieJar(unsafe=True),
            )
            await opened.enter_async_context(session)
            browsers.append(Browser(session, await token(session)))
        yield browsers


async def token(session: aiohttp.ClientSession) -> str:
    async with session.get("/book/both/video") as page:
        found = TOKEN.search(await page.text())
    assert found is not None
    return found[1]


def answers(browsers: list[Browser]) -> Counter[tuple[str, int, bool]]:
    return sum((browser.answers for browser in browsers), Counter())


async def stored(office: Office, day: int) -> list[Appointment]:
    """Return the appointments of a day, after making sure that nothing is broken."""
    store = open_store(office.url)
    async with store.reading() as tx:
        broken = await invariants.broken(tx)
        found = await appointments.day(tx, office.days[day])
    await store.close()
    assert broken == []
    return found
