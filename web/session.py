"""The cookie that carries a staff session, and who it belongs to."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from web.keys import CLOCK, SETTINGS, SIGN_IN, STAFF

_STAFF_PAGES = ("/staff", "/plan")
_COOKIE = "session"


def session_token(request: web.Request) -> str:
    """Return the session's token as the browser sent it, or an empty string."""
    return request.cookies.get(_cookie(request), "")


def keep(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Let the browser hold the session until it is closed; the server ends it earlier."""
    secure = request.app[SETTINGS].secure
    response.set_cookie(
        _cookie(request), token, httponly=True, secure=secure, samesite="Lax", path="/"
    )


def drop(request: web.Request, response: web.StreamResponse) -> None:
    """Make the browser forget the session."""
    response.del_cookie(_cookie(request), path="/", secure=request.app[SETTINGS].secure)


@web.middleware
async def know_staff(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Set who is signed in, on staff pages only: nobody else's page asks the store."""
    request[STAFF] = None
    if is_staff_page(request.path):
        token = session_token(request)
        if token:
            now = request.app[CLOCK]()
            request[STAFF] = await request.app[SIGN_IN].staff(token, now)
    return await handler(request)


def is_staff_page(address: str) -> bool:
    """Tell whether a path, with or without a query, belongs to the office's own pages."""
    return any(
        address == page or address.startswith((page + "/", page + "?")) for page in _STAFF_PAGES
    )


def _cookie(request: web.Request) -> str:
    return f"__Host-{_COOKIE}" if request.app[SETTINGS].secure else _COOKIE
