"""The demo office's mail, readable in the browser. Not there where letters really go out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from aiohttp import web

from scheduling.model import NotFound
from web.keys import MAILBOX
from web.mailbox import Mailbox
from web.templating import render

_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a letter's text, and the address it links to, if it is one."""

    text: str
    address: str = ""


async def show_mail(request: web.Request) -> web.Response:
    """List the letters, newest first."""
    return render(request, "demo/mail.html", letters=_mailbox(request).list())


async def show_letter(request: web.Request) -> web.Response:
    """Show one letter's text, with its links to follow."""
    letter = _mailbox(request).read(request.match_info["id"])
    if letter is None:
        raise NotFound
    body = letter.get_body(("plain",))
    text = body.get_content() if isinstance(body, EmailMessage) else ""
    attached = [part.get_filename() or "" for part in letter.iter_attachments()]
    return render(
        request, "demo/letter.html", letter=letter, pieces=list(pieces(text)), attached=attached
    )


def pieces(text: str) -> Iterator[Piece]:
    """Split `text` so that its web addresses can be links."""
    at = 0
    for match in _LINK.finditer(text):
        yield Piece(text[at : match.start()])
        yield Piece(match.group(), match.group())
        at = match.end()
    yield Piece(text[at:])


def _mailbox(request: web.Request) -> Mailbox:
    mailbox = request.app[MAILBOX]
    if mailbox is None:
        raise NotFound
    return mailbox
