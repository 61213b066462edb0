"""The page of figures and its file: for those who run the plan, without names, never of few."""

from __future__ import annotations

import csv
import io

import pytest

from scheduling import booking
from scheduling.figures import By
from scheduling.model import Needs, Way
from tests.conftest import Clock
from tests.scheduling.office import PERSON, at
from tests.web.conftest import House
from tests.web.test_staff import signed_in

WEEK = "from=2026-10-12&until=2026-10-18"


async def book(house: House, clock: Clock, count: int) -> None:
    async with house.store.writing() as tx:
        for number in range(count):
            await booking.book(
                tx, topic=house.office.topic, way=Way.VIDEO,
                start=at(9 + number % 3, day=13 + number // 3), site_id=None, person=PERSON,
                needs=Needs(), locale="en", now=clock(), actor="test",
            )  # fmt: skip


@pytest.mark.parametrize("by", By)
async def test_the_page_has_charts_and_a_table_without_names_of_claimants(
    house: House, clock: Clock, by: By
) -> None:
    await book(house, clock, 6)
    scheduler = await signed_in(house, "scheduler")

    page = await scheduler.get(f"/plan/figures?by={by}&{WEEK}")

    assert page.status == 200
    assert "<rect" in page.text
    assert '<th class="kern-table__cell" scope="row">' in page.text
    assert PERSON.name not in page.text


async def test_four_appointments_are_fewer_than_five(small_house: House, clock: Clock) -> None:
    await book(small_house, clock, 4)
    scheduler = await signed_in(small_house, "scheduler")

    page = await scheduler.get(f"/plan/figures?{WEEK}")
    file = await scheduler.get(f"/plan/figures.csv?{WEEK}")

    assert "fewer than 5" in page.text
    rows = [*csv.reader(io.StringIO(file.text))]
    told = {cell for row in rows[1:] for cell in row[1:]}
    assert told == {"<5", "15.0", "0.0"}  # how many hours there are tells of nobody


async def test_the_file_holds_what_the_page_shows(small_house: House, clock: Clock) -> None:
    await book(small_house, clock, 6)
    scheduler = await signed_in(small_house, "scheduler")

    file = await scheduler.get(f"/plan/figures.csv?by=site&{WEEK}")

    header, site, total = csv.reader(io.StringIO(file.text.lstrip("\ufeff")))
    assert header[:3] == ["site", "appointments", "utilisation"]
    assert site[:3] == ["Haupthaus", "6", "0.233"]
    assert total[1:] == site[1:]
    assert file.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "query", ["by=name", "from=x&until=y", "from=0001-01-01&until=9999-12-31", "site=nowhere"]
)
async def test_strange_addresses_show_the_usual_page(small_house: House, query: str) -> None:
    scheduler = await signed_in(small_house, "admin")

    page = await scheduler.get(f"/plan/figures?{query}")

    assert page.status == 200


async def test_reception_reads_and_caseworkers_have_no_access(small_house: House) -> None:
    reception = await signed_in(small_house, "reception")
    caseworker = await signed_in(small_house, "caseworker")

    assert (await reception.get("/plan/figures")).status == 200
    assert (await caseworker.get("/plan/figures")).status == 403
    assert (await caseworker.get("/plan/figures.csv")).status == 403
