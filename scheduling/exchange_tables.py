"""Reading and writing tables of comma or semicolon separated values (RFC 4180).

A file is read as a whole: everything that is wrong with it is told by line and column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scheduling.exchange_words import COLUMNS

BYTES_AT_MOST = 500_000
LINES_AT_MOST = 2_000
CELL_AT_MOST = 1_000

# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line (the first is 1) and column; `code` names it, `detail` fills it in.

    No `column` where the whole line, line 0 where the whole file is meant.
    """

    line: int
    column: str
    code: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: its cells by column."""

    number: int
    cells: Mapping[str, str]


@dataclass(slots=True)
class Table:
    """What was read of a file, and what was wrong with it."""

    columns: frozenset[str] = frozenset()
    lines: list[Line] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(content: bytes, known: Sequence[str], needed: Sequence[str]) -> Table:
    """Read a table with columns of `known`, of which the `needed` must be there."""
    table = Table()
    if len(content) > BYTES_AT_MOST:
        table.problems.append(Problem(0, "", "too_large", {"most": str(BYTES_AT_MOST // 1000)}))
        return table
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        table.problems.append(Problem(0, "", "not_utf8"))
        return table
    if "\0" in text or not text.strip():
        table.problems.append(Problem(0, "", "empty" if not text.strip() else "not_text"))
        return table
    rows = _rows(text, table.problems)
    if rows:
        _fill(table, rows, known, needed)
    return table


def write(columns: Sequence[str], rows: Iterable[Mapping[str, str]], language: str) -> bytes:
    """Write a table as spreadsheets open it: UTF-8 with its mark, semicolons, no formulas."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([COLUMNS.say(column, language) for column in columns])
    for row in rows:
        writer.writerow([guarded(row.get(column, "")) for column in columns])
    return text.getvalue().encode("utf-8-sig")


def guarded(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.lstrip("'").startswith(_FORMULA) else value


def _plain(value: str) -> str:
    """Take back what `guarded` does."""
    unguarded = value.startswith("'") and value.lstrip("'").startswith(_FORMULA)
    return value[1:] if unguarded else value


def _rows(text: str, problems: list[Problem]) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with the line it begins in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((line, row))
            line = reader.line_num + 1
            if len(rows) > LINES_AT_MOST + 1:
                problems.append(Problem(0, "", "too_long", {"most": str(LINES_AT_MOST)}))
                return []
    except csv.Error:
        problems.append(Problem(line, "", "quotes"))
        return []
    return rows


def _delimiter(text: str) -> str:
    """Return what separates more of the known column names in the first line."""
    first = text.lstrip().split("\n", 1)[0].replace('"', "")
    return max(
        ";,\t", key=lambda mark: sum(COLUMNS.key(one) is not None for one in first.split(mark))
    )


def _fill(
    table: Table, rows: list[tuple[int, list[str]]], known: Sequence[str], needed: Sequence[str]
) -> None:
    columns = [*_header(table.problems, *rows[0], known, needed)]
    if table.problems:
        return
    table.columns = frozenset(column for column in columns if column)
    for number, row in rows[1:]:
        if any(cell.strip() for cell in row[len(columns) :]):
            table.problems.append(Problem(number, "", "too_many_cells"))
        padded = [*row, *([""] * len(columns))]
        cells = {
            column: _plain(" ".join(cell.split()))
            for column, cell in zip(columns, padded, strict=False)
            if column
        }
        table.problems += [
            Problem(number, column, "cell")
            for column, cell in cells.items()
            if len(cell) > CELL_AT_MOST or not cell.isprintable()
        ]
        table.lines.append(Line(number, cells))


def _header(
    problems: list[Problem], line: int, header: list[str], known: Sequence[str],
    needed: Sequence[str],
) -> list[str | None]:  # fmt: skip
    columns = [COLUMNS.key(_plain(cell)) for cell in header]
    for cell, column in zip(header, columns, strict=True):
        if column not in known and cell.strip():
            problems.append(Problem(line, cell.strip()[:40], "unknown_column"))
        elif column is not None and columns.count(column) > 1:
            problems.append(Problem(line, column, "column_twice"))
    problems += [Problem(line, column, "no_column") for column in needed if column not in columns]
    return columns
