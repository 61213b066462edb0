"""How a page is rendered: one environment per language, with its words, dates and addresses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from aiohttp import web
from babel import Locale
from babel.dates import format_date, format_skeleton
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket

from scheduling.model import Text
from web import words
from web.csrf import FIELD, form_token
from web.folding import Speaking
from web.keys import LOCALE, NONCE, SETTINGS, STAFF
from web.sign_in import Staff
from web.static_files import StaticFiles
from web.translations import DEFAULT, LANGUAGES, catalogue

_FOLDER = Path(__file__).parent / "templates"
_DAYS = 1000
_HOME = 49  # calling code of Germany (ITU-T E.164)
REGIONS = {"de": "de_DE", "en": "en_GB"}
"""The locale in which each language writes dates."""

ENVIRONMENTS: web.AppKey[dict[str, Environment]] = web.AppKey("environments")


class Blank(dict[str, str]):
    """What the fields of a form hold; the ones it lacks are empty."""

    def __missing__(self, key: str) -> str:
        """Say nothing about a field nobody spoke of."""
        return ""


class Page:
    """What every template may ask about the page it makes."""

    languages = LANGUAGES
    csrf_field = FIELD

    def __init__(self, request: web.Request) -> None:
        settings = request.app[SETTINGS]
        self._request = request
        self.locale: str = request.get(LOCALE, DEFAULT)
        self.office = settings.office
        self.demo = settings.demo
        self.nonce: str = request.get(NONCE, "")
        self.staff: Staff | None = request.get(STAFF)

    @property
    def csrf(self) -> str:
        """The hidden field's value; asking for it makes the answer set the cookie."""
        return form_token(self._request)

    @property
    def path(self) -> str:
        """The path of the address, without its query."""
        return self._request.path

    @property
    def address(self) -> str:
        """Path and query, for coming back after the language was changed."""
        return self._request.path_qs


def environments(timezone: ZoneInfo, static: StaticFiles | None = None) -> dict[str, Environment]:
    """Make the environment of each language; times are shown in `timezone`.

    Letters have no `static` files.
    """
    return {language: _environment(language, timezone, static) for language in LANGUAGES}


class Compiled(BytecodeCache):
    """Templates' code, which all applications share: compiling takes longer than rendering."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code of a template that is still as it was."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template."""
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


@cache
def compiled(language: str, static_version: str) -> Compiled:  # noqa: ARG001  (both are folded in)
    """Return this process's code of the templates in a language, for a version of static files."""
    return Compiled()


def render(
    request: web.Request, template: str, *, status: int = 200, **context: Any
) -> web.Response:
    """Answer with a page in the language of the request."""
    environment = request.app[ENVIRONMENTS][request.get(LOCALE, DEFAULT)]
    body = environment.get_template(template).render(page=Page(request), **context)
    return web.Response(text=body, status=status, content_type="text/html", charset="utf-8")


def _environment(language: str, timezone: ZoneInfo, static: StaticFiles | None) -> Environment:
    environment = Speaking(
        catalogue(language),
        loader=FileSystemLoader(_FOLDER),
        # Letters come in plain text, too; there an ampersand is an ampersand.
        autoescape=select_autoescape(("html",), ("txt",), default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=compiled(language, static.version if static is not None else ""),
    )
    environment.globals.update(words=words)
    if static is not None:
        environment.globals.update(static_url=static.url)
    environment.filters.update(_filters(language, timezone))
    return environment


def _filters(language: str, timezone: ZoneInfo) -> dict[str, Callable[..., object]]:
    def local(value: dt.date) -> dt.date:
        return value.astimezone(timezone) if isinstance(value, dt.datetime) else value

    def on_day(written: Callable[[dt.date], str]) -> Callable[[dt.date], str]:
        def write(value: dt.date) -> str:
            there = local(value)
            return written(there.date() if isinstance(there, dt.datetime) else there)

        return write

    def clock(value: dt.datetime) -> str:
        there = value.astimezone(timezone)
        return f"{there.hour:02}:{there.minute:02}"

    def text(value: Text) -> str:
        return value.get(language) or value[DEFAULT]

    locale = Locale.parse(REGIONS[language])
    names = dict(locale.languages)
    return {
        "text": text,
        "long_day": on_day(_days(language, "full")),
        "short_day": on_day(_days(language, "MMMEd")),
        "weekday": on_day(_days(language, "EEE")),
        "day_month": on_day(_days(language, "MMMd")),
        "clock": clock,
        "iso": lambda value: local(value).isoformat(),
        "language_name": lambda code: names.get(code, code),
        "by_language": lambda codes: sorted(codes, key=lambda code: names.get(code, code)),
        "phone": _phone,
        "merged": _merged,
    }


@cache
def _days(language: str, form: str) -> Callable[[dt.date], str]:
    """Return how a day is written; the days of the next weeks are written again and again."""
    locale = Locale.parse(REGIONS[language])

    @lru_cache(_DAYS)
    def written(day: dt.date) -> str:
        if form == "full":
            return format_date(day, form, locale=locale)
        if form == "EEE":
            return format_date(day, form, locale=locale).rstrip(".")
        return format_skeleton(form, day, locale=locale)

    return written


def _merged(fields: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    return {**fields, **more}


def _phone(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, "DE")
    except phonenumbers.NumberParseException:
        return number
    at_home = parsed.country_code == _HOME
    form = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, form.NATIONAL if at_home else form.INTERNATIONAL)
