"""A served office for the whole run, and browsers for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import PATIENCE, chromium
from tests.browser.console import plan, planned
from tests.browser.office import Office, served

__all__ = ["plan", "planned"]

TIMED = {
    "test_blocked.py",
    "test_call.py",
    "test_layers.py",
    "test_main_job.py",
    "test_networks.py",
    "test_relays.py",
    "test_text.py",
}
"""Calls need the whole machine: pictures and sound are made and shown by it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: it drives a real Chromium, and calls do so alone."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(150))
            if item.path.name in TIMED:
                item.add_marker(pytest.mark.timed)


def _as_long_as_the_loop(fixture_name: str, config: pytest.Config) -> str:
    # A browser can be asked in the event loop alone that started it.
    return str(config.getini("asyncio_default_fixture_loop_scope"))


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Serve one office by a real process with a real mail server, for the whole run."""
    with served(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture(scope=_as_long_as_the_loop)
async def started_browser() -> AsyncIterator[Browser]:
    """Run a Chromium whose invented camera and microphone are allowed.

    `make test` lets all these tests share one event loop, and so one browser.
    """
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def browser(started_browser: Browser) -> AsyncIterator[Browser]:
    """Give a browser in which nothing is open; every window is closed after the test."""
    yield started_browser
    async with asyncio.timeout(PATIENCE):
        for context in started_browser.contexts:
            await context.close()
