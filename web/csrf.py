"""Forms are accepted only from our own pages.

Double submit with a signed token: a cookie that other sites cannot read, and in the form its
HMAC together with the session, so that neither a planted cookie nor another person's form
fits. Fetch metadata and Origin refuse most attempts before the token is looked at.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from web.keys import SETTINGS
from web.problems import PROGRAMS
from web.session import session_token

FIELD = "_csrf"
_COOKIE = "csrf"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_FREE = {"/language"}
"""Changing the language harms nobody, and its form stands on pages that must be identical."""

_VALUE: web.RequestKey[str] = web.RequestKey("csrf")


class ForeignForm(Exception):
    """The form does not come from a page that we showed to this browser."""


def form_token(request: web.Request) -> str:
    """Return what the form's hidden field holds; the answer then sets the cookie."""
    value = request.get(_VALUE) or request.cookies.get(_cookie(request), "")
    if not value:
        value = secrets.token_urlsafe(24)
        request[_VALUE] = value
    return _signature(request, value)


@web.middleware
async def refuse_foreign_forms(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raise `ForeignForm` unless a changing request proves to come from our page."""
    if request.method not in _SAFE:
        _check_headers(request)
        if request.path not in _FREE and not request.path.startswith(PROGRAMS):
            await _check_token(request)
    response = await handler(request)
    if (value := request.get(_VALUE)) and not response.prepared:
        secure = request.app[SETTINGS].secure
        response.set_cookie(
            _cookie(request), value, httponly=True, secure=secure, samesite="Lax", path="/"
        )
    return response


def _check_headers(request: web.Request) -> None:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignForm
    # Browsers say "null" under our Referrer-Policy (Fetch, 3.2); the token decides then.
    origin = request.headers.get("Origin", "null")
    ours = {request.host, urlsplit(request.app[SETTINGS].public_url).netloc}
    if origin != "null" and urlsplit(origin).netloc not in ours:
        raise ForeignForm


async def _check_token(request: web.Request) -> None:
    value = request.cookies.get(_cookie(request), "")
    sent = (await request.post()).get(FIELD, "")
    expected = _signature(request, value)
    if (
        not value
        or not isinstance(sent, str)
        or not hmac.compare_digest(expected.encode(), sent.encode())
    ):
        raise ForeignForm


def _signature(request: web.Request, value: str) -> str:
    message = f"csrf\0{value}\0{session_token(request)}".encode()
    return hmac.new(request.app[SETTINGS].secret, message, hashlib.sha256).hexdigest()


def _cookie(request: web.Request) -> str:
    return f"__Host-{_COOKIE}" if request.app[SETTINGS].secure else _COOKIE
