"""What somebody typed, kept in their own browser while they look for another time.

The entries travel in a cookie rather than in the store: they are not ours before the
appointment is confirmed. It lives as long as a hold and is sent to the booking steps only.
"""

from __future__ import annotations

import base64
import binascii
import json

from aiohttp import web

from web.forms import Typed
from web.keys import SETTINGS

_COOKIE = "draft"
_PATH = "/hold"
_LIMIT = 3000  # bytes; a browser keeps 4096 per cookie (RFC 6265, 6.1)


def keep(request: web.Request, response: web.StreamResponse, typed: Typed) -> None:
    """Let the browser hold `typed`; nothing is kept of a form that was left empty."""
    fields = typed.fields()
    value = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
    if not fields or len(value) > _LIMIT:
        return
    settings = request.app[SETTINGS]
    response.set_cookie(
        _COOKIE,
        value,
        max_age=settings.hold_minutes * 60,
        path=_PATH,
        httponly=True,
        secure=settings.secure,
        samesite="Lax",
    )


def read(request: web.Request) -> Typed:
    """Return what was kept; an empty form when nothing was, or nothing legible."""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(request.cookies.get(_COOKIE, "")))
    except (binascii.Error, ValueError):
        return Typed()
    return Typed.read(decoded) if isinstance(decoded, dict) else Typed()


def drop(request: web.Request, response: web.StreamResponse) -> None:
    """Make the browser forget the entries."""
    if _COOKIE in request.cookies:
        response.del_cookie(_COOKIE, path=_PATH, secure=request.app[SETTINGS].secure)
