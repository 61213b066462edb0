"""The data folder belongs to the server alone, and its secret is made once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from server import data_folder
from server.config import Config
from server.failure import CannotStart
from tests.server.conftest import Configure

OWN_SECRET = "a secret of forty characters, or a few more"


def test_the_secret_is_made_once_and_for_the_owner_alone(configure: Configure) -> None:
    config = configure()

    first, second = data_folder.secret(config), data_folder.secret(config)

    file = config.data / data_folder.KEY_FILE
    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in config.data.iterdir()] == [data_folder.KEY_FILE]


def test_a_configured_secret_wins(configure: Configure) -> None:
    config = configure(secret=OWN_SECRET)

    assert data_folder.secret(config) == OWN_SECRET.encode()
    assert not (config.data / data_folder.KEY_FILE).exists()


def test_a_new_data_folder_is_closed_to_others(configure: Configure) -> None:
    assert stat.S_IMODE(configure().data.stat().st_mode) == 0o700


def test_a_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(CannotStart, match="SPRECHZEIT_DATA"):
        data_folder.prepare(Config(demo=True, data=tmp_path / "data"))
