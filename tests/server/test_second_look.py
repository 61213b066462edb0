"""What was booked just when the plan changed is looked at again, for as long as it takes."""

from __future__ import annotations

from scheduling import catalog
from scheduling.store import Store
from server.second_look import UNDER_WAY, SecondLook
from tests.conftest import Clock
from tests.scheduling.office import make_office
from tests.scheduling.test_bookings_under_way import booked_while_hours_change


async def test_a_booking_that_a_change_overtook_is_noted_once(store: Store, clock: Clock) -> None:
    office = await make_office(store)
    look = SecondLook(store, clock)
    before = await look.look()

    await booked_while_hours_change(store, office, clock)
    clock.forward(seconds=30)
    noted = [await look.look(), await look.look()]

    assert before == 0
    assert noted == [1, 0]


async def test_a_process_that_starts_looks_at_what_was_booked_before(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    await booked_while_hours_change(store, office, clock)
    clock.forward(minutes=1)

    noted = await SecondLook(store, clock).look()

    assert noted == 1


async def test_where_nothing_has_changed_lately_nothing_is_looked_at(
    store: Store, clock: Clock
) -> None:
    office = await make_office(store)
    look = SecondLook(store, clock)
    await look.look()
    await booked_while_hours_change(store, office, clock)
    async with store.writing() as tx:
        await catalog.changed(tx, office.site_id)

    clock.forward(seconds=30)
    first = await look.look()
    clock.now += 2 * UNDER_WAY
    later = await look.look()

    assert (first, later) == (1, 0)
