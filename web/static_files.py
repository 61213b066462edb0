"""Style sheets, modules and fonts, served from memory under an address that names their content.

The address carries one hash of the whole folder. So modules find each other by relative paths
and a style sheet its fonts, everything may be kept for a year, and a new version never mixes
with an old one.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent / "static"
_TEXT = {".css", ".js", ".svg", ".json", ".txt", ".webmanifest"}
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".woff": "font/woff"}
_FOR_A_YEAR = "public, max-age=31536000, immutable"
_ASK_AGAIN = "public, max-age=0, must-revalidate"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, the gzipped bytes where that helps, and its media type."""

    body: bytes
    gzipped: bytes | None
    media_type: str


class StaticFiles:
    """Every file of one folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in _TEXT | {".woff2", ".png", ".ico"}
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(name.encode() + b"\0" + file.body)
        self.version = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Return the lasting address of ``css/pages.css`` and the like."""
        return f"/static/{self.version}/{name}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer ``/static/[version/]name``; an old version gets the present file."""
        first, _, rest = request.match_info["path"].partition("/")
        file = self._files.get(request.match_info["path"]) or self._files.get(rest)
        if file is None:
            raise web.HTTPNotFound
        headers = {
            "Cache-Control": _FOR_A_YEAR if first == self.version else _ASK_AGAIN,
            "ETag": f'"{self.version}"',
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        body = file.body
        if file.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = file.gzipped, "gzip"
        return web.Response(body=body, content_type=file.media_type, headers=headers)


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    gzipped = _gzipped(body) if path.suffix in _TEXT else None
    return StaticFile(body, gzipped, media_type or "application/octet-stream")


@lru_cache(maxsize=256)
def _gzipped(body: bytes) -> bytes:
    # One process may hold several applications; each would pack the same files.
    return gzip.compress(body, mtime=0)
