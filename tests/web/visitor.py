"""Somebody who uses the pages as a browser without JavaScript does: links, forms, cookies."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from aiohttp.test_utils import TestClient
from yarl import URL


@dataclass
class Form:
    """A form as the page shows it: what it would send, and the buttons that send it."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, dict[str, str]] = field(default_factory=dict)
    """The values of each list to choose from, by what a person reads."""

    def starts(self) -> list[str]:
        """Return the times that the form offers."""
        return [value for name, value in self.buttons if name == "start"]


@dataclass
class Page:
    """An answer, read."""

    status: int
    path: str
    text: str
    headers: dict[str, str]
    forms: list[Form]
    links: list[str]
    headings: list[str]

    def form(self, action: str) -> Form:
        """Return the form that sends to `action`."""
        return next(form for form in self.forms if form.action == action)

    @property
    def title(self) -> str:
        """The page's one first heading."""
        (heading,) = self.headings
        return heading


class Visitor:
    """One browser: its cookies, and where it is."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    async def get(self, path: str, **options: Any) -> Page:
        """Open a page, following redirects."""
        return await self._read(await self.client.get(path, **options))

    async def post(self, path: str, fields: dict[str, str], **options: Any) -> Page:
        """Send a form."""
        return await self._read(await self.client.post(path, data=fields, **options))

    async def send(self, form: Form, **fields: str) -> Page:
        """Send a form of a page with some fields filled in."""
        return await self.post(form.action, {**form.fields, **fields})

    async def hold(self, way: str = "video", nth: int = 0) -> Page:
        """Go from the start page to the details of the first free time."""
        times = await self.get(f"/book/money/{way}")
        form = times.form("/hold")
        return await self.send(form, start=form.starts()[nth])

    async def book(self, way: str = "video", nth: int = 0, **fields: str) -> Page:
        """Book the first free time; the answer is the appointment's page."""
        details = await self.hold(way, nth)
        return await self.send(details.form(details.path), **{**CLAIMANT, **fields})

    async def sign_in(self, email: str, password: str) -> Page:
        """Sign in on the staff pages."""
        page = await self.get("/staff/sign-in")
        return await self.send(page.form("/staff/sign-in"), email=email, password=password)

    async def _read(self, answer: Any) -> Page:
        text = await answer.text()
        reader = _Reader()
        reader.feed(text)
        headings = [" ".join(heading.split()) for heading in reader.headings]
        path = URL(answer.url).path
        headers = dict(answer.headers)
        return Page(answer.status, path, text, headers, reader.forms, reader.links, headings)


CLAIMANT = {"name": "Amira Çelik", "email": "amira@example.org", "phone": "030 901820"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self._in_heading = False
        self._list = ""
        self._option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(found["action"]))
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "h1":
            self._in_heading = True
            self.headings.append("")
        elif self.forms and tag == "input" and "name" in found:
            if found.get("type") not in {"checkbox", "radio"} or "checked" in found:
                self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif self.forms and tag == "button" and "name" in found:
            self.forms[-1].buttons.append((found["name"], found["value"]))
        elif self.forms and tag == "select":
            self._list = found["name"]
            self.forms[-1].choices[self._list] = {}
        elif self.forms and tag == "option" and self._list:
            self._option = found["value"]
            if "selected" in found or self._list not in self.forms[-1].fields:
                self.forms[-1].fields[self._list] = self._option

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._in_heading = False
        elif tag == "option":
            self._option = None
        elif tag == "select":
            self._list = ""

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.headings[-1] += data
        elif self._option is not None:
            self.forms[-1].choices[self._list][data.strip()] = self._option
