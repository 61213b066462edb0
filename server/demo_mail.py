"""The letters in a demo office's folder, for the mail view."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import islice
from pathlib import Path

from web.mailbox import MailSummary

NEWEST = 200
"""How many letters the mail view lists."""


class FolderMailbox:
    """The ``.eml`` files that `server.mail.Folder` writes; a letter's id is its file's stem."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> list[MailSummary]:
        """Return the newest letters, newest first."""
        newest = sorted(self._folder.glob("[0-9]*.eml"), reverse=True)
        return [_summary(path) for path in islice(newest, NEWEST)]

    def read(self, id: str) -> EmailMessage | None:  # noqa: A002  (the word of the contract)
        """Return one letter; None when there is no such one."""
        # Compared with the listing, never joined to a path: an id comes out of a URL.
        for path in self._folder.glob("[0-9]*.eml"):
            if path.stem == id:
                return _read(path)
        return None


def _read(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def _summary(path: Path) -> MailSummary:
    letter = _read(path)
    at = dt.datetime.strptime(path.stem.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
    return MailSummary(
        id=path.stem, at=at, recipient=str(letter["To"]), subject=str(letter["Subject"])
    )
