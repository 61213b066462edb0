"""What an office lacks for its topics and sites is said: skills, ways, rooms, tablets, time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from scheduling import catalog, doubts, schema
from scheduling.doubts import Doubt, Hours, Office, Problem
from scheduling.model import NO_CAMERA, Feature, Kind, Offers, Resource, Site, Topic, TopicWay, Way
from scheduling.store import Store
from tests.scheduling.office import make_office, row

HOUSE = Site(1, "main", "Haus", "Platz 1", "+49301", "NW")
BRANCH = Site(2, "branch", "Zweigstelle", "Gasse 2", "+49302", "NW")
TEXT = {"de": "Geld"}
MORNING = (Hours(0, 480, 720, ()),)


def resource(number: int, kind: Kind, site: Site = HOUSE, *features: str) -> Resource:
    return Resource(
        number, kind, site.id, f"{kind} {number}", frozenset(features),
        frozenset({"money"} if kind is Kind.CASEWORKER else ()), frozenset(),
    )  # fmt: skip


def office(
    *resources: Resource,
    hours: tuple[Hours, ...] = MORNING,
    sites: tuple[Site, ...] = (HOUSE,),
    opening: tuple[tuple[int, int, int], ...] = (),
) -> Office:
    people = [one for one in resources if one.kind is Kind.CASEWORKER]
    return Office(sites, {HOUSE.id: opening}, resources, {one.id: hours for one in people})


def topic(*ways: TopicWay, skill: str = "money") -> Topic:
    return Topic(1, "money", TEXT, TEXT, TEXT, TEXT, skill, Offers({one.way: one for one in ways}))


def problems(found: Iterable[Doubt]) -> Sequence[tuple[Problem, str]]:
    return [(one.problem, one.site.name if one.site else "") for one in found]


PERSON = resource(1, Kind.CASEWORKER)
UNSEEN = resource(1, Kind.CASEWORKER, HOUSE, NO_CAMERA)
CAMERA = resource(5, Kind.CAMERA)
STEPS = resource(2, Kind.ROOM)
SUITABLE = resource(3, Kind.ROOM, HOUSE, *Feature)
TABLET = resource(4, Kind.TABLET)
IN_PERSON, VIDEO = TopicWay(Way.IN_PERSON, 30), TopicWay(Way.VIDEO, 30)
BRANCH_VIDEO = TopicWay(Way.BRANCH_VIDEO, 30)


@pytest.mark.parametrize(
    ("there", "asked", "expected"),
    [
        (office(PERSON, SUITABLE), topic(IN_PERSON), []),
        (office(PERSON), topic(), [(Problem.NO_WAY, "")]),
        (office(UNSEEN), topic(VIDEO), [(Problem.NOBODY_THIS_WAY, "")]),
        (office(UNSEEN, CAMERA), topic(VIDEO), []),
        (
            office(UNSEEN, resource(5, Kind.CAMERA, BRANCH), sites=(HOUSE, BRANCH)),
            topic(VIDEO),
            [(Problem.NOBODY_THIS_WAY, "")],
        ),
        (office(UNSEEN), topic(TopicWay(Way.PHONE, 30)), []),
        (office(PERSON), topic(TopicWay(Way.VIDEO, 30, offered=False)), [(Problem.NO_WAY, "")]),
        (office(PERSON), topic(VIDEO, skill="work"), [(Problem.NO_SKILL, "")]),
        (office(PERSON), topic(IN_PERSON), [(Problem.NO_ROOM, "Haus")]),
        (office(PERSON, STEPS), topic(IN_PERSON), [(Problem.NO_FEATURE, "")] * 2),
        (office(PERSON, hours=()), topic(VIDEO), [(Problem.NOBODY_THIS_WAY, "")]),
        (
            office(PERSON, hours=(Hours(0, 480, 720, ("phone",)),)),
            topic(VIDEO),
            [(Problem.NOBODY_THIS_WAY, "")],
        ),
        (office(PERSON), topic(TopicWay(Way.VIDEO, 240, 0)), []),
        (office(PERSON), topic(TopicWay(Way.VIDEO, 240, 5)), [(Problem.TOO_LONG, "")]),
        (office(PERSON, SUITABLE), topic(BRANCH_VIDEO), [(Problem.NO_BRANCH, "")]),
        (office(PERSON, SUITABLE, TABLET), topic(BRANCH_VIDEO), []),
        (office(PERSON, STEPS, TABLET), topic(BRANCH_VIDEO), [(Problem.NO_FEATURE, "")] * 2),
        (
            office(PERSON, SUITABLE, TABLET, resource(9, Kind.ROOM, BRANCH), sites=(HOUSE, BRANCH)),
            topic(BRANCH_VIDEO),
            [(Problem.NO_TABLET, "Zweigstelle")],
        ),
    ],
)
def test_what_a_topic_needs_and_the_office_lacks_is_said(
    there: Office, asked: Topic, expected: Sequence[tuple[Problem, str]]
) -> None:
    assert problems(doubts.of_topic(there, asked)) == expected


@pytest.mark.parametrize("way", [Way.IN_PERSON, Way.BRANCH_VIDEO])
def test_what_a_topic_always_needs_of_a_room_is_missed_where_no_room_has_all_of_it(
    way: Way,
) -> None:
    quiet = resource(5, Kind.ROOM, HOUSE, "quiet")
    asked = topic(TopicWay(way, 30, features=frozenset({"quiet", Feature.STEP_FREE})))

    (missed,) = doubts.of_topic(office(PERSON, SUITABLE, quiet, TABLET), asked)

    assert missed == Doubt(Problem.UNSUITABLE, way, HOUSE, features=("quiet", "step_free"))


def test_only_rooms_that_suit_the_topic_are_asked_for_what_somebody_may_need() -> None:
    quiet = resource(5, Kind.ROOM, HOUSE, "quiet", Feature.STEP_FREE)
    asked = topic(TopicWay(Way.IN_PERSON, 30, features=frozenset({"quiet"})))

    (missed,) = doubts.of_topic(office(PERSON, SUITABLE, quiet), asked)

    assert missed == Doubt(Problem.NO_FEATURE, names=("Haus",), features=(Feature.HEARING_LOOP,))


def test_what_somebody_may_need_is_missed_once_for_all_ways_and_sites() -> None:
    there = office(
        PERSON, replace(PERSON, id=6, site_id=BRANCH.id), TABLET, resource(5, Kind.TABLET, BRANCH),
        resource(7, Kind.ROOM, HOUSE, Feature.STEP_FREE),
        resource(8, Kind.ROOM, BRANCH, Feature.STEP_FREE), sites=(HOUSE, BRANCH),
    )  # fmt: skip

    found = doubts.of_topic(there, topic(IN_PERSON, BRANCH_VIDEO))

    assert [*found] == [
        Doubt(Problem.NO_FEATURE, names=("Haus", "Zweigstelle"), features=(Feature.HEARING_LOOP,))
    ]


def test_hours_that_touch_count_as_one() -> None:
    halves = (Hours(0, 600, 720, ()), Hours(0, 480, 600, ()), Hours(1, 0, 5, ()))

    assert office(PERSON, hours=halves).longest(PERSON, Way.VIDEO) == 240


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (office(PERSON, SUITABLE, TABLET), []),
        (office(SUITABLE, TABLET), [Problem.NOBODY]),
        (office(PERSON), [Problem.NO_ROOM]),
        (office(PERSON, STEPS), [Problem.NO_FEATURE, Problem.NO_FEATURE, Problem.NO_TABLET]),
        (office(PERSON, SUITABLE, TABLET, opening=((0, 480, 600), (0, 600, 720))), []),
        (
            office(PERSON, SUITABLE, TABLET, opening=((0, 480, 700),)),
            [Problem.OUTSIDE_OPENING],
        ),
    ],
)
def test_what_a_site_lacks_is_said(there: Office, expected: list[Problem]) -> None:
    offered = [topic(IN_PERSON, BRANCH_VIDEO)]

    assert [one.problem for one in doubts.of_site(there, HOUSE, offered)] == expected


@pytest.mark.parametrize(
    ("things", "way", "named"),
    [
        ((), VIDEO, ("caseworker 1",)),
        ((), TopicWay(Way.PHONE, 30), ()),
        ((CAMERA,), VIDEO, ()),
    ],
)
def test_a_site_without_cameras_names_those_who_need_one(
    things: tuple[Resource, ...], way: TopicWay, named: tuple[str, ...]
) -> None:
    there = office(UNSEEN, resource(6, Kind.CASEWORKER), *things)

    found = doubts.of_site(there, HOUSE, [topic(way)])

    said = [one.names for one in found if one.problem is Problem.NO_CAMERA]
    assert said == ([named] if named else [])


def test_home_office_needs_no_open_house() -> None:
    at_home = (Hours(0, 0, 1440, ("video", "phone")),)
    there = office(PERSON, SUITABLE, TABLET, hours=at_home, opening=((0, 480, 600),))

    assert list(doubts.of_site(there, HOUSE, [topic(VIDEO)])) == []


async def test_the_office_is_read_without_hours_that_are_over(store: Store) -> None:
    made = await make_office(store)
    async with store.writing() as tx:
        await row(
            tx, schema.working_pattern, resource_id=made.caseworkers[0], weekday=6,
            starts_minute=0, ends_minute=1440, ways=[], valid_from=dt.date(2026, 1, 1),
            valid_until=dt.date(2026, 10, 11), every_weeks=1,
        )  # fmt: skip

    async with store.reading() as tx:
        there = await doubts.read(tx, dt.date(2026, 10, 12))
        found = problems(doubts.of_topic(there, await catalog.topic(tx, "money")))

    assert there.longest(there.skilled("money")[0], Way.VIDEO) == 180
    assert found == [(Problem.NO_FEATURE, "")]  # there is no hearing loop
