"""The form of a caseworker or interpreter: reading it, saying what it lacks, wording its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel import Locale
from multidict import MultiMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog, overview, people
from scheduling.model import NO_CAMERA, Kind, Site, Topic, Way
from scheduling.overview import Team
from scheduling.people import Lack
from web import forms, words
from web.forms import FieldError
from web.translations import DEFAULT, N_, catalogue

Sent = MultiMapping[Any]
"""A form as it was sent; a field may come more than once."""

KINDS: Mapping[Kind, str] = {
    Kind.CASEWORKER: N_("Caseworker"),
    Kind.INTERPRETER: N_("Interpreter"),
}

LABELS: Mapping[str, str] = {
    "name": N_("Name"),
    "site_id": N_("Site"),
    "team_id": N_("Team"),
    "skills": N_("Skills"),
    "languages": N_("Languages"),
    "ways": N_("Ways offered"),
    "features": N_("Own camera"),
}
"""What the values of an entry are called, by column and in the order of the form."""

LACKS: Mapping[Lack, str] = {
    Lack.NAME: N_("Enter a name in letters."),
    Lack.LONG_NAME: N_("This name is too long. Use at most 100 letters."),
    Lack.SITE: N_("Choose the site."),
    Lack.TEAM: N_("This team belongs to another site. Choose one of the same site."),
    Lack.SKILL: N_("Choose at least one skill: without one, nobody can be booked with them."),
    Lack.LANGUAGE: N_("Choose at least one language they interpret."),
    Lack.WAY: N_("Choose at least one way."),
}

SPOKEN = ("de", *words.INTERPRETED)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form offers to choose from. `skills` are named with the topics they are for."""

    sites: Sequence[Site]
    teams: Sequence[Team]
    skills: Mapping[str, Sequence[Topic]]

    def site(self, site_id: int | None) -> str:
        """Return a site's name."""
        return next((site.name for site in self.sites if site.id == site_id), "")

    def team(self, team_id: int | None) -> str:
        """Return a team's name."""
        return next((team.name for team in self.teams if team.id == team_id), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a form holds: single fields as text, the others as what is ticked."""

    name: str = ""
    site: str = ""
    team: str = ""
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    ways: tuple[str, ...] = tuple(Way)
    camera: bool = True


async def choices(tx: AsyncConnection) -> Choices:
    """Read what can be chosen."""
    topics = await catalog.topics(tx)
    return Choices(
        await catalog.sites(tx),
        await overview.teams(tx),
        {
            skill: [topic for topic in topics if topic.skill == skill]
            for skill in await people.skills(tx)
        },
    )


def sent(form: Sent) -> Entry:
    """Take the fields out of a form as they were sent."""
    return Entry(
        forms.text(form, "name"),
        forms.text(form, "site"),
        forms.text(form, "team"),
        ticked(form, "skills"),
        ticked(form, "languages"),
        ticked(form, "ways"),
        "camera" in form,
    )


def stored(values: Mapping[str, Any]) -> Entry:
    """Fill the fields from what is stored."""
    return Entry(
        values["name"],
        str(values["site_id"]),
        str(values["team_id"] or ""),
        tuple(values["skills"]),
        tuple(values["languages"]),
        tuple(values["ways"]) or tuple(Way),
        NO_CAMERA not in values["features"],
    )


def values_of(kind: Kind, entry: Entry, offered: Choices) -> dict[str, Any]:
    """Return the columns that an entry stands for; what is not offered counts as not chosen."""
    # Interpreters are asked for no camera.
    borrows = kind is Kind.CASEWORKER and not entry.camera
    return {
        "name": entry.name,
        "site_id": _one_of(entry.site, offered.sites),
        "team_id": _one_of(entry.team, offered.teams),
        "skills": sorted({*entry.skills} & {*offered.skills}),
        "languages": sorted({*entry.languages} & {*SPOKEN}),
        "ways": people.stored_ways(entry.ways),
        "features": [NO_CAMERA] if borrows else [],
    }


def complaints(kind: Kind, values: dict[str, Any], offered: Choices) -> list[FieldError]:
    """Return what is wrong with the entry, field by field."""
    fields = {"site_id": "site", "team_id": "team", "long_name": "name"}
    return [
        FieldError(fields.get(lack, lack), LACKS[lack])
        for lack in people.lacking(kind, values, offered.teams)
    ]


def worded(name: str, value: Any, offered: Choices, language: str) -> str:
    """Say a value of the entry in words, by its column."""
    say = catalogue(language).gettext
    if name == "features":
        value = N_("no") if NO_CAMERA in value else N_("yes")
    match name:
        case "site_id":
            return offered.site(value)
        case "team_id":
            return offered.team(value)
        case "languages":
            known = Locale.parse(language).languages
            return ", ".join(str(known.get(code, code)) for code in value)
        case "ways":
            return ways(value, language)
        case "skills":
            return ", ".join(value)
        case _:
            return say(value) if value else ""


def ways(some: Iterable[str], language: str = DEFAULT) -> str:
    """Say in which ways; none named means all."""
    say = catalogue(language).gettext
    chosen = {*some}
    if not chosen:
        return say(N_("all ways"))
    return ", ".join(say(words.WAYS[way].name) for way in Way if way in chosen)


def ticked(form: Sent, name: str) -> tuple[str, ...]:
    """Return the values of all boxes of that `name` which are ticked."""
    return tuple(value for value in form.getall(name, []) if isinstance(value, str))


def _one_of(wanted: str, offered: Iterable[Site] | Iterable[Team]) -> int | None:
    return next((one.id for one in offered if str(one.id) == wanted), None)
