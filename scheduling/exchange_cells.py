"""Reading the cells of one line into what the plan stores, and writing them back."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scheduling.exchange_tables import Line, Problem
from scheduling.exchange_words import RELEASES, SEPARATOR, WAYS, WEEKDAYS, YES_NO, Vocabulary
from scheduling.model import Way
from scheduling.pattern_problems import GRID_MINUTES, WEEKS_AT_MOST

_TIME = re.compile(r"(\d{1,2})[:.](\d{2})", re.ASCII)
_GERMAN_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
_YEARS = range(2000, 2200)
_MINUTES_AT_MOST = 600


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one line; what cannot be read is added to `problems`."""

    line: Line
    problems: list[Problem]

    def has(self, column: str) -> bool:
        """Tell whether the file has that column."""
        return column in self.line.cells

    def text(self, column: str) -> str:
        """Return a cell as it is; empty where there is none."""
        return self.line.cells.get(column, "")

    def fault(self, column: str, code: str, **detail: str) -> None:
        """Note what is wrong."""
        shown = {"value": self.text(column)[:60], **detail}
        self.problems.append(Problem(self.line.number, column, code, shown))

    def word(self, column: str, words: Vocabulary, default: str | None = None) -> str | None:
        """Return the key of the word in a cell; `default` for an empty one."""
        text = self.text(column)
        if not text and default is not None:
            return default
        key = words.key(text)
        if key is None:
            self.fault(column, "word")
        return key

    def several(self, column: str) -> list[str]:
        """Return the values of a cell that holds several, in order and without repeats."""
        return sorted({one.strip() for one in self.text(column).split(SEPARATOR)} - {""})

    def known(self, column: str, known: Collection[str]) -> list[str]:
        """Return several values, each of which must be one of the `known`."""
        found = self.several(column)
        for one in found:
            if one not in known:
                self.fault(column, "unknown", value=one[:60], known=", ".join(sorted(known)))
        return found

    def languages(self, column: str) -> list[str]:
        """Return languages by their ISO 639 codes."""
        found = [one.lower() for one in self.several(column)]
        for one in found:
            if not _LANGUAGE.fullmatch(one):
                self.fault(column, "language", value=one[:60])
        return found

    def ways(self, column: str) -> list[str]:
        """Return ways as they are stored: none named means all."""
        found = []
        for one in self.several(column):
            key = WAYS.key(one)
            if key is None:
                self.fault(column, "word", value=one[:60])
            else:
                found.append(key)
        return [] if len(set(found)) == len(Way) else sorted({*found})

    def yes(self, column: str) -> bool:
        """Return whether a cell says yes, as an empty one does."""
        return self.word(column, YES_NO, "yes") != "no"

    def minutes(self, column: str) -> int:
        """Return a length of time; an empty cell means none."""
        text = self.text(column) or "0"
        if not (text.isascii() and text.isdigit()) or int(text[:6]) > _MINUTES_AT_MOST:
            self.fault(column, "minutes")
            return 0
        if int(text) % GRID_MINUTES:
            self.fault(column, "grid")
        return int(text)

    def clock(self, column: str) -> int:
        """Return a time of day in minutes after midnight."""
        found = _TIME.fullmatch(self.text(column))
        minute = int(found[1]) * 60 + int(found[2]) if found else -1
        if not found or int(found[2]) > 59 or not 0 <= minute <= 1440:
            self.fault(column, "clock")
            return 0
        if minute % GRID_MINUTES:
            self.fault(column, "flaw_grid")
        return minute

    def day(self, column: str) -> dt.date | None:
        """Return a day, written as 2026-11-23 or 23.11.2026; None for an empty cell."""
        text = self.text(column)
        if not text:
            return None
        german = _GERMAN_DAY.fullmatch(text)
        try:
            found = (
                dt.date(int(german[3]), int(german[2]), int(german[1]))
                if german
                else dt.date.fromisoformat(text)
            )
        except ValueError:
            self.fault(column, "day")
            return None
        if found.year not in _YEARS:
            self.fault(column, "year")
        return found

    def weeks(self, column: str) -> int:
        """Return every how many weeks; an empty cell means every week."""
        text = self.text(column) or "1"
        if text not in {str(number) for number in range(1, WEEKS_AT_MOST + 1)}:
            self.fault(column, "weeks", most=str(WEEKS_AT_MOST))
            return 1
        return int(text)

    def weekday(self, column: str) -> int:
        """Return a weekday; 0 is Monday."""
        return int(self.word(column, WEEKDAYS) or 0)

    def release(self, column: str) -> str:
        """Return for whom hours are kept."""
        return self.word(column, RELEASES, "online") or "online"

    def number(self, column: str) -> int | None:
        """Return the number of a stored record; None for an empty cell."""
        text = self.text(column)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            self.fault(column, "number")
            return None
        return int(text)


def clock(minute: int) -> str:
    """Write a time of day."""
    return f"{minute // 60:02}:{minute % 60:02}"


def joined(values: Iterable[str]) -> str:
    """Write several values into one cell."""
    return SEPARATOR.join(sorted(values))


def ways(stored: Iterable[str], language: str) -> str:
    """Write ways; all of them where none is named."""
    chosen = {*stored} or {*Way}
    return SEPARATOR.join(WAYS.say(way, language) for way in Way if way in chosen)
