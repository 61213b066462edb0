"""The way to an appointment, page by page, as somebody without JavaScript goes it."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from scheduling import schema
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.visitor import CLAIMANT


async def test_an_appointment_is_booked_in_five_pages(house: House) -> None:
    visitor = house.visitor()

    topics = await visitor.get("/")
    ways = await visitor.get("/book/money")
    times = await visitor.get("/book/money/video")
    form = times.form("/hold")
    details = await visitor.send(form, start=form.starts()[0])
    confirmed = await visitor.send(details.form(details.path), **CLAIMANT)

    assert "/book/money" in topics.links
    assert "/book/money/video" in ways.links
    assert details.path.startswith("/hold/")
    assert "Reserved for you until" in details.text
    assert confirmed.path.startswith("/appointment/")
    assert confirmed.title == "Your appointment is confirmed"
    assert len(await house.letters()) == 1


async def test_what_is_taken_in_one_way_is_gone_in_the_others(house: House) -> None:
    visitor = house.visitor()
    before = (await visitor.get("/book/money/phone")).form("/hold").starts()

    await visitor.book("video")

    for way in ("in_person", "video", "phone"):
        free = (await visitor.get(f"/book/money/{way}")).form("/hold").starts()
        assert before[0] not in free
        assert free


async def test_interpreters_are_listed_by_name_and_in_their_own_words(small_house: House) -> None:
    details = await small_house.visitor().hold("video")

    _, *listed = details.form(details.path).choices["interpreter"]

    assert [one.split()[0] for one in listed[:3]] == ["Albanian", "Arabic", "Bulgarian"]
    assert [one.split()[-1] for one in listed[:3]] == ["shqip", "العربية", "български"]
    assert listed == sorted(listed)
    assert not any(one.startswith("English") for one in listed)


async def test_a_held_time_is_not_offered_until_the_hold_runs_out(
    house: House, clock: Clock
) -> None:
    first, second = house.visitor(), house.visitor()
    offered = (await second.get("/book/money/video")).form("/hold").starts()

    await first.hold("video", nth=4)

    during = (await second.get("/book/money/video")).form("/hold").starts()
    clock.forward(minutes=11)
    after = (await second.get("/book/money/video")).form("/hold").starts()
    assert offered[4] not in during
    assert offered[4] in after


async def test_two_tabs_that_confirm_one_hold_make_one_appointment(house: House) -> None:
    visitor = house.visitor()
    details = await visitor.hold()
    form = details.form(details.path)

    pages = await asyncio.gather(*[visitor.send(form, **CLAIMANT) for _ in range(2)])

    assert pages[0].path == pages[1].path
    async with house.store.reading() as tx:
        booked = await tx.scalar(select(func.count()).select_from(schema.appointment))
    assert booked == 1
    assert len(await house.letters()) == 1


async def test_going_back_to_the_form_after_booking_leads_to_the_appointment(
    house: House,
) -> None:
    visitor = house.visitor()
    details = await visitor.hold()
    confirmed = await visitor.send(details.form(details.path), **CLAIMANT)

    back = await visitor.get(details.path)
    again = await visitor.send(back.form(details.path))

    assert back.title == "This appointment is booked already"
    assert again.path == confirmed.path
    assert CLAIMANT["email"] in again.text
    assert len(await house.letters()) == 1


async def test_somebody_who_was_slower_is_offered_the_nearest_times(house: House) -> None:
    slow, quick = house.visitor(), house.visitor()
    form = (await slow.get("/book/money/video")).form("/hold")
    wanted = form.starts()[3]
    await quick.book("video", nth=3)

    taken = await slow.send(form, start=wanted)

    assert taken.status == 409
    assert taken.title == "This time has just been taken"
    others = taken.form("/hold").starts()
    assert wanted not in others
    assert len(others) == 6


async def test_whose_hold_was_lost_keeps_everything_they_typed(house: House, clock: Clock) -> None:
    slow, quick = house.visitor(), house.visitor()
    details = await slow.hold()
    clock.forward(minutes=11)
    await quick.book()
    typed = {**CLAIMANT, "interpreter": "tr", "companion": "yes"}

    lost = await slow.send(details.form(details.path), **typed)
    form = lost.form("/hold")
    again = await slow.send(form, start=form.starts()[0])

    assert lost.status == 409
    assert lost.title == "Your time is no longer reserved"
    fields = again.form(again.path).fields
    assert {name: fields[name] for name in (*CLAIMANT, "companion")} == {
        **CLAIMANT,
        "companion": "yes",
    }
    assert '<option value="tr" selected>' in again.text
    booked = await slow.send(again.form(again.path), **typed)
    assert booked.title == "Your appointment is confirmed"


async def test_a_hold_that_ran_out_still_counts_while_nobody_else_has_the_time(
    small_house: House, clock: Clock
) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold()
    clock.forward(minutes=11)

    confirmed = await visitor.send(details.form(details.path), **CLAIMANT)

    assert confirmed.title == "Your appointment is confirmed"


async def test_coming_back_to_a_hold_that_ran_out_shows_the_nearest_times(
    house: House, clock: Clock
) -> None:
    visitor = house.visitor()
    details = await visitor.hold("video", nth=4)
    clock.forward(minutes=11)

    late = await visitor.get(details.path)

    assert late.status == 409
    assert late.form("/hold").starts()


async def test_choosing_another_time_gives_the_held_one_back_and_keeps_what_was_typed(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    held = (await visitor.get("/book/money/video")).form("/hold").starts()[0]
    details = await visitor.hold()

    times = await visitor.send(details.form(details.path), **CLAIMANT, other="time")
    form = times.form("/hold")
    again = await visitor.send(form, start=form.starts()[1])

    assert held in form.starts()
    assert again.form(again.path).fields["name"] == CLAIMANT["name"]


async def test_the_way_that_was_held_decides_what_has_to_be_told(small_house: House) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold("phone")
    form = details.form(details.path)
    reachable_by_mail_alone = {**form.fields, **CLAIMANT, "phone": "", "way": "video"}

    forged = await visitor.post(details.path, reachable_by_mail_alone)
    page = await visitor.get(details.path)

    assert forged.status == 400
    assert page.status == 200
    assert page.form(page.path).fields["way"] == "phone"


async def test_a_confirmation_that_names_no_way_is_checked_for_the_one_that_was_held(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold("phone")
    fields = {**details.form(details.path).fields, **CLAIMANT}
    del fields["way"]

    without_phone = await visitor.post(details.path, {**fields, "phone": ""})
    complete = await visitor.post(details.path, fields)

    assert without_phone.status == 400
    assert complete.path.startswith("/appointment/")


async def test_changing_the_language_keeps_the_place_and_what_was_typed(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold()

    german = await visitor.send(details.form(details.path), **CLAIMANT, language="de")

    assert german.path == details.path
    assert german.title == "Wer sind Sie?"
    assert german.form(german.path).fields["email"] == CLAIMANT["email"]


async def test_wrong_entries_are_listed_above_the_form_and_linked_to_their_fields(
    small_house: House,
) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold()

    wrong = await visitor.send(
        details.form(details.path), name="", email="amira@", phone="12", interpreter="xx"
    )

    assert wrong.status == 400
    for field in ("name", "email", "phone", "interpreter"):
        assert f"#{field}" in wrong.links
        assert f'id="{field}-error"' in wrong.text
    assert 'aria-describedby="email-hint email-error"' in wrong.text
    assert " required " in wrong.text
    assert wrong.form(wrong.path).fields["email"] == "amira@"
    assert await small_house.letters() == []


async def test_a_phone_consultation_needs_a_number(small_house: House) -> None:
    visitor = small_house.visitor()
    details = await visitor.hold("phone")

    without = await visitor.send(details.form(details.path), name="Amira", email="a@example.org")

    assert without.status == 400
    assert "#phone" in without.links


async def test_topics_ways_and_times_that_are_not_offered_are_not_found(
    small_house: House,
) -> None:
    visitor = small_house.visitor()

    for path in ("/book/none", "/book/money/pigeon", "/book/money/branch_video", "/hold/none"):
        assert (await visitor.get(path)).status == 404


async def test_a_time_nobody_offered_cannot_be_held(small_house: House) -> None:
    visitor = small_house.visitor()
    form = (await visitor.get("/book/money/video")).form("/hold")

    at_night = await visitor.send(form, start="2026-10-13T03:00:00+02:00")
    nonsense = await visitor.send(form, start="soon")
    naive = await visitor.send(form, start="2026-10-13T09:00:00")

    assert at_night.status == 409
    assert (nonsense.status, naive.status) == (400, 400)


async def test_sites_can_be_chosen_where_several_have_free_times(house: House) -> None:
    await house.open_branch()
    visitor = house.visitor()

    times = await visitor.get("/book/money/in_person?site=branch")
    form = times.form("/hold")
    details = await visitor.send(form, start=form.starts()[0])

    assert form.fields["site"] == "branch"
    assert "Zweigstelle, Gasse 2" in details.text


async def test_an_office_without_free_times_says_so(small_house: House, clock: Clock) -> None:
    async with small_house.store.writing() as tx:
        await tx.execute(schema.working_pattern.delete())

    page = await small_house.visitor().get("/book/money/video")

    assert page.status == 200
    assert "No free times at the moment" in page.text
