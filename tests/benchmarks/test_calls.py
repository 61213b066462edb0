"""People join and go beside calls that go on, and the server ends: at its smallest."""

from __future__ import annotations

from pathlib import Path

import pytest
import uvloop

from benchmarks import endurance
from tests.browser.office import served


@pytest.fixture(autouse=True)
def _quick_to_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "_SETTLING", 0.5)


def test_a_server_ordered_to_end_tells_everyone_in_a_call_to_connect_again(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as office:
        figures = uvloop.run(endurance.measure(office, 3, 0.0, warm_up=1))

    assert figures["told_to_reconnect"] == figures["people_at_the_end"] == 5
    assert figures["sigterm_seconds"] <= 5
    assert figures["connected"] == 3
    assert {"rss_kib_growth", "tasks_growth", "sockets_growth", "descriptors_growth"} <= {*figures}
