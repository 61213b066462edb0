"""In which order branches are offered to choose from, few or many of them."""

from __future__ import annotations

import pytest

from scheduling import schema
from scheduling.model import Site
from tests.scheduling.office import row
from tests.web.conftest import House
from web import branches

NAMES = ("Haupthaus", "Seedorf", "Talheim", "Altstadt", "Bergen", "Waldau", "Nordhafen", "Egge")
POSTCODES = ("12345", "12347", "20349", "99100", "12501", "13000", "80331", "20355")
SITES = [
    Site(number, name.lower(), name, f"Platz 1, {postcode} Ort", "+4930", "NW")
    for number, (name, postcode) in enumerate(zip(NAMES, POSTCODES, strict=True))
]


def listed(near: str = "", few: int = len(SITES), **known: object) -> list[str]:
    return [site.name for site in branches.offered(SITES[:few], near, **known).sites]


def test_few_branches_are_all_listed_by_name_after_the_one_so_far() -> None:
    assert listed(few=4, last=SITES[2]) == ["Talheim", "Altstadt", "Haupthaus", "Seedorf"]


def test_of_many_branches_those_of_the_same_postal_region_are_listed_first() -> None:
    assert listed("12346")[:3] == ["Haupthaus", "Seedorf", "Bergen"]
    assert listed("20350")[:2] == ["Talheim", "Egge"]
    assert len(listed("20350")) == branches.MANY


def test_a_town_puts_the_branch_of_that_name_first() -> None:
    assert listed("Nordhafen")[0] == "Nordhafen"
    assert listed("99100 nordhafen")[:2] == ["Nordhafen", "Altstadt"]


def test_the_chosen_branch_is_listed_wherever_somebody_lives() -> None:
    assert "Altstadt" not in listed("12346")
    assert "Altstadt" in listed("12346", chosen="altstadt")


@pytest.mark.parametrize(("near", "known"), [("", True), ("Nirgendwo", False), ("12", True)])
def test_a_town_without_a_branch_is_said_to_be_unknown(near: str, known: bool) -> None:
    assert branches.offered(SITES, near).known is known


async def test_an_office_with_many_branches_asks_where_somebody_lives(small_house: House) -> None:
    async with small_house.store.writing() as tx:
        for number, (name, postcode) in enumerate(zip(NAMES, POSTCODES, strict=True)):
            await row(
                tx, schema.site, key=f"b{number}", name=name, address=f"Gasse 1, {postcode} Ort",
                phone="+4930", state="NW",
            )  # fmt: skip
    visitor = small_house.visitor()
    own = (await visitor.book("video")).path

    asked = await visitor.get("/book/money/in_person?near=Nirgendwo")
    form = (await visitor.get(f"{own}/way/in_person")).form(f"{own}/way/in_person")
    shown = await visitor.send(form, look="", near="Nirgendwo")

    for page in (asked, shown):
        assert "There is no branch of ours in this town." in page.text
        assert "Your town or postcode" in page.text
