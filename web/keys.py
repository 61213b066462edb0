"""The typed keys under which the application and a request carry what pages need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    # Keys are names: whoever reads one need not load the relay or the database driver.
    from scheduling.store import Store
    from signaling.rooms import Rooms
    from web.mailbox import Mailbox
    from web.settings import Settings
    from web.sign_in import SignIn, Staff

Clock = Callable[[], dt.datetime]
"""Returns the present instant as an aware datetime."""

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
STORE: web.AppKey[Store] = web.AppKey("store")
ROOMS: web.AppKey[Rooms] = web.AppKey("rooms")
CLOCK: web.AppKey[Clock] = web.AppKey("clock")
SIGN_IN: web.AppKey[SignIn] = web.AppKey("sign_in")
MAILBOX: web.AppKey[Mailbox | None] = web.AppKey("mailbox")
"""The demo office's mail; None where letters really go out."""

NONCE: web.RequestKey[str] = web.RequestKey("nonce")
"""The nonce of this response's Content-Security-Policy, set by the server's middleware."""

LOCALE: web.RequestKey[str] = web.RequestKey("locale")
"""The language of the answer, e.g. ``"de"``."""

STAFF: web.RequestKey[Staff | None] = web.RequestKey("staff")
"""Who is signed in; set on staff pages only."""
