"""Booking by phone for several people at once, and what the console tells of them."""

from __future__ import annotations

from scheduling import appointments, closures, invariants, together
from scheduling.model import Appointment, Span
from tests.conftest import Clock
from tests.scheduling.office import add_caseworker, at
from tests.web.conftest import PASSWORD, House
from tests.web.visitor import Visitor

CALLER = {"name": "Amira Çelik", "phone": "030 901820"}
BOOK = "/plan/book"


async def _signed_in(house: House, role: str = "scheduler") -> Visitor:
    visitor = house.visitor()
    await visitor.sign_in(await house.hire(role), PASSWORD)
    return visitor


async def _hired(house: House, name: str) -> int:
    async with house.store.writing() as tx:
        return await add_caseworker(tx, house.office.site_id, name)


async def _booked_with(house: House, visitor: Visitor, colleague: int) -> Appointment:
    page = await visitor.get(f"{BOOK}?topic=money&way=video&from=2026-10-13&with_1={colleague}")
    await visitor.send(
        page.form(BOOK), **CALLER, topic="money", way="video", with_1=str(colleague),
        start=at(9).isoformat(),
    )  # fmt: skip
    async with house.store.reading() as tx:
        (found,) = await appointments.day(tx, at(9).date(), caseworker_id=colleague)
    return found


async def test_times_that_suit_everybody_are_offered_and_booked_for_all(
    house: House, clock: Clock
) -> None:
    colleague = await _hired(house, "Kollegin")
    async with house.store.writing() as tx:
        await closures.close(tx, Span(at(11), at(12)), resource_id=colleague)
    visitor = await _signed_in(house, "reception")

    page = await visitor.get(f"{BOOK}?topic=money&way=video&from=2026-10-13&with_1={colleague}")
    appointment = await _booked_with(house, visitor, colleague)
    shown = await visitor.get(f"/plan/appointments/{appointment.id}")
    done = await visitor.get(f"{BOOK}?booked={appointment.id}")

    assert "2026-10-13T09:00" in page.text
    assert "2026-10-13T11:00" not in page.text
    assert 'name="with_2"' in page.text
    assert "Kollegin" in shown.text
    assert "Person 0, Kollegin" in done.text
    async with house.store.reading() as tx:
        assert await invariants.broken(tx) == []
        assert [one.id for one in await together.colleagues(tx, appointment.id)] == [colleague]


async def test_a_time_that_no_longer_suits_the_colleague_is_refused_and_nothing_lost(
    small_house: House, clock: Clock
) -> None:
    colleague = await _hired(small_house, "Kollegin")
    visitor = await _signed_in(small_house)
    form = (await visitor.get(f"{BOOK}?topic=money&way=video&with_1={colleague}")).form(BOOK)
    async with small_house.store.writing() as tx:
        await closures.close(tx, Span(at(9), at(12)), resource_id=colleague)

    page = await visitor.send(
        form, **CALLER, topic="money", way="video", with_1=str(colleague), start=at(9).isoformat()
    )

    assert page.status == 409
    assert page.form(BOOK).fields["name"] == CALLER["name"]
    assert f'<option value="{colleague}" selected>' in page.text


async def test_a_colleague_who_is_not_needed_any_more_is_taken_off(
    house: House, clock: Clock
) -> None:
    colleague = await _hired(house, "Kollegin")
    visitor = await _signed_in(house)
    appointment = await _booked_with(house, visitor, colleague)
    address = f"/plan/appointments/{appointment.id}"
    form = (await visitor.get(address)).form(f"{address}/colleagues/{colleague}/excuse")

    page = await visitor.send(form)
    again = await visitor.send(form)

    assert page.path == address
    assert "Kollegin</li>" not in page.text
    assert again.status == 200
    async with house.store.reading() as tx:
        assert await appointments.day(tx, at(9).date(), caseworker_id=colleague) == []


async def test_reception_does_not_take_colleagues_off(small_house: House, clock: Clock) -> None:
    colleague = await _hired(small_house, "Kollegin")
    appointment = await _booked_with(small_house, await _signed_in(small_house), colleague)
    visitor = await _signed_in(small_house, "reception")
    page = await visitor.get(BOOK)
    token = page.form(BOOK).fields

    answer = await visitor.post(
        f"/plan/appointments/{appointment.id}/colleagues/{colleague}/excuse", token
    )

    assert answer.status == 403


async def test_a_colleague_is_asked_to_what_is_already_booked_and_history_tells_it(
    house: House, clock: Clock
) -> None:
    first, second = await _hired(house, "Kollegin"), await _hired(house, "Kollege")
    visitor = await _signed_in(house)
    appointment = await _booked_with(house, visitor, first)
    address = f"/plan/appointments/{appointment.id}"
    form = (await visitor.get(address)).form(f"{address}/colleagues")

    page = await visitor.send(form, person=str(second))
    again = await visitor.send(form, person=str(second))

    assert page.path == address
    assert again.status == 200
    assert f"{address}/colleagues/{second}/excuse" in page.text
    assert (
        "A colleague takes part"
        in (await visitor.get(f"/staff/appointments/{appointment.id}")).text
    )
    async with house.store.reading() as tx:
        assert [one.id for one in await together.colleagues(tx, appointment.id)] == [second, first]
        assert await invariants.broken(tx) == []


async def test_a_colleague_who_is_not_free_changes_nothing_and_common_times_are_offered(
    house: House, clock: Clock
) -> None:
    first, busy = await _hired(house, "Kollegin"), await _hired(house, "Kollege")
    async with house.store.writing() as tx:
        await closures.close(tx, Span(at(8), at(11)), resource_id=busy)
    visitor = await _signed_in(house)
    appointment = await _booked_with(house, visitor, first)
    address = f"/plan/appointments/{appointment.id}"
    form = (await visitor.get(address)).form(f"{address}/colleagues")

    page = await visitor.send(form, person=str(busy))

    assert page.status == 409
    assert "Kollege is not free at this time" in page.text
    assert "Nearest times that suit both" in page.text
    assert at(11).isoformat()[:16] in page.text
    async with house.store.reading() as tx:
        assert [one.id for one in await together.colleagues(tx, appointment.id)] == [first]
        assert await invariants.broken(tx) == []


async def test_whoever_is_no_caseworker_cannot_be_asked(house: House, clock: Clock) -> None:
    colleague, _other = await _hired(house, "Kollegin"), await _hired(house, "Kollege")
    visitor = await _signed_in(house)
    appointment = await _booked_with(house, visitor, colleague)
    address = f"/plan/appointments/{appointment.id}"
    form = (await visitor.get(address)).form(f"{address}/colleagues")

    page = await visitor.send(form, person="999999")

    assert page.status == 404
