"""The log is structured and holds neither links nor addresses nor rows."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy.exc import IntegrityError

from server import journal
from tests.server.conftest import Configure


@pytest.fixture
def lines(configure: Configure) -> Iterator[io.StringIO]:
    """Yield what is logged, as JSON lines; put logging back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    journal.configure(configure(log_format="json"), stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def _only(lines: io.StringIO) -> dict[str, object]:
    (line,) = lines.getvalue().splitlines()
    return json.loads(line)


def _fail(error: Exception) -> None:
    raise error


def test_events_are_json_with_level_and_time(lines: io.StringIO) -> None:
    structlog.get_logger().info("purged", rows=3)

    entry = _only(lines)

    assert (entry["event"], entry["level"], entry["rows"]) == ("purged", "info", 3)
    assert str(entry["timestamp"]).endswith("Z")


def test_an_exception_of_the_database_is_logged_without_the_row(lines: io.StringIO) -> None:
    error = IntegrityError("INSERT", {"email": "kim@example.org"}, Exception("Key (kim)"))

    try:
        _fail(error)
    except IntegrityError:
        structlog.get_logger().exception("failed")

    logged = lines.getvalue()

    assert "sqlalchemy.exc.IntegrityError" in logged
    assert "test_journal.py" in logged
    assert "kim@example.org" not in logged


def test_an_exception_of_our_own_keeps_its_words(lines: io.StringIO) -> None:
    try:
        _fail(ValueError("an instant needs a time zone"))
    except ValueError:
        logging.getLogger("somewhere").exception("failed")

    assert _only(lines)["exception"] == "ValueError: an instant needs a time zone"


def test_addresses_of_people_stay_out_of_the_library_s_own_messages(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.7")

    entry = _only(lines)

    assert entry["event"] == "Error handling request"
    assert "192.0.2.7" not in lines.getvalue()
