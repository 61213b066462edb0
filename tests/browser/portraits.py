"""Drawn people in lit rooms, as a film that Chromium takes for its camera.

Nobody's photograph belongs into a repository; a test pattern says nothing about the product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser

WIDTH, HEIGHT = 640, 480
FRAMES = 48  # one breath; Chromium plays the film round and round


@dataclass(frozen=True)
class Portrait:
    """The colours of one person and their room."""

    wall: tuple[str, str]
    skin: str
    shade: str
    hair: str
    clothes: str
    scarf: str = ""
    plant: bool = False


CLAIMANT = Portrait(
    wall=("#efe3d2", "#cdb79a"), skin="#c98f69", shade="#b0764f", hair="#2c211d",
    clothes="#4d6b73", scarf="#7c3f58",
)  # fmt: skip
CASEWORKER = Portrait(
    wall=("#e3ebef", "#b3c4cf"), skin="#e6b796", shade="#cc9673", hair="#6b4226",
    clothes="#2f4468", plant=True,
)  # fmt: skip

_ROOM = """
<defs>
  <radialGradient id="light" cx="30%" cy="22%" r="95%">
    <stop offset="0" stop-color="{light}"/><stop offset="1" stop-color="{dark}"/>
  </radialGradient>
  <linearGradient id="face" x1="0" x2="1"><stop offset=".45" stop-color="{skin}"/>
    <stop offset="1" stop-color="{shade}"/></linearGradient>
  <filter id="far"><feGaussianBlur stdDeviation="5"/></filter>
</defs>
<rect width="640" height="480" fill="url(#light)"/>
<g filter="url(#far)">{things}</g>
"""
_PLANT = """
<rect x="40" y="60" width="150" height="210" rx="4" fill="#f6fbff"/>
<path d="M115 60v210M40 165h150" stroke="#c2d0d9" stroke-width="6"/>
<path d="M560 480c-8-90-60-110-70-170 40 20 62 60 70 100-4-60 10-110 40-140 8 60-12 110-28 150
  20-30 44-44 68-48-16 50-50 60-64 108z" fill="#6f9278"/>
"""
_SHELF = """
<path d="M420 150h200M420 260h200" stroke="#a98a63" stroke-width="12"/>
<path d="M440 90v54M462 80v64M482 96v48M520 86v58M546 100v44M450 200v54M478 190v64M560 196v58"
  stroke="#8d6f5c" stroke-width="16"/>
<circle cx="96" cy="130" r="46" fill="#fff3cf"/><path d="M96 176v304" stroke="#9c8364" stroke-width="8"/>
"""
_PERSON = """
<g transform="translate(0 {rise})">
  <path d="M130 490c6-104 74-138 148-150h84c74 12 142 46 148 150z" fill="{clothes}"/>
  <path d="M278 300h84v52c-20 26-64 26-84 0z" fill="{shade}"/>
</g>
<g transform="translate({sway} {nod})">
  {behind}
  <ellipse cx="320" cy="222" rx="76" ry="96" fill="url(#face)"/>
  {before}
  <g stroke="{hair}" stroke-width="5" stroke-linecap="round" fill="none">
    <path d="M278 196q12-8 26-2M336 194q14-6 26 2"/>
  </g>
  <ellipse cx="292" cy="214" rx="6" ry="{eye}" fill="#2a211e"/>
  <ellipse cx="349" cy="214" rx="6" ry="{eye}" fill="#2a211e"/>
  <path d="M320 220q8 22 2 30" stroke="{shade}" stroke-width="4" fill="none" stroke-linecap="round"/>
  <path d="M296 274q25 {smile} 50 0" stroke="#8c4a3e" stroke-width="6" fill="none" stroke-linecap="round"/>
</g>
"""
_HAIR = (
    (
        '<path d="M226 260c-22-150 40-180 94-180s118 30 94 180c-4 30-24 40-34 44H262c-12-6-32-18-36-44z"'
        ' fill="{hair}"/>'
    ),
    (
        '<path d="M246 214c0-60 40-92 96-92 30 0 52 40 54 92-20-14-32-40-38-62-22 34-70 46-112 62z"'
        ' fill="{hair}"/>'
    ),
)
_SCARF = (
    (
        '<path d="M222 250c-18-130 42-176 98-176s116 46 98 176c-4 50-30 110-98 118-68-8-94-68-98-118z"'
        ' fill="{scarf}"/>'
    ),
    (
        '<path d="M240 222c-4-70 34-112 80-112s84 42 80 112c-6-56-40-80-80-80s-74 24-80 80z"'
        ' fill="{scarf}"/>'
    ),
)


def draw(portrait: Portrait, moment: float) -> str:
    """Return the person at `moment` of their breath, 0 to 1, as SVG."""
    turn = math.tau * moment
    behind, before = _SCARF if portrait.scarf else _HAIR
    colours = {
        "light": portrait.wall[0],
        "dark": portrait.wall[1],
        "skin": portrait.skin,
        "shade": portrait.shade,
        "hair": portrait.hair,
        "clothes": portrait.clothes,
        "scarf": portrait.scarf,
    }
    room = _ROOM.format(things=_PLANT if portrait.plant else _SHELF, **colours)
    person = _PERSON.format(
        rise=round(2 * math.sin(turn), 2),
        sway=round(3 * math.sin(turn), 2),
        nod=round(2 * math.sin(turn + 0.6), 2),
        eye=1 if 0.46 < moment < 0.5 else 8,
        smile=round(16 + 6 * math.sin(turn), 2),
        behind=behind.format(**colours),
        before=before.format(**colours),
        **colours,
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 480">{room}{person}</svg>'


async def film(browser: Browser, portrait: Portrait, path: Path) -> None:
    """Write the film of `portrait` to `path`: JPEG pictures one after the other (MJPEG)."""
    context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = await context.new_page()
    with path.open("wb") as pictures:
        for number in range(FRAMES):
            svg = draw(portrait, number / FRAMES)
            await page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{svg}")
            pictures.write(await page.screenshot(type="jpeg", quality=92))
    await context.close()
