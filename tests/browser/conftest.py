"""A served office for the whole run, and browsers for each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import PATIENCE, chromium
from tests.browser.console import plan, planned
from tests.browser.office import Office, served

__all__ = ["plan", "planned"]

expect.set_options(timeout=15_000)
"""What has a bar names it; the others may take as long as a busy machine needs, in ms."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: it drives a real Chromium."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(150))


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
