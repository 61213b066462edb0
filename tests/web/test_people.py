"""The forms of people and their hours: what is refused and why, who may, and what follows."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import insert, select, update

from scheduling import people, schema
from scheduling.model import Kind, Way
from scheduling.people import Person
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.test_staff import booked, signed_in
from tests.web.visitor import Form, Page, Visitor

NEW = "/plan/people/new"


async def person(house: House, number: int = 0) -> Person:
    async with house.store.reading() as tx:
        return await people.by_id(tx, house.office.caseworkers[number])


async def hours_of(house: House) -> list[tuple[int, int, int]]:
    """Return weekday, beginning and end of the first caseworker's hours, in minutes."""
    return [
        (one.pattern.weekday, one.pattern.starts_minute, one.pattern.ends_minute)
        for one in (await person(house)).hours
    ]


async def send(visitor: Visitor, form: Form, changes: dict[str, object]) -> Page:
    """Send a form whose boxes are ticked as `changes` say: a list for a field that repeats."""
    fields: list[tuple[str, str]] = []
    for name, value in {**form.fields, **changes}.items():
        fields += [(name, one) for one in ([value] if isinstance(value, str) else value)]
    return await visitor.post(form.action, fields)


def form_of(page: Page, action: str) -> Form:
    """Return the form with what its selects have chosen, too."""
    form = page.form(action)
    for name, options in re.findall(
        r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', page.text, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', options)
        form.fields[name] = chosen.group(1) if chosen else ""
    return form


async def opened(visitor: Visitor, path: str) -> Form:
    """Return the form of a page that sends to itself."""
    return form_of(await visitor.get(path), path)


def address(house: House) -> str:
    return f"/plan/people/{house.office.caseworkers[0]}"


async def test_somebody_is_added_with_hours_and_can_be_booked_at_once(
    house: House, clock: Clock
) -> None:
    scheduler = await signed_in(house, "scheduler")
    form = await opened(scheduler, f"{NEW}?kind=caseworker")

    added = await send(
        scheduler, form, {"name": "Anna Neu", "skills": ["money"], "languages": ["de", "tr"],
                          "ways": ["video", "phone"]},
    )  # fmt: skip
    hours = await scheduler.get(f"{added.path}/hours/new?kind=home")
    done = await send(
        scheduler, form_of(hours, f"{added.path}/hours/new"),
        {"days": ["0", "1"], "from": "16:00", "until": "18:00", "ways": ["video", "phone"]},
    )  # fmt: skip
    times = await house.visitor().get("/book/money/video?day=2026-10-13")

    assert done.text.index("Monday") < done.text.index("Tuesday")
    assert "Sunday" not in done.text
    assert "Now enter the hours" in added.text
    assert "The hours are saved." in done.text
    assert "16:00" in done.text
    assert "2026-10-13T16:00:00+02:00" in times.text


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, "Enter a name in letters."),
        ({"name": "person 0"}, "Somebody of this name is already at this site."),
        ({"site": "99"}, "Choose the site."),
        ({"skills": []}, "Choose at least one skill"),
        ({"skills": ["juggling"]}, "Choose at least one skill"),
        ({"ways": []}, "Choose at least one way."),
    ],
)
async def test_an_entry_that_cannot_be_is_refused_and_keeps_what_was_typed(
    small_house: House, changes: dict[str, object], complaint: str
) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, f"{NEW}?kind=caseworker")

    page = await send(
        scheduler, form,
        {"name": "Anna Neu", "skills": ["money"], "languages": ["fr"], "ways": ["video"], **changes},
    )  # fmt: skip

    assert page.status == 400
    assert complaint in page.text
    assert f'value="{changes.get("name", "Anna Neu")}"' in page.text
    assert page.form(form.action).fields["languages"] == "fr"
    async with small_house.store.reading() as tx:
        assert len(await people.listed(tx)) == 1


