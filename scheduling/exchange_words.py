"""The words of exchange files: columns, and the values that have a name, in German and English.

Whatever is read may be in either language and in any capitals; what is written is in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scheduling.hours import Release
from scheduling.model import Kind, Way

SEPARATOR = "|"
"""Between the values of a cell that holds several."""


@dataclass(frozen=True, slots=True)
class Word:
    """A column or a value as files call it; `key` is its name in the plan."""

    key: str
    de: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the word in that language, or in English."""
        return self.de if language == "de" else self.en


class Vocabulary:
    """Words of one sort, found by what people write."""

    def __init__(self, *words: Word) -> None:
        self.words: Mapping[str, Word] = {word.key: word for word in words}
        self._known = {
            text.casefold(): word.key for word in words for text in (word.key, word.de, word.en)
        }

    def key(self, text: str) -> str | None:
        """Return what is meant by `text`; None where it is none of the words."""
        return self._known.get(" ".join(text.split()).casefold())

    def say(self, key: str, language: str) -> str:
        """Return the word for `key`."""
        return self.words[key].in_language(language)

    def all(self, language: str) -> list[str]:
        """Return every word."""
        return [word.in_language(language) for word in self.words.values()]


COLUMNS = Vocabulary(
    Word("number", "Nummer", "Number"),
    Word("site", "Standort", "Site"),
    Word("kind", "Art", "Kind"),
    Word("name", "Name", "Name"),
    Word("team", "Team", "Team"),
    Word("skills", "Fachgebiete", "Skills"),
    Word("languages", "Sprachen", "Languages"),
    Word("ways", "Wege", "Ways"),
    Word("camera", "Eigene Kamera", "Own camera"),
    Word("features", "Merkmale", "Features"),
    Word("setup", "Vorlauf", "Set-up"),
    Word("return", "Rücklauf", "Return"),
    Word("active", "Aktiv", "Active"),
    Word("weekday", "Wochentag", "Weekday"),
    Word("from", "Von", "From"),
    Word("until", "Bis", "Until"),
    Word("every_weeks", "Alle Wochen", "Every weeks"),
    Word("release", "Freigabe", "Release"),
    Word("valid_from", "Gültig ab", "Valid from"),
    Word("valid_until", "Gültig bis", "Valid until"),
)

KINDS = Vocabulary(
    Word(Kind.CASEWORKER, "Beratung", "Caseworker"),
    Word(Kind.ROOM, "Raum", "Room"),
    Word(Kind.COUNTER, "Schalter", "Counter"),
    Word(Kind.TABLET, "Tablet", "Tablet"),
    Word(Kind.CAMERA, "Kamera", "Camera"),
    Word(Kind.INTERPRETER, "Sprachmittlung", "Interpreter"),
)

WAYS = Vocabulary(
    Word(Way.IN_PERSON, "vor Ort", "in person"),
    Word(Way.VIDEO, "Video", "video"),
    Word(Way.BRANCH_VIDEO, "Video aus der Zweigstelle", "video from a branch"),
    Word(Way.PHONE, "Telefon", "phone"),
)

RELEASES = Vocabulary(
    Word(Release.ONLINE, "online", "online"),
    Word(Release.RECEPTION, "Empfang", "reception"),
    Word(Release.URGENT, "Eilfälle", "urgent"),
)

WEEKDAYS = Vocabulary(
    Word("0", "Montag", "Monday"),
    Word("1", "Dienstag", "Tuesday"),
    Word("2", "Mittwoch", "Wednesday"),
    Word("3", "Donnerstag", "Thursday"),
    Word("4", "Freitag", "Friday"),
    Word("5", "Samstag", "Saturday"),
    Word("6", "Sonntag", "Sunday"),
)

YES_NO = Vocabulary(Word("yes", "ja", "yes"), Word("no", "nein", "no"))
