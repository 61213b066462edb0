"""How well people are connected is told to Prometheus by level, and by nothing else."""

from __future__ import annotations

from tests.web.conftest import House, Serve, serve

__all__ = ["serve"]


async def test_every_level_is_reported_also_before_anybody_calls(
    serve: Serve, sqlite_url: str
) -> None:
    house: House = await serve(sqlite_url)

    page = await house.visitor().get("/metrics")

    assert 'sprechzeit_call_participants{level="poor"} 0.0' in page.text
    assert 'sprechzeit_call_levels_total{level="good"} 0.0' in page.text
