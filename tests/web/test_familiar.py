"""Whoever looks for another time sees the caseworker they know first, and the others on demand."""

from __future__ import annotations

from scheduling import appointments, booking, closures
from scheduling.model import Needs, Span, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, add_caseworker, at
from tests.web.conftest import PASSWORD, House
from tests.web.visitor import Page, Visitor


async def _appointment(house: House, clock: Clock) -> tuple[int, str]:
    """Book with the first caseworker, and hire another; return the id and the claimant's page."""
    async with house.store.writing() as tx:
        confirmed = await booking.book(
            tx, topic=house.office.topic, way=Way.VIDEO, start=at(9), site_id=None,
            person=PERSON, needs=Needs(), locale="en", now=clock(), actor="test",
        )  # fmt: skip
        await add_caseworker(tx, house.office.site_id, "Colleague")
    return confirmed.appointment.id, f"/appointment/{confirmed.link_token}"


async def _away(house: House, *spans: Span) -> None:
    async with house.store.writing() as tx:
        for span in spans:
            await closures.close(tx, span, resource_id=house.office.caseworkers[0])


def _starts(page: Page, own: str) -> list[str]:
    return [start[11:16] for start in page.form(f"{own}/move").starts()]


async def test_the_times_of_the_caseworker_come_first_and_others_on_demand(
    house: House, clock: Clock
) -> None:
    appointment_id, own = await _appointment(house, clock)
    await _away(house, Span(at(10), at(12)))
    visitor = house.visitor()

    first = await visitor.get(f"{own}/move?from=2026-10-13&day=2026-10-13")
    everybody = await visitor.get(f"{own}/move?from=2026-10-13&with=any&day=2026-10-13")
    await visitor.send(everybody.form(f"{own}/move"), start=at(11).isoformat())

    assert "These are the times of Person 0." in first.text
    assert f"{own}/move?from=2026-10-13&with=any" in first.links
    assert "11:00" not in _starts(first, own)
    assert "11:00" in _starts(everybody, own)
    assert all("with=any" in link for link in everybody.links if "&day=" in link)
    async with house.store.reading() as tx:
        moved = await appointments.by_id(tx, appointment_id)
    assert (moved.span.start, moved.caseworker.name) == (at(11), "Colleague")


async def test_where_the_caseworker_has_no_time_the_others_are_shown_and_it_is_said(
    small_house: House, clock: Clock
) -> None:
    _, own = await _appointment(small_house, clock)
    await _away(small_house, Span(at(8), at(8, day=31)))

    page = await small_house.visitor().get(f"{own}/move")

    assert "Person 0 has no free time in these days." in page.text
    assert _starts(page, own)


async def test_a_time_out_of_everybodys_still_keeps_the_caseworker_who_is_free(
    small_house: House, clock: Clock
) -> None:
    appointment_id, own = await _appointment(small_house, clock)
    visitor = small_house.visitor()
    everybody = await visitor.get(f"{own}/move?with=any")

    await visitor.send(everybody.form(f"{own}/move"), start=at(11).isoformat())

    async with small_house.store.reading() as tx:
        moved = await appointments.by_id(tx, appointment_id)
    assert moved.caseworker.name == "Person 0"


async def test_the_office_sees_the_same_when_it_moves(small_house: House, clock: Clock) -> None:
    appointment_id, _ = await _appointment(small_house, clock)
    visitor: Visitor = small_house.visitor()
    await visitor.sign_in(await small_house.hire("scheduler"), PASSWORD)

    page = await visitor.get(f"/staff/appointments/{appointment_id}/move")

    assert "These are the times of Person 0." in page.text


async def test_other_ways_offer_the_caseworkers_times_before_others_nearer_ones(
    small_house: House, clock: Clock
) -> None:
    _, own = await _appointment(small_house, clock)
    await _away(small_house, Span(at(9), at(11)))

    page = await small_house.visitor().get(f"{own}/way/phone")

    assert "with Person 0" in page.text
    starts = {start[:16] for start in page.form(f"{own}/way/phone").starts()}
    assert {"2026-10-13T11:00", "2026-10-13T11:15"} <= starts
    assert "2026-10-13T09:15" not in starts