async def test_whoever_saves_later_sees_both_versions_and_decides(house: House) -> None:
    first, second = [await signed_in(house, role) for role in ("scheduler", "admin")]
    mine = await opened(first, address(house))
    theirs = await opened(second, address(house))
    await send(second, theirs, {"name": "Person Null", "languages": ["de", "tr"]})

    page = await send(
        first, mine, {"name": "Person 0", "languages": ["de", "fr"], "skills": ["money"]}
    )
    kept = page.form(address(house))
    after = await send(first, kept, {"languages": ["de", "fr"], "ways": [*Way]})
    found = (await person(house)).resource

    assert page.status == 409
    assert "Somebody else has changed this meanwhile" in page.text
    assert (kept.fields["keep-name"], kept.fields["keep-languages"]) == ("theirs", "mine")
    assert "Saved." in after.text
    assert (found.name, found.languages) == ("Person Null", {"de", "fr"})


async def test_leaving_is_announced_with_what_follows_and_lists_it(
    house: House, clock: Clock
) -> None:
    await booked(house, clock, Way.VIDEO, 9)
    scheduler = await signed_in(house, "scheduler")

    asked = await scheduler.get(f"{address(house)}/retire")
    still = (await person(house)).active
    page = await scheduler.send(asked.form(f"{address(house)}/retire"))
    rescue = await scheduler.get("/plan/rescue")
    left = await scheduler.get("/plan/people?show=left")
    back = await scheduler.send(page.form(f"{address(house)}/back"))

    assert "1 booked appointment goes to the rescue list:" in asked.text
    assert still
    assert "1 booked appointment no longer fits" in page.text
    assert "Somebody or something they need has left the plan" in rescue.text
    assert "Person 0" in left.text
    assert "Back in the plan." in back.text
    assert "No appointment is affected" in (await scheduler.get("/plan/rescue")).text


async def test_hours_of_one_day_are_changed_and_what_no_longer_fits_is_listed(
    house: House, clock: Clock
) -> None:
    await booked(house, clock, Way.VIDEO, 9)
    scheduler = await signed_in(house, "scheduler")
    monday = (await person(house)).hours[0].id
    form = await opened(scheduler, f"{address(house)}/hours/{monday}")

    page = await send(scheduler, form, {"scope": "day", "from": "10:00", "ways": [*Way]})
    rescue = await scheduler.get("/plan/rescue")

    assert form.fields["day"] == "2026-10-12"
    assert "1 booked appointment no longer fits" in page.text
    assert "only on Mon 12 Oct" in " ".join(page.text.split())
    assert "Outside the hours as they are now" in rescue.text


async def test_hours_are_dropped_from_a_day_on(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    monday = (await person(house)).hours[0].id
    form = await opened(scheduler, f"{address(house)}/hours/{monday}")

    await send(scheduler, form, {"scope": "from", "day": "2026-10-20", "action": "drop"})

    row = next(one for one in (await person(house)).hours if one.id == monday)
    assert row.pattern.valid_until == dt.date(2026, 10, 25)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"from": "12:00", "until": "09:00"}, "The end must be after the beginning."),
        ({"from": "09:02"}, "Choose times in steps of five minutes"),
        ({"from": "noon"}, "Enter a time"),
        ({"ways": []}, "Choose at least one way."),
        ({"valid_from": "2026-13-01"}, "Enter a day"),
        ({"valid_from": "0026-11-01"}, "Check the year"),
        ({"valid_until": "2026-10-01"}, "The last day must not be before the first."),
        ({"days": []}, "Choose at least one weekday."),
        ({"days": ["1"]}, "13 Oct 2026 this would overlap with the hours from 09:00"),
        ({"days": ["6"]}, "The house is closed on Sunday."),
        ({"until": "20:00", "from": "13:00"}, "The house is open on Saturday 08:00 - 18:00."),
    ],
)
async def test_hours_that_cannot_be_are_refused_with_the_reason(
    small_house: House, changes: dict[str, object], complaint: str
) -> None:
    async with small_house.store.writing() as tx:
        opening = [[day, 480, 1080] for day in range(6)]
        await tx.execute(update(schema.site).values(opening=opening))
    before = await hours_of(small_house)
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, f"{address(small_house)}/hours/new")

    page = await send(
        scheduler,
        form,
        {"days": ["5"], "from": "09:00", "until": "11:00", "ways": [*Way], **changes},
    )

    assert page.status == 400
    assert complaint in page.text
    assert await hours_of(small_house) == before


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"scope": ""}, "Choose for how long this holds."),
        ({"scope": "day", "day": "2026-10-13"}, "19 Oct 2026."),
        ({"scope": "from", "day": "2026-10-05"}, "This day is already over."),
    ],
)
async def test_a_change_needs_a_day_on_which_the_hours_are_worked(
    small_house: House, changes: dict[str, object], complaint: str
) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    monday = (await person(small_house)).hours[0].id
    action = f"{address(small_house)}/hours/{monday}"
    form = await opened(scheduler, action)

    page = await send(scheduler, form, {"from": "10:00", "ways": [*Way], **changes})

    assert page.status == 400
    assert complaint in page.text
    assert 'value="10:00"' in page.text


