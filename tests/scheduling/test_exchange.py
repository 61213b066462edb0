"""Tables go out and come back unchanged; what is wrong with one is told by line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from scheduling import booking, catalog, exchange, exchange_tables, people, resources, schema
from scheduling.exchange import COLUMNS, NEEDED, Preview, Sort, Stale
from scheduling.exchange_steps import Action
from scheduling.exchange_tables import guarded
from scheduling.model import NO_CAMERA, Kind, Needs, Way
from scheduling.store import Store
from tests.conftest import Clock
from tests.scheduling.office import PERSON, Office, at, make_office

HOURS = "Standort;Name;Wochentag;Von;Bis;Gültig ab"


async def seen(store: Store, sort: Sort, text: str | bytes, clock: Clock) -> Preview:
    content = text if isinstance(text, bytes) else text.encode()
    async with store.writing() as tx:
        return await exchange.preview(tx, sort, content, clock())


async def taken(store: Store, sort: Sort, text: str, clock: Clock) -> Preview:
    shown = await seen(store, sort, text, clock)
    async with store.writing() as tx:
        return await exchange.apply(tx, sort, text.encode(), shown.fingerprint, clock())


def told(preview: Preview) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for one in preview.problems]


async def furnish(store: Store) -> Office:
    """Make an office with one of everything, and names that a spreadsheet would calculate."""
    office = await make_office(store, caseworkers=2)
    async with store.writing() as tx:
        team = (
            await tx.execute(
                insert(schema.team)
                .values(site_id=office.site_id, name="Team 1; Ost")
                .returning(schema.team.c.id)
            )
        ).scalar_one()
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == office.caseworkers[1])
            .values(name='=1+1 "Ines", Äöü', team_id=team, ways=["phone", "video"])
        )
        for kind, name in ((Kind.TABLET, "@Tablet"), (Kind.CAMERA, "'-Kamera")):
            await resources.add(
                tx, kind,
                {"site_id": office.site_id, "name": name, "setup_minutes": 10, "return_minutes": 5},
            )  # fmt: skip
        await resources.add(
            tx, Kind.INTERPRETER,
            {"site_id": office.site_id, "name": "Ada", "languages": ["tr", "ar"]},
        )  # fmt: skip
    return office


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("language", ["de", "en"])
async def test_what_goes_out_comes_back_without_a_change(
    store: Store, clock: Clock, sort: Sort, language: str
) -> None:
    await furnish(store)
    async with store.reading() as tx:
        content = await exchange.export(tx, sort, language)

    preview = await seen(store, sort, content, clock)

    assert (preview.steps, preview.problems) == ((), ())
    assert preview.unchanged == {Sort.CASEWORKERS: 2, Sort.RESOURCES: 5, Sort.HOURS: 2}[sort]
    assert content.startswith(b"\xef\xbb\xbf")


async def test_no_cell_of_an_export_is_a_formula(store: Store) -> None:
    await furnish(store)

    async with store.reading() as tx:
        lines = [(await exchange.export(tx, sort, "de")).decode("utf-8-sig") for sort in Sort]

    cells = [
        cell.strip('"') for text in lines for line in text.splitlines() for cell in line.split(";")
    ]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


async def test_lines_add_change_retire_and_bring_back(store: Store, clock: Clock) -> None:
    office = await furnish(store)
    async with store.writing() as tx:
        await people.retire(tx, office.caseworkers[1], clock())
    text = (
        "Site,Name,Skills,Languages,Active\n"
        "Haupthaus,Anna Neu,money,de|fr,yes\n"
        "main,person 0,money,de|tr,\n"
        'Haupthaus,"\'=1+1 ""Ines"", Äöü",money,de,yes\n'
    )

    shown = await seen(store, Sort.CASEWORKERS, text, clock)
    async with store.reading() as tx:
        untouched = await people.listed(tx)
    await taken(store, Sort.CASEWORKERS, text, clock)
    gone = await taken(store, Sort.CASEWORKERS, "Site;Name;Active\nmain;Person 0;nein\n", clock)

    assert [(step.action, step.line) for step in shown.steps] == [
        (Action.ADD, 2), (Action.CHANGE, 3), (Action.RETURN, 4),
    ]  # fmt: skip
    assert shown.steps[1].after == {"name": "person 0", "languages": ["de", "tr"]}
    assert [one.resource.name for one in untouched] == ["Ada", "Person 0"]
    assert [step.action for step in gone.steps] == [Action.RETIRE]
    async with store.reading() as tx:
        assert [one.resource.name for one in await people.listed(tx)] == [
            '=1+1 "Ines", Äöü',
            "Ada",
            "Anna Neu",
        ]


async def test_every_problem_of_every_line_is_told(store: Store, clock: Clock) -> None:
    await furnish(store)
    text = (
        "Nummer;Standort;Name;Team;Fachgebiete;Sprachen;Wege;Aktiv;Eigene Kamera\n"
        ";Mond;A;;money;de;;\n"
        ";Haupthaus;B;Team 9;mony;deutsch;Brief;vielleicht;manchmal\n"
        ";Haupthaus;C;;;de;;\n"
        ";Haupthaus;;;money;de;;\n"
        "999;Haupthaus;D;;money;de;;\n"
        ";Haupthaus;Person 0;;money;de;;\n"
        ";Haupthaus;PERSON 0;;money;de;;\n"
        ";Haupthaus;Weg;;money;de;;nein\n"
    )

    preview = await seen(store, Sort.CASEWORKERS, text, clock)

    assert told(preview) == [
        (2, "site", "unknown"),
        (3, "team", "unknown"),
        (3, "skills", "unknown"),
        (3, "camera", "word"),
        (3, "languages", "language"),
        (3, "ways", "word"),
        (3, "active", "word"),
        (4, "skills", "lack_skills"),
        (5, "name", "lack_name"),
        (6, "number", "no_such_number"),
        (8, "name", "twice"),
        (9, "active", "nothing_to_retire"),
    ]


async def test_who_has_no_camera_goes_out_and_comes_back(store: Store, clock: Clock) -> None:
    office = await furnish(store)
    text = "Site;Name;Own camera\nmain;Person 0;no\n"

    done = await taken(store, Sort.CASEWORKERS, text, clock)
    silent = await taken(store, Sort.CASEWORKERS, "Site;Name\nmain;Person 0\n", clock)
    async with store.reading() as tx:
        known = await catalog.resources_by_id(tx, office.caseworkers)
        content = await exchange.export(tx, Sort.CASEWORKERS, "de")
    again = await seen(store, Sort.CASEWORKERS, content, clock)
    back = await taken(store, Sort.CASEWORKERS, text.replace("no\n", "\n"), clock)

    assert [step.after for step in done.steps] == [{"features": [NO_CAMERA]}]
    assert not silent.steps
    assert [known[one].borrows_camera(Way.VIDEO) for one in office.caseworkers] == [True, False]
    assert not again.steps
    assert [step.after for step in back.steps] == [{"features": []}]


async def test_hours_are_exactly_those_of_the_table(store: Store, clock: Clock) -> None:
    office = await furnish(store)
    text = f"{HOURS}\nHaupthaus;Person 0;Montag;9:00;12:00;\nHaupthaus;Person 0;Mittwoch;13.30;16:00;1.12.2026\n"

    done = await taken(store, Sort.HOURS, text, clock)

    (step,) = done.steps
    assert (len(step.before["gone"]), len(step.after["new"])) == (4, 1)
    async with store.reading() as tx:
        hours = (await people.by_id(tx, office.caseworkers[0])).hours
        other = (await people.by_id(tx, office.caseworkers[1])).hours
    assert [(row.pattern.weekday, row.pattern.starts_minute) for row in hours] == [
        (0, 540),
        (2, 810),
    ]
    assert [str(row.pattern.valid_from) for row in hours] == ["2026-01-01", "2026-12-01"]
    assert len(other) == 5


async def test_one_line_that_cannot_be_read_hides_nothing_of_the_others(
    store: Store, clock: Clock
) -> None:
    await furnish(store)
    lines = (
        "Haupthaus;Person 0;Mondtag;09:00;12:03;",
        "Haupthaus;Person 0;Dienstag;09:00;12:00;",
        "Haupthaus;Person 0;Dienstag;11:00;14:00;",
    )

    preview = await seen(store, Sort.HOURS, "\n".join((HOURS, *lines)), clock)

    assert told(preview) == [
        (2, "weekday", "word"),
        (2, "until", "flaw_grid"),
        (4, "from", "flaw_overlap"),
    ]


async def test_hours_that_cannot_be_are_told_at_their_line(store: Store, clock: Clock) -> None:
    await furnish(store)
    async with store.writing() as tx:
        await tx.execute(update(schema.site).values(opening=[[0, 480, 960]]))
    lines = (
        "Haupthaus;Person 0;Montag;09:00;12:00;2026-01-01",
        "Haupthaus;Person 0;Monday;11:00;13:00;2026-11-02",
        "Haupthaus;Person 0;Montag;15:00;17:00;",
        "Haupthaus;Person 0;Montag;14:02;15:00;",
        "Haupthaus;Person 9;Montag;14:00;15:00;",
        'Haupthaus;"\'=1+1 ""Ines"", Äöü";Feiertag;25:00;8 Uhr;31.02.2026',
    )

    preview = await seen(store, Sort.HOURS, "\n".join((HOURS, *lines)), clock)

    assert told(preview) == [
        (3, "from", "flaw_overlap"),
        (4, "from", "flaw_opening"),
        (5, "from", "flaw_grid"),
        (6, "name", "nobody"),
        (7, "weekday", "word"),
        (7, "from", "clock"),
        (7, "until", "clock"),
        (7, "valid_from", "day"),
    ]
    assert preview.problems[0].detail["day"] == "2026-11-02"


async def test_an_import_tells_how_many_appointments_it_strands(store: Store, clock: Clock) -> None:
    office = await furnish(store)
    async with store.writing() as tx:
        await booking.book(
            tx, topic=office.topic, way=Way.VIDEO, start=at(9), site_id=None, person=PERSON,
            needs=Needs(), locale="de", now=clock(), actor="test",
            caseworker_id=office.caseworkers[0],
        )  # fmt: skip
    text = f"{HOURS}\nHaupthaus;Person 0;Dienstag;10:00;12:00;\n"

    preview = await seen(store, Sort.HOURS, text, clock)

    assert preview.stranded == 1
    async with store.reading() as tx:
        assert (await tx.execute(select(schema.stranded))).all() == []


async def test_a_plan_that_changed_since_the_preview_is_not_overwritten(
    store: Store, clock: Clock
) -> None:
    office = await furnish(store)
    text = "Site;Name;Languages\nHaupthaus;Person 0;de|tr\n"
    shown = await seen(store, Sort.CASEWORKERS, text, clock)
    async with store.writing() as tx:
        await tx.execute(
            update(schema.resource)
            .where(schema.resource.c.id == office.caseworkers[0])
            .values(languages=["de", "fr"])
        )

    with pytest.raises(Stale) as refused:
        async with store.writing() as tx:
            await exchange.apply(tx, Sort.CASEWORKERS, text.encode(), shown.fingerprint, clock())

    assert refused.value.preview.steps[0].before == {"languages": ["de", "fr"]}
    async with store.reading() as tx:
        person = await people.by_id(tx, office.caseworkers[0])
        assert person.resource.languages == {"de", "fr"}


async def test_rooms_and_devices_are_exchanged_with_their_features(
    store: Store, clock: Clock
) -> None:
    await furnish(store)
    text = (
        "Standort;Art;Name;Merkmale;Vorlauf;Rücklauf\n"
        "Haupthaus;Raum;Zimmer 9;step_free|hearing_loop;;\n"
        "Haupthaus;Tablet;@Tablet;;15;7\n"
        "Haupthaus;Beratung;Anna;;;\n"
        "Haupthaus;Raum;Room 0;wheels;;\n"
    )

    preview = await seen(store, Sort.RESOURCES, text, clock)
    await taken(store, Sort.RESOURCES, "\n".join(text.splitlines()[:2]), clock)

    assert told(preview) == [
        (3, "return", "grid"),
        (4, "kind", "other_table"),
        (5, "features", "unknown"),
    ]
    async with store.reading() as tx:
        rooms = await catalog.resources(tx, kinds=(Kind.ROOM,))
    assert rooms[-1].features == {"step_free", "hearing_loop"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", (0, "", "empty")),
        (b"Name;Site\n\xff\xfe", (0, "", "not_utf8")),
        (b"Name;Site\n\0", (0, "", "not_text")),
        (b"x" * 600_000, (0, "", "too_large")),
        (b"Name;Site\n" + b"a;b\n" * 2002, (0, "", "too_long")),
        (b'Name;Site\n"a;b\n', (2, "", "quotes")),
        (b"Name;Site;Shoe size\n", (1, "Shoe size", "unknown_column")),
        (b"Name;Site;name\n", (1, "name", "column_twice")),
        (b"Name\n", (1, "site", "no_column")),
        (b"Name;Site\na;b;c\n", (2, "", "too_many_cells")),
        (b"Name;Site\n" + b"a" * 2000 + b";b\n", (2, "name", "cell")),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(
    content: bytes, problem: tuple[int, str, str]
) -> None:
    table = exchange_tables.read(content, COLUMNS[Sort.CASEWORKERS], NEEDED[Sort.CASEWORKERS])

    assert problem in [(one.line, one.column, one.code) for one in table.problems]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_are_told_apart(mark: str) -> None:
    text = f'\ufeff"Name"{mark}Standort\r\n\r\n"a{mark}""b"""{mark}c\r\n'

    table = exchange_tables.read(text.encode(), ("name", "site"), ("name", "site"))

    (line,) = table.lines
    assert (line.number, line.cells["site"]) == (3, "c")
    assert line.cells["name"] == 'a "b"' if mark == "\t" else f'a{mark}"b"'


@given(st.text(alphabet="'=+-@ab;\"|", max_size=8))
def test_any_name_comes_back_as_it_went(name: str) -> None:
    wanted = " ".join(name.split())

    content = exchange_tables.write(("name", "site"), [{"name": wanted, "site": "x"}], "en")
    (line,) = exchange_tables.read(content, ("name", "site"), ()).lines

    assert line.cells["name"] == wanted
    assert not guarded(wanted).startswith(("=", "+", "-", "@"))
