"""Credentials for the office's own TURN server: short-lived, and saying nothing about anyone.

Source: "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00), which coturn
speaks as `use-auth-secret`.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from signaling.messages import Ice, IceServer, TransportPolicy

LIFETIME = timedelta(minutes=10)
"""How long credentials open a new way. One that is open stays open after that."""
RENEWED_AFTER = timedelta(minutes=4)
"""From this age on they are renewed, so that whoever must begin anew has some that hold."""


class Turn:
    """Grants the use of TURN servers at `urls` (RFC 7065), which know the same `secret`.

    `only` has clients reach the relay through TURN alone. Without `urls` nothing is granted.
    `clock` gives aware datetimes.
    """

    def __init__(
        self,
        urls: tuple[str, ...] = (),
        secret: str = "",
        *,
        only: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._urls = urls
        self._secret = secret.encode()
        self._policy = TransportPolicy.RELAY if only else TransportPolicy.ALL
        self._clock = clock

    def grant(self) -> Ice:
        """Give the servers with new credentials; nobody's name or room is in them."""
        if not self._urls:
            return Ice()
        expires = int((self._clock() + LIFETIME).timestamp())
        username = f"{expires}:{secrets.token_urlsafe(9)}"
        # HMAC-SHA1 is what TURN servers of this scheme know; HMAC keeps it sound.
        digest = hmac.digest(self._secret, username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return Ice((IceServer(self._urls, username, credential),), self._policy)

    def is_due(self, granted: datetime) -> bool:
        """Tell whether what was granted then is to be renewed."""
        # By the clock on the wall, as TURN servers tell by it; one that is put back tells nothing.
        age = self._clock() - granted
        return bool(self._urls) and not timedelta() <= age < RENEWED_AFTER
