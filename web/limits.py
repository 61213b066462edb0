"""How often one client address may book, sign in, or be wrong about a link.

Token buckets in memory, one process's own; their number is bounded and the least recently
used is forgotten first.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections import OrderedDict

from aiohttp import web

from web.keys import CLOCK, SETTINGS
from web.settings import Rate

_ADDRESSES = 20_000


class TooMany(Exception):
    """This client has done that too often; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Buckets:
    """One bucket per key, filled at `rate`."""

    def __init__(self, rate: Rate, *, capacity: int = _ADDRESSES) -> None:
        self._rate = rate
        self._capacity = capacity
        self._levels: OrderedDict[str, tuple[float, dt.datetime]] = OrderedDict()

    def take(self, key: str, now: dt.datetime) -> None:
        """Take one token, or raise `TooMany`."""
        level = self._level(key, now)
        self._require(level)
        self._levels[key] = (level - 1, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)

    def check(self, key: str, now: dt.datetime) -> None:
        """Raise `TooMany` where `take` would, and take nothing."""
        self._require(self._level(key, now))

    def _level(self, key: str, now: dt.datetime) -> float:
        level, at = self._levels.get(key, (float(self._rate.burst), now))
        minutes = max(0.0, (now - at).total_seconds() / 60)
        return min(float(self._rate.burst), level + minutes * self._rate.per_minute)

    def _require(self, level: float) -> None:
        if level < 1:
            raise TooMany(max(1, round((1 - level) * 60 / self._rate.per_minute)))


BOOKING: web.AppKey[Buckets] = web.AppKey("booking")
SIGNING_IN: web.AppKey[Buckets] = web.AppKey("signing_in")
GUESSING: web.AppKey[Buckets] = web.AppKey("guessing")


def take(request: web.Request, buckets: web.AppKey[Buckets]) -> None:
    """Take one token of this client's bucket, or raise `TooMany`."""
    request.app[buckets].take(client(request), request.app[CLOCK]())


def check(request: web.Request, buckets: web.AppKey[Buckets]) -> None:
    """Raise `TooMany` if this client's bucket is empty."""
    request.app[buckets].check(client(request), request.app[CLOCK]())


def client(request: web.Request) -> str:
    """Return the client's address as the outermost trusted proxy saw it.

    An IPv6 client is its /64: within that it can choose addresses freely (RFC 8981).
    """
    seen = request.remote or ""
    proxies = request.app[SETTINGS].trusted_proxies
    if proxies:
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        if hops:
            seen = hops[-min(proxies, len(hops))]
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return seen[:64]
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
