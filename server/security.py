"""Security headers of every answer: what a page may load, reveal and ask the device for."""

from __future__ import annotations

import secrets
from functools import cache, lru_cache
from typing import Any

from aiohttp import web
from yarl import URL

from server.journal import route_of
from web.keys import NONCE, SETTINGS

CALL_PAGES = frozenset({"/call/{token}", "/staff/appointments/{id}/call"})
"""The only pages that may ask for camera and microphone."""

PERSONAL = ("/hold", "/appointment", "/call", "/staff", "/plan", "/demo")
"""Where routes begin whose pages show somebody's data."""

DEVICES = ("camera", "microphone")
UNUSED = (
    "accelerometer",
    "bluetooth",
    "browsing-topics",
    "display-capture",
    "geolocation",
    "gyroscope",
    "hid",
    "magnetometer",
    "midi",
    "payment",
    "serial",
    "usb",
)


@web.middleware
async def give_nonce(request: web.Request, handler: Any) -> web.StreamResponse:
    """Choose the nonce before the page is rendered."""
    request[NONCE] = secrets.token_urlsafe(16)
    response: web.StreamResponse = await handler(request)
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers as the answer leaves (an ``on_response_prepare`` signal)."""
    settings = request.app[SETTINGS]
    route = route_of(request)
    headers = response.headers
    headers["Content-Security-Policy"] = content_policy(request.get(NONCE), settings.public_url)
    headers["Permissions-Policy"] = permissions_policy(on_call_page=route in CALL_PAGES)
    headers["Referrer-Policy"] = "no-referrer"  # links hold tokens
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if route.startswith(PERSONAL) or response.status >= 400:
        headers["Cache-Control"] = "no-store"
    else:
        headers.setdefault("Cache-Control", "no-cache")
    headers.pop("Server", None)


def content_policy(nonce: str | None, public_url: str) -> str:
    """Return the Content-Security-Policy (CSP Level 3): our own origin alone."""
    return _policy(public_url).replace(_BY_NONCE, f" 'nonce-{nonce}'" if nonce else "")


_BY_NONCE = " BY-NONCE"


@lru_cache
def _policy(public_url: str) -> str:
    """Return the policy with the places of its nonce marked."""
    origin = URL(public_url)
    # Safari before 15.4 does not count a WebSocket of the own origin as 'self'.
    socket = origin.with_scheme("wss" if origin.scheme == "https" else "ws").origin()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{_BY_NONCE}",
            f"style-src 'self'{_BY_NONCE}",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src 'self' {socket}",
            "media-src 'self' blob:",
            "manifest-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


@cache
def permissions_policy(*, on_call_page: bool) -> str:
    """Return the Permissions-Policy: devices on call pages, everything else off."""
    devices = "(self)" if on_call_page else "()"
    return ", ".join([f"{name}={devices}" for name in DEVICES] + [f"{name}=()" for name in UNUSED])
