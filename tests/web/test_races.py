"""A thousand people at one moment, through three server processes on one store of either kind."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.served import served
from scheduling.model import Appointment
from tests.postgresql import command
from tests.web.rush import (
    DETAILS,
    NARROW,
    PASSWORD,
    SCHEDULER,
    WIDE,
    Browser,
    Office,
    answers,
    filled,
    opened,
    stored,
    token,
)

PEOPLE = 1000
SERVERS = 3
MIXED = 2
"""The day on which everything is done at once."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, quick: Path) -> Iterator[Office]:
    """Serve an office through several processes, once for all tests of an engine."""
    folder = quick / f"races_{request.param}"
    folder.mkdir()
    url = f"sqlite+prompt:///{folder}/plan.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        asyncio.run(command(server, "CREATE DATABASE races"))
        url = f"{server}races"
    days = asyncio.run(filled(url))
    with contextlib.ExitStack() as running, ThreadPoolExecutor(SERVERS) as starting:
        kept = [served(folder / f"{n}", url) for n in range(SERVERS)]
        servers = [*starting.map(running.enter_context, kept)]
        yield Office(url, tuple(server.origin for server in servers), days)


async def test_of_a_thousand_at_once_for_one_slot_one_gets_it(office: Office) -> None:
    async with opened(office) as browsers:
        start = office.at(0, 0)
        await asyncio.gather(
            *(browsers[n % SERVERS].book("short", "video", start) for n in range(PEOPLE))
        )
        await browsers[0].book("short", "video", start)
        told = answers(browsers)

    assert told == {
        ("hold", 303, False): 1, ("confirm", 303, False): 1, ("hold", 409, True): PEOPLE,
    }  # fmt: skip
    assert len(await stored(office, 0)) == 1


async def test_of_a_thousand_overlapping_wishes_of_unequal_length_one_is_granted(
    office: Office,
) -> None:
    kinds = [(topic, way) for topic, ways in NARROW.items() for way, _ in ways]
    wishes = [(*kind, office.at(1, minute)) for kind in kinds for minute in (30, 35, 40, 45)]
    async with opened(office) as browsers:
        await asyncio.gather(
            *(browsers[n % SERVERS].book(*wishes[n % len(wishes)]) for n in range(PEOPLE))
        )
        late = [browsers[n % SERVERS].book(*wish) for n, wish in enumerate(wishes)]
        for one in late:
            await one
        told = answers(browsers)

    assert told == {
        ("hold", 303, False): 1, ("confirm", 303, False): 1,
        ("hold", 409, True): PEOPLE - 1 + len(wishes),
    }  # fmt: skip
    assert len(await stored(office, 1)) == 1


@dataclass
class MixedUse:
    """What people and the office do to one day: some appointments are cancelled, others last."""

    office: Office
    lasting: list[tuple[str, int]]
    fleeting: list[tuple[str, int]]
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def somewhen(self) -> str:
        return self.office.at(MIXED, 5 * self.chance.randrange(36))

    def way(self) -> str:
        return self.chance.choice([way for way, _ in WIDE["both"]])

    async def act(self, claimant: Browser, scheduler: Browser) -> None:
        """Do one thing; what is done to a fleeting appointment may come too late."""
        kept = self.chance.random() < 0.5
        own, number = self.chance.choice(self.lasting if kept else self.fleeting)
        late = "" if kept else " late"
        match self.chance.choice(["book", "move", "shift", "change", "leave", "cancel"]):
            case "book":
                await claimant.book("both", self.way(), self.somewhen())
            case "move":
                await claimant.send(f"move{late}", f"{own}/move", start=self.somewhen())
            case "shift":
                await claimant.send(
                    f"shift{late}",
                    f"{own}/way/{self.way()}",
                    start=self.somewhen(),
                    site="main",
                    **DETAILS,
                )
            case "change":
                await scheduler.send(
                    f"change{late}", f"/plan/appointments/{number}/change", start=self.somewhen(),
                    way=self.way(), caseworker="any",
                )  # fmt: skip
            case "leave":
                await claimant.send(
                    "leave", "/hold", topic="both", way=self.way(), start=self.somewhen()
                )
            case _:
                await claimant.send("cancel", f"{self.chance.choice(self.fleeting)[0]}/cancel")


async def _signed_in(browsers: list[Browser]) -> None:
    for browser in browsers:
        status, _ = await browser.send(
            "sign in", "/staff/sign-in", email=SCHEDULER, password=PASSWORD
        )
        assert status == 303
        browser.csrf = await token(browser.session)  # signing in renews it
        browser.answers.clear()


async def _prepared(office: Office, browser: Browser) -> MixedUse:
    """Book six appointments on the day, of which three will last."""
    for minute in range(0, 180, 30):
        await browser.book("both", "video", office.at(MIXED, minute))
    numbers = [one.id for one in await stored(office, MIXED)]
    booked = [*zip(browser.booked, numbers, strict=True)]
    return MixedUse(office, lasting=booked[3:], fleeting=booked[:3])


async def test_a_thousand_mixed_changes_of_one_day_leave_a_sound_plan(office: Office) -> None:
    async with opened(office) as people, opened(office) as schedulers:
        await _signed_in(schedulers)
        use = await _prepared(office, people[0])
        before = {one.id: one for one in await stored(office, MIXED)}
        await asyncio.gather(
            *(use.act(people[n % SERVERS], schedulers[n % SERVERS]) for n in range(PEOPLE))
        )
        told = answers([*people, *schedulers])
        made = sum(len(browser.booked) for browser in people)
        after = {one.id: one for one in await stored(office, MIXED)}
        taken = [await _try_to_take(schedulers[0], after, number) for _, number in use.lasting]

    assert {status for _, status, _ in told} == {303, 409}
    without_alternatives = {what for what, status, other in told if (status, other) == (409, False)}
    assert without_alternatives <= {"move late", "shift late", "change late", "cancel"}
    assert taken == [409] * len(use.lasting)
    assert len(after) == made
    for one in before.values():
        now = after[one.id]
        assert (now.uid, now.reference) == (one.uid, one.reference)
    cancelled = {one.id for one in after.values() if one.status == "cancelled"}
    assert cancelled == {number for _, number in use.fleeting}


async def _try_to_take(scheduler: Browser, plan: dict[int, Appointment], number: int) -> int:
    """Give somebody else's appointment to the same person at the same time; return the answer."""
    wanted = plan[number]
    other = next(one for one in plan.values() if one.status == "booked" and one.id != number)
    status, _ = await scheduler.send(
        "take", f"/plan/appointments/{other.id}/change", start=wanted.span.start.isoformat(),
        way="phone", caseworker=str(wanted.caseworker.id),
    )  # fmt: skip
    return status
