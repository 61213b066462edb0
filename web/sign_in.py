"""Who may use the staff pages, and what signing in must offer them."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from typing import Protocol


class StaffRole(enum.StrEnum):
    """What somebody of the office may do; enforced in `web.access`."""

    CASEWORKER = "caseworker"
    RECEPTION = "reception"
    SCHEDULER = "scheduler"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who is signed in. `resource_id` is their place in the plan, if they advise."""

    id: int
    name: str
    email: str
    role: StaffRole
    resource_id: int | None


class SignIn(Protocol):
    """Passwords and sessions, kept by the server."""

    async def by_password(self, email: str, password: str, now: dt.datetime) -> str | None:
        """Return a new session's token, or None when refused, in the same time either way."""

    async def staff(self, session_token: str, now: dt.datetime) -> Staff | None:
        """Return whose session it is; None for unknown, expired or deactivated."""

    async def forget(self, session_token: str) -> None:
        """End a session; an unknown token is no error."""
