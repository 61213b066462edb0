"""Topics in the store: keys, order, withdrawn ways; sites and things beside the pages."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from scheduling import catalog, editing, premises, schema, things, topics
from scheduling.keys import free_key, key_of
from scheduling.model import NotFound, Offers, TopicWay, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import make_office

TERMS = {
    "offered": True, "minutes": 30, "buffer_minutes": 5, "notice_minutes": 0, "earliest_day": 0,
    "horizon_days": 28,
}  # fmt: skip


def values(title: str, **ways: dict[str, Any]) -> dict[str, Any]:
    text = {"de": title}
    return {
        "title": text, "official_name": text, "explanation": text, "bring": text,
        "skill": "money", "audience": "public", "urgent": False, "in_groups": False,
        **{f"way_{way}": ways.get(way) for way in Way},
    }  # fmt: skip


async def titles(store: Store) -> list[str]:
    async with store.reading() as tx:
        return [one.title["de"] for one in await catalog.topics(tx)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Zweigstelle Süd", "zweigstelle-sued"),
        ("Straße & Größe!", "strasse-groesse"),
        ("Ελλάδα", "x"),
        ("a" * 50, "a" * 32),
        ("École nº 7", "ecole-no-7"),
    ],
)
def test_a_key_is_the_name_in_small_plain_letters(name: str, key: str) -> None:
    assert key_of(name) == key


async def test_a_taken_key_gets_a_number(store: Store) -> None:
    await make_office(store)

    async with store.reading() as tx:
        assert await free_key(tx, schema.site.c.key, "Main") == "main-2"
        assert await free_key(tx, schema.site.c.key, "Mai") == "mai"


def test_a_withdrawn_way_is_not_offered_but_its_terms_are_known() -> None:
    gone, kept = TopicWay(Way.VIDEO, 30, offered=False), TopicWay(Way.PHONE, 20)

    ways = Offers({Way.VIDEO: gone, Way.PHONE: kept})

    assert ([*ways], len(ways)) == ([Way.PHONE], 1)
    assert Way.VIDEO not in ways
    assert ways[Way.VIDEO] is gone
    assert dict(ways) == {Way.PHONE: kept}


async def test_topics_are_added_at_the_end_and_placed_anywhere(store: Store) -> None:
    await make_office(store)
    async with store.writing() as tx:
        first = await topics.add(tx, values("Erstes", video=TERMS))
        second = await topics.add(tx, values("Zweites"))

    added = await titles(store)
    async with store.writing() as tx:
        await topics.place(tx, second, 0)
        await topics.place(tx, first, 99)

    assert added == ["Geld", "Erstes", "Zweites"]
    assert await titles(store) == ["Zweites", "Geld", "Erstes"]
    async with store.writing() as tx:
        with pytest.raises(NotFound):
            await topics.place(tx, 999, 0)


async def test_withdrawing_a_way_keeps_its_terms_and_offering_it_again_finds_them(
    store: Store, clock: Clock
) -> None:
    await make_office(store)
    async with store.writing() as tx:
        topic_id = await topics.add(tx, values("Neu", video=TERMS, phone=TERMS))
        before = await topics.topic(tx, topic_id)
        withdrawn = {**before, "way_video": {**TERMS, "offered": False}}
        changed = {name: withdrawn[name] for name in values("Neu")}
        await topics.change(tx, topic_id, changed, clock())
        after = await topics.topic(tx, topic_id)
        known = topics.by_id(await catalog.topics(tx), topic_id)

    assert editing.changed_since(editing.fingerprint(before), after) == {"way_video"}
    assert [*known.ways] == [Way.PHONE]
    assert known.ways[Way.VIDEO].minutes == 30


async def test_every_change_reaches_what_remembers_the_plan(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    async with store.reading() as tx:
        site = await premises.site(tx, office.site_id)
        room = await things.thing(tx, office.rooms[0])

    async def version() -> int:
        async with store.reading() as tx:
            return await tx.scalar(select(func.sum(schema.site.c.version)))

    versions = [await version()]
    async with store.writing() as tx:
        await topics.add(tx, values("Neu", video=TERMS))
    versions.append(await version())
    async with store.writing() as tx:
        seen = editing.fingerprint(site)
        await premises.change_site(tx, office.site_id, site, seen=seen, now=clock())
    versions.append(await version())
    async with store.writing() as tx:
        seen = editing.fingerprint(room)
        await things.change(tx, office.rooms[0], room, seen=seen, now=clock())
    versions.append(await version())

    assert versions == sorted({*versions})
