"""A served office for the whole run, and browsers for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.browser.office import Office, served


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder: it drives a real Chromium."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Serve one office by a real process with a real mail server, for the whole run."""
    with served(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Run a Chromium whose invented camera and microphone are allowed."""
    async with chromium() as browser:
        yield browser
