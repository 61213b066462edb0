"""How well people in calls are connected, for Prometheus; no room and nobody is named."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from signaling.messages import Level
from signaling.rooms import Rooms


class CallFigures:
    """What the rooms know of their participants' connections, read when asked."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def collect(self) -> Iterator[Metric]:
        """Give the present levels, and how often each was reached since the start."""
        now = GaugeMetricFamily(
            "sprechzeit_call_participants",
            "People in rooms by how well they are connected now.",
            labels=("level",),
        )
        told = CounterMetricFamily(
            "sprechzeit_call_levels",
            "Changes to each level that clients told since the start.",
            labels=("level",),
        )
        levels = self._rooms.levels()
        for level in Level:
            now.add_metric((level,), levels.get(level, 0))
            told.add_metric((level,), self._rooms.told_levels[level])
        yield now
        yield told
