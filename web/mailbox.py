"""The letters that a demo office wrote, for reading in the browser."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One line of the demo's mail view."""

    id: str
    at: dt.datetime
    recipient: str
    subject: str


class Mailbox(Protocol):
    """Where the demo's letters can be read."""

    def list(self) -> list[MailSummary]:
        """Return all letters, newest first."""

    def read(self, id: str) -> EmailMessage | None:  # noqa: A002  (the word of the contract)
        """Return one letter; None when there is no such one."""