async def test_hours_changed_by_two_are_decided_by_the_later(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    monday = (await person(house)).hours[0].id
    action = f"{address(house)}/hours/{monday}"
    form = await opened(scheduler, action)
    await send(scheduler, form, {"scope": "all", "until": "11:00", "ways": [*Way]})

    page = await send(scheduler, form, {"scope": "all", "from": "10:00", "ways": [*Way]})
    dropped = await send(scheduler, form, {"scope": "all", "action": "drop"})
    await send(scheduler, page.form(action), {"ways": [*Way]})

    assert page.status == 409
    assert "12:00" in page.text
    assert "Look at them and decide again." in dropped.text
    assert (await hours_of(house))[0] == (0, 600, 660)


async def test_hours_that_somebody_has_dropped_lead_back_to_the_person(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    monday = (await person(house)).hours[0].id
    action = f"{address(house)}/hours/{monday}"
    form = await opened(scheduler, action)
    await send(scheduler, form, {"scope": "all", "action": "drop"})

    page = await send(scheduler, form, {"scope": "all", "from": "10:00", "ways": [*Way]})

    assert "Somebody else has removed these hours meanwhile." in page.text


async def test_the_list_is_filtered_by_site_kind_and_name(small_house: House) -> None:
    await small_house.open_branch()
    scheduler = await signed_in(small_house, "scheduler")

    everybody = await scheduler.get("/plan/people")
    branch = await scheduler.get("/plan/people?name=BRANCH")
    nobody = await scheduler.get("/plan/people?kind=interpreter")

    assert "Person 0" in everybody.text
    assert "Person of the branch" in everybody.text
    assert "Person of the branch" in branch.text
    assert "Person 0" not in branch.text
    assert "Nobody to show here." in nobody.text


async def test_a_team_of_another_site_is_refused(small_house: House) -> None:
    await small_house.open_branch()
    async with small_house.store.writing() as tx:
        site = await tx.scalar(select(schema.site.c.id).where(schema.site.c.key == "branch"))
        team = (
            await tx.execute(
                insert(schema.team).values(site_id=site, name="Team 1").returning(schema.team.c.id)
            )
        ).scalar_one()
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, address(small_house))

    page = await send(scheduler, form, {"team": str(team)})

    assert page.status == 400
    assert "This team belongs to another site." in page.text


async def test_schedulers_edit_reception_reads_and_caseworkers_do_neither(
    small_house: House,
) -> None:
    reception = await signed_in(small_house, "reception")
    caseworker = await signed_in(small_house, "caseworker")
    admin = await signed_in(small_house, "admin")
    fields = (await admin.get(NEW)).form(f"{NEW}?kind=caseworker").fields

    listed = await reception.get("/plan/people")

    assert "Person 0" in listed.text
    assert address(small_house) not in listed.links
    assert (await reception.get(address(small_house))).status == 403
    assert (await reception.post(NEW, fields)).status == 403
    assert (await caseworker.get("/plan/people")).status == 403
    assert (await small_house.visitor().get("/plan/people")).path == "/staff/sign-in"


async def test_an_interpreter_needs_a_language_and_no_skill(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = await opened(scheduler, f"{NEW}?kind=interpreter")

    refused = await send(scheduler, form, {"name": "Ada", "ways": ["video"]})
    await send(scheduler, form, {"name": "Ada", "ways": ["video"], "languages": ["tr"]})

    assert "Choose at least one language they interpret." in refused.text
    async with small_house.store.reading() as tx:
        (ada,) = [one for one in await people.listed(tx) if one.resource.kind is Kind.INTERPRETER]
    assert ada.resource.languages == {"tr"}
