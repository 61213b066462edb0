"""Every word of the pages has its German, and the language asked for is the one spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.web.conftest import House
from web.translations import __file__ as module

FOLDER = Path(module).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def messages() -> Iterator[str | tuple[str, ...]]:
    """Yield every message id of modules and templates."""
    methods = [("templates/**", "jinja2"), ("**.py", "python")]
    for _, _, message, _, _ in extract_from_dir(FOLDER, methods, keywords=KEYWORDS):
        yield message if isinstance(message, str) else tuple(message[:2])


def translated() -> dict[str | tuple[str, ...], str | tuple[str, ...]]:
    """Return the German catalogues as they are written."""
    found: dict[str | tuple[str, ...], str | tuple[str, ...]] = {}
    for path in sorted((FOLDER / "locale/de/LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            for message in read_po(source, locale="de", abort_invalid=True):
                if message.id and not message.fuzzy:
                    found[message.id] = message.string
    return found


def test_every_message_has_a_german_translation() -> None:
    german = translated()

    missing = [message for message in messages() if not german.get(message)]

    assert missing == []


def test_no_translation_is_left_without_a_message() -> None:
    used = set(messages())

    assert [message for message in translated() if message not in used] == []


def test_translations_have_the_same_blanks_as_their_messages() -> None:
    for message, german in translated().items():
        pairs = (
            [(message, german)] if isinstance(message, str) else zip(message, german, strict=True)
        )
        for one, other in pairs:
            assert _blanks(one) == _blanks(other)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "de"),
        ("en-GB,en;q=0.9", "en"),
        ("tr,en;q=0.3,de;q=0.8", "de"),
        ("fr", "de"),
        ("en;q=nonsense", "de"),
        ("de;q=0, en;q=0.1", "en"),
    ],
)
async def test_the_browsers_first_known_language_is_spoken(
    small_house: House, header: str, language: str
) -> None:
    page = await small_house.visitor(header).get("/")

    assert f'<html lang="{language}">' in page.text


async def test_a_chosen_language_goes_before_the_browsers(small_house: House) -> None:
    visitor = small_house.visitor("de")

    await visitor.post("/language", {"language": "en", "next": "/"})

    assert '<html lang="en">' in (await visitor.get("/imprint")).text


def _blanks(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"%\((\w+)\)|\{(\w+)\}", text))
