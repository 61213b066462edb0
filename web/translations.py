"""The languages of the pages, and which of them an answer speaks.

Message ids are English. The German catalogues are read from their ``.po`` files at start, so
that there is no compiled copy that could be older than its source.
"""

from __future__ import annotations

import io
from functools import cache, lru_cache
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from web.keys import LOCALE

LANGUAGES = {"de": "Deutsch", "en": "English"}
"""Every language of the pages by its own name; the first is spoken unless another is asked for."""

DEFAULT = "de"
COOKIE = "language"
_FOLDER = Path(__file__).parent / "locale"
_YEAR = 365 * 24 * 3600


def N_(message: str) -> str:  # noqa: N802  (the name by which extraction finds messages)
    """Mark `message` for translation where its language is not known yet."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the merged catalogues of `language`; English needs none."""
    merged = Translations()
    for path in sorted((_FOLDER / language / "LC_MESSAGES").glob("*.po")):
        compiled = io.BytesIO()
        with path.open("rb") as source:
            write_mo(compiled, read_po(source, locale=language))
        compiled.seek(0)
        merged.merge(Translations(compiled))
    return merged


def known(language: str) -> str:
    """Return `language` if the pages speak it, else the default."""
    return language if language in LANGUAGES else DEFAULT


def asked_for(request: web.Request) -> str:
    """Return the language that was chosen, else the first known of Accept-Language."""
    chosen = request.query.get("language") or request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return _accepted(request.headers.get("Accept-Language", ""))


@lru_cache(1000)
def _accepted(header: str) -> str:
    """Choose by quality (RFC 9110, 12.5.4); ``de-AT`` is German."""
    wishes: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        wishes.append((weight, tag.strip().lower().partition("-")[0]))
    for weight, tag in sorted(wishes, key=lambda wish: -wish[0]):
        if weight > 0 and tag in LANGUAGES:
            return tag
    return DEFAULT


def remember(response: web.StreamResponse, language: str, *, secure: bool) -> None:
    """Keep the choice of `language` for a year."""
    response.set_cookie(
        COOKIE,
        language,
        max_age=_YEAR,
        httponly=True,
        secure=secure,
        samesite="Lax",
    )


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Choose the language of the answer."""
    request[LOCALE] = asked_for(request)
    return await handler(request)
