"""Where the site does not matter, all sites serve, some at a time."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks.statements import Statements
from scheduling import booking, catalog, schema, slots
from scheduling.model import Needs, Way
from scheduling.slots import GROUPS_READ, SITES_AT_ONCE, SlotQuery
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, TERMS, Office, add_caseworker, at, make_office, row

MORE = 2 * SITES_AT_ONCE + 3
TUESDAY = dt.date(2026, 10, 13)


async def test_the_only_free_person_is_found_at_whichever_site_they_are(
    store: Store, clock: Clock
) -> None:
    office, sites = await _office(store)
    query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)

    found = []
    for site_id in sites[::5]:
        async with store.writing() as tx:
            await add_caseworker(tx, site_id, "Person")
        async with store.writing() as tx:
            starts = await slots.find(tx, query, clock())
            options = await slots.options(tx, query, at(9), clock())
            await _book(tx, office, clock, at(9))
        found.append((at(9) in [slot.start for slot in starts], options[0].place_id))

    assert found == [(True, site_id) for site_id in sites[::5]]


async def test_each_day_begins_with_other_sites(store: Store, clock: Clock) -> None:
    office, sites = await _office(store)
    async with store.writing() as tx:
        for site_id in sites:
            await add_caseworker(tx, site_id, "Person")

    firsts = set()
    for day in (13, 14, 15):
        async with store.reading() as tx:
            query = SlotQuery(office.topic, Way.VIDEO, TUESDAY, TUESDAY)
            found = await slots.options(tx, query, at(9, day=day), clock())
            firsts.add(found[0].place_id)

    assert len(firsts) == 3


async def test_somebody_named_is_found_wherever_they_are(store: Store, clock: Clock) -> None:
    office, sites = await _office(store)
    async with store.writing() as tx:
        people = [await add_caseworker(tx, site_id, "Person") for site_id in sites]
    query = SlotQuery(office.topic, Way.PHONE, TUESDAY, TUESDAY, caseworker_id=people[7])

    async with store.reading() as tx:
        [option] = await slots.options(tx, query, at(9), clock())

    assert (option.caseworker.id, option.place_id) == (people[7], sites[7])


@pytest.mark.parametrize("way", [Way.VIDEO, Way.BRANCH_VIDEO])
async def test_an_office_of_any_size_is_read_to_its_end_in_five_statements(
    store: Store, clock: Clock, way: Way
) -> None:
    office, sites = await _office(store, SITES_AT_ONCE * (sum(GROUPS_READ) + 2))
    async with store.writing() as tx:
        terms = {"topic_id": office.topic.id, "way": "branch_video", "minutes": 30, **TERMS}
        await row(tx, schema.topic_way, **terms)
        await row(
            tx, schema.resource, site_id=office.site_id, kind="tablet", name="Tablet", features=[],
            skills=[], languages=[], active=True,
        )  # fmt: skip
        office.topic = await catalog.topic(tx, "money")
    site_id = office.site_id if way is Way.BRANCH_VIDEO else None
    query = SlotQuery(office.topic, way, TUESDAY, TUESDAY, site_id)
    statements = Statements()

    found = []
    for alone in sites[::60]:
        async with store.writing() as tx:
            person = await add_caseworker(tx, alone, "Person")
            with statements.of(store):
                found.append(len(await slots.find(tx, query, clock())))
            await tx.execute(delete(schema.working_pattern))
            await tx.execute(delete(schema.resource).where(schema.resource.c.id == person))

    assert len(found) == 5
    assert all(found)
    assert statements.most <= 5


async def _office(store: Store, number_of_sites: int = MORE) -> tuple[Office, list[int]]:
    office = await make_office(store, caseworkers=0)
    async with store.writing() as tx:
        sites = [
            await row(
                tx, schema.site, key=f"site-{number}", name=f"Haus {number}", address="Platz 1",
                phone="+49301", state="NW",
            )
            for number in range(number_of_sites)
        ]  # fmt: skip
    return office, sites


async def _book(tx: AsyncConnection, office: Office, clock: Clock, start: dt.datetime) -> None:
    await booking.book(
        tx, topic=office.topic, way=Way.VIDEO, start=start, site_id=None, person=PERSON,
        needs=Needs(), locale="de", now=clock(), actor="test",
    )  # fmt: skip
