"""What went wrong, told to a program (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

PROGRAMS = "/api/"
"""Where addresses begin that programs ask, not people."""


def problem(status: int, title: str, more: Mapping[str, object] | None = None) -> web.Response:
    """Answer with a problem: its HTTP status, its name in words, and what else is known."""
    told = {"status": status, "title": title, **(more or {})}
    return web.json_response(told, status=status, content_type="application/problem+json")
