"""Whoever edits a record that somebody else has changed meanwhile is refused, with both sides."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from scheduling import editing, schema
from scheduling.editing import Conflict, fingerprint
from scheduling.model import NotFound
from scheduling.store import Store
from tests.scheduling.office import make_office


async def test_an_unchanged_record_may_be_edited(store: Store) -> None:
    office = await make_office(store)
    async with store.reading() as tx:
        seen = fingerprint(await editing.stored(tx, schema.resource, office.rooms[0]))

    async with store.writing() as tx:
        current = await editing.stored(tx, schema.resource, office.rooms[0], to_change=True)
        editing.refuse_if_changed(seen, current)

    assert current["name"] == "Room 0"


async def test_a_record_changed_meanwhile_is_refused_and_names_what_changed(store: Store) -> None:
    office = await make_office(store)
    async with store.reading() as tx:
        seen = fingerprint(await editing.stored(tx, schema.resource, office.rooms[0]))
    async with store.writing() as tx:
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == office.rooms[0])
            .values(name="Room 0 (blue)")
        )

    async with store.writing() as tx:
        current = await editing.stored(tx, schema.resource, office.rooms[0], to_change=True)
        with pytest.raises(Conflict) as refused:
            editing.refuse_if_changed(seen, current)

    assert refused.value.current["name"] == "Room 0 (blue)"
    assert refused.value.theirs == {"name"}


async def test_a_booking_in_between_is_no_edit(store: Store) -> None:
    office = await make_office(store)
    async with store.reading() as tx:
        seen = fingerprint(await editing.stored(tx, schema.resource, office.rooms[0]))
    async with store.writing() as tx:
        await tx.execute(update(schema.resource).values(claims_version=7))

    async with store.reading() as tx:
        editing.refuse_if_changed(seen, await editing.stored(tx, schema.resource, office.rooms[0]))


async def test_what_does_not_exist_any_more_is_not_found(store: Store) -> None:
    async with store.writing() as tx:
        with pytest.raises(NotFound):
            await editing.stored(tx, schema.site, 99)


def test_a_fingerprint_knows_dates_sets_and_nested_parts() -> None:
    values = {"day": dt.date(2026, 10, 12), "skills": frozenset("ab"), "ways": [{"minutes": 30}]}

    later = {**values, "ways": [{"minutes": 45}]}

    assert editing.changed_since(fingerprint(values), {**values, "skills": ["a", "b"]}) == set()
    assert editing.changed_since(fingerprint(values), later) == {"ways"}


def test_the_order_of_words_in_a_list_is_no_change() -> None:
    seen = fingerprint({"languages": ["tr", "de"]})

    assert editing.changed_since(seen, {"languages": ["de", "tr"]}) == set()


def test_nonsense_in_place_of_a_fingerprint_counts_as_changed() -> None:
    with pytest.raises(Conflict) as refused:
        editing.refuse_if_changed("nonsense", {"name": "A", "way": "B"})

    assert refused.value.theirs == {"name", "way"}
