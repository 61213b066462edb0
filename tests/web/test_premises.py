"""Forms of sites and teams: what is stored, refused, warned of, and what follows from hours."""

from __future__ import annotations

from sqlalchemy import select

from scheduling import catalog, premises
from scheduling.model import Way
from scheduling.schema import site
from tests.conftest import Clock
from tests.web.conftest import House
from tests.web.test_staff import booked, signed_in

BRANCH = {
    "name": "Zweigstelle Süd", "address": "Gasse 2, 12345 Musterstadt", "phone": "030 901820",
    "state": "NW", "urgent": "08:00",
}  # fmt: skip
MORNINGS = {
    f"{name}-{weekday}-0": time
    for weekday in range(5)
    for name, time in (("opens", "08:00"), ("closes", "12:00"))
}


async def record_of(house: House, site_id: int) -> dict[str, object]:
    async with house.store.reading() as tx:
        return await premises.site(tx, site_id)


async def version_of(house: House) -> int:
    async with house.store.reading() as tx:
        return await tx.scalar(select(site.c.version).where(site.c.id == house.office.site_id))


async def test_a_site_is_added_with_its_hours_and_shares(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    form = (await scheduler.get("/plan/sites/new")).form("/plan/sites/new")
    shares = {"share-online": "70", "share-reception": "20", "share-urgent": "10"}

    page = await scheduler.send(form, **BRANCH, **MORNINGS, **shares)

    async with house.store.reading() as tx:
        (added,) = [one for one in await catalog.sites(tx) if one.name == "Zweigstelle Süd"]
    record = await record_of(house, added.id)
    assert page.path == f"/plan/sites/{added.id}"
    assert "Added." in page.text
    assert (added.key, added.phone, added.urgent_opens_minute) == (
        "zweigstelle-sued", "+4930901820", 480,
    )  # fmt: skip
    assert record["opening"] == [[weekday, 480, 720] for weekday in range(5)]
    assert record["release_shares"] == {"online": 70, "reception": 20, "urgent": 10}
    assert "no caseworker works here yet" in page.text


async def test_a_site_that_cannot_be_is_refused_and_keeps_what_was_typed(
    small_house: House,
) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    form = (await scheduler.get("/plan/sites/new")).form("/plan/sites/new")

    wrong = await scheduler.send(form, **{**BRANCH, **MORNINGS, "share-online": "50"})
    taken = await scheduler.send(form, **{**BRANCH, **MORNINGS, "name": "HAUPTHAUS"})

    assert (wrong.status, taken.status) == (400, 400)
    assert "must add up to 100" in wrong.text
    assert "There is a site of this name already." in taken.text
    assert 'value="Gasse 2, 12345 Musterstadt"' in wrong.text
    assert wrong.form("/plan/sites/new").fields["opens-4-0"] == "08:00"
    async with small_house.store.reading() as tx:
        assert len(await catalog.sites(tx)) == 1


async def test_shorter_hours_are_stored_and_show_whom_they_leave_outside(
    house: House, clock: Clock
) -> None:
    inside = await booked(house, clock, Way.IN_PERSON, 9)
    outside = await booked(house, clock, Way.IN_PERSON, 11)
    await booked(house, clock, Way.VIDEO, 10)
    scheduler = await signed_in(house, "scheduler")
    address = f"/plan/sites/{house.office.site_id}"
    form = (await scheduler.get(address)).form(address)
    before = await version_of(house)
    hours = {"opens-0-0": "08:00", "closes-0-0": "10:00"}

    page = await scheduler.send(form, state="NW", phone="030 901820", **hours)

    assert "1 appointment lies outside the opening hours" in page.text
    assert f"/plan/appointments/{outside.id}" in page.links
    assert f"/plan/appointments/{inside.id}" not in page.links
    assert "hours for visitors outside the opening hours: Person 0" in page.text
    assert await version_of(house) > before
    longer = await scheduler.send(page.form(address), state="NW", **{"closes-0-0": "12:00"})
    assert "outside the opening hours</h2>" not in longer.text


async def test_two_who_change_a_site_at_once_choose_which_version_holds(house: House) -> None:
    scheduler, admin = await signed_in(house, "scheduler"), await signed_in(house, "admin")
    address = f"/plan/sites/{house.office.site_id}"
    mine, theirs = [(await one.get(address)).form(address) for one in (scheduler, admin)]
    await admin.send(theirs, state="NW", name="Rathaus", phone="030 901820")

    page = await scheduler.send(mine, state="NW", phone="030 901821", **MORNINGS)
    after = await scheduler.send(
        page.form(address), **{"keep-name": "theirs", "keep-phone": "mine"}
    )

    record = await record_of(house, house.office.site_id)
    assert page.status == 409
    assert "Rathaus" in page.text
    assert after.path == address
    assert (record["name"], record["phone"]) == ("Rathaus", "+4930901821")
    assert len(record["opening"]) == 5


async def test_teams_are_added_renamed_and_removed(house: House) -> None:
    scheduler = await signed_in(house, "scheduler")
    address = f"/plan/sites/{house.office.site_id}"
    form = (await scheduler.get(address)).form(f"{address}/teams")

    nameless = await scheduler.send(form)
    page = await scheduler.send(form, team="Leistung")
    again = await scheduler.send(form, team="Leistung")
    (team,) = [one for one in page.forms if one.action.startswith(f"{address}/teams/")]
    (field,) = [name for name in team.fields if name.startswith("team-")]
    renamed = await scheduler.send(team, **{field: "Geld"})
    removed = await scheduler.send(team, do="remove")

    assert "Enter the name of the team." in nameless.text
    assert "There is a team of this name already." in again.text
    assert 'value="Haupthaus"' in again.text
    assert 'value="Geld"' in renamed.text
    assert team.action not in [one.action for one in removed.forms]
    assert (await scheduler.send(team, do="remove")).status == 404


async def test_the_overview_counts_and_leads_on(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get("/plan/office")

    assert "1 site, 0 teams" in page.text
    assert "2 rooms and counters, 0 devices" in page.text
    parts = {"sites", "resources", "topics", "people", "exchange"}
    assert {f"/plan/{name}" for name in parts} <= {*page.links}
    assert "/plan/office" in (await scheduler.get("/plan")).links


async def test_only_those_who_plan_see_the_master_data(small_house: House) -> None:
    reception, stranger = await signed_in(small_house, "reception"), small_house.visitor()
    pages = (
        "office", "sites", "sites/new", "sites/1", "resources", "resources/new", "resources/2",
        "resources/2/retire", "topics", "topics/new", "topics/1",
    )  # fmt: skip

    for page in pages:
        assert (await reception.get(f"/plan/{page}")).status == 403
        assert (await stranger.get(f"/plan/{page}")).path == "/staff/sign-in"

    assert "/plan/office" not in (await reception.get("/plan")).links


async def test_unknown_sites_and_teams_are_not_found(small_house: House) -> None:
    scheduler = await signed_in(small_house, "scheduler")
    address = f"/plan/sites/{small_house.office.site_id}"
    fields = (await scheduler.get(address)).form(f"{address}/teams").fields

    assert (await scheduler.get("/plan/sites/999")).status == 404
    posted = await scheduler.post(f"{address}/teams/999", {**fields, "team-999": "x"})
    assert posted.status == 404
