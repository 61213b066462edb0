"""What pages need to know of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `burst` at once, `per_minute` in the long run, per client address."""

    burst: int
    per_minute: float


@dataclass(frozen=True, slots=True)
class Limits:
    """How often one client address may do what.

    The defaults leave room for a whole office, or a mobile network's shared address,
    behind one NAT; guessing a link's 128 bits stays out of reach all the same.
    """

    booking: Rate = Rate(burst=60, per_minute=60)
    """Holds taken, bookings confirmed, appointments moved or cancelled."""

    sign_in: Rate = Rate(burst=20, per_minute=10)
    """Sign-in attempts of staff."""

    guessing: Rate = Rate(burst=30, per_minute=10)
    """Requests with a link that does not exist."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The part of the configuration that pages use.

    `public_url` has no trailing slash; `office` is the name shown to people;
    `lobby_minutes` is how long before its start a video lobby opens.
    """

    public_url: str
    office: str
    organizer_email: str
    demo: bool
    secret: bytes = field(repr=False)
    timezone: ZoneInfo
    lobby_minutes: int = 15
    hold_minutes: int = 10
    undo_seconds: int = 30
    """How long letters about changes on the console wait, so that undoing takes them back."""

    retention_days: int = 90
    """How long after its end an appointment is kept."""

    secure: bool = False
    """Whether people reach the pages by https; cookies are then sent that way only."""

    trusted_proxies: int = 0
    """How many reverse proxies in front append to X-Forwarded-For."""

    limits: Limits = Limits()
