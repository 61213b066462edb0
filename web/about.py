"""The pages every office owes: privacy, accessibility, imprint; and the choice of language."""

from __future__ import annotations

from aiohttp import web

from scheduling import catalog
from web import forms, translations
from web.keys import SETTINGS, STORE
from web.templating import render


async def privacy(request: web.Request) -> web.Response:
    """Say what is stored, why, and for how long (GDPR, article 13)."""
    return await _page(request, "about/privacy.html")


async def accessibility(request: web.Request) -> web.Response:
    """Declare how accessible the pages are (BITV 2.0, section 7)."""
    return await _page(request, "about/accessibility.html")


async def imprint(request: web.Request) -> web.Response:
    """Name who answers for these pages (DDG, section 5)."""
    return await _page(request, "about/imprint.html")


async def choose_language(request: web.Request) -> web.Response:
    """Remember the language and go back to where it was chosen."""
    form = await request.post()
    wanted = forms.text(form, "next", limit=2000)
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    response = web.HTTPSeeOther(wanted if inside else "/")
    language = translations.known(forms.text(form, "language"))
    translations.remember(response, language, secure=request.app[SETTINGS].secure)
    raise response


async def _page(request: web.Request, template: str) -> web.Response:
    async with request.app[STORE].reading() as tx:
        sites = await catalog.sites(tx)
    email = request.app[SETTINGS].organizer_email
    return render(request, template, sites=sites, email=email)
