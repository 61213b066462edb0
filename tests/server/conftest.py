"""A configured data folder, a migrated store and the real application over them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from scheduling.store import Store
from server import data_folder, database
from server.config import Config
from tests.copies import Copies

Configure = Callable[..., Config]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Return a configuration of a demo office on free ports, changed as asked."""

    def configured(**changes: Any) -> Config:
        usual = {
            "data": tmp_path / "data",
            "demo": True,
            "port": 0,
            "relay_port": 0,
            "relay_host_v4": "127.0.0.1",
            "relay_host_v6": "none",
        }
        config = Config(**{**usual, **changes})
        data_folder.prepare(config)
        return config

    return configured


@pytest.fixture
async def migrated(store_url: str, migrated_copies: Copies) -> AsyncIterator[Store]:
    """Yield a store on either engine whose tables the migrations made."""
    await migrated_copies.fill(store_url)
    store = await database.opened(store_url)
    yield store
    await store.close()
