"""What the text of a setting may be, and what becomes of it: addresses, URLs, lists."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from yarl import URL

from signaling.fleet import ControlAddress


def _origin(url: str) -> str:
    try:
        parsed = URL(url)
    except ValueError:
        raise ValueError("is not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError("must start with http:// or https:// and name a host")
    if parsed.path not in {"", "/"} or parsed.query_string or parsed.fragment or parsed.user:
        raise ValueError("must be an origin alone, without path, query or user")
    return str(parsed.origin())


ASYNC_DRIVERS = {
    "sqlite": "sqlite+prompt",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}


def _database(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    url = f"{ASYNC_DRIVERS.get(scheme, scheme)}{separator}{rest}"
    try:
        driver = make_url(url).drivername
    except ArgumentError:
        raise ValueError("is not a database URL") from None
    if driver not in ASYNC_DRIVERS.values():
        raise ValueError("must start with sqlite:/// or postgresql://")
    return url


def _listed(value: object) -> object:
    return tuple(filter(None, value.replace(",", " ").split())) if isinstance(value, str) else value


def _addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(value) for value in values)


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError(f"{value!r} is not an IP address") from None


def _address_or_none(value: str) -> str:
    return "none" if value.lower() == "none" else _address(value)


def _controls(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_control(value) for value in values))


def _control(value: str) -> str:
    return str(ControlAddress.parse(value)) if value else value


_TURN_URL = re.compile(
    r"turns?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?(\?transport=(udp|tcp))?"
)


def _turn_urls(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _TURN_URL.fullmatch(value):  # RFC 7065
            raise ValueError(f"{value!r} is not turn:host:port or turns:host:port")
    return values


Port = Annotated[int, Field(ge=0, le=65535)]
Origin = Annotated[str, AfterValidator(_origin)]
DatabaseUrl = Annotated[str, AfterValidator(_database)]
AddressOrNone = Annotated[str, AfterValidator(_address_or_none)]
Control = Annotated[str, AfterValidator(_control)]
Addresses = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_addresses)
]
Controls = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_controls)]
TurnUrls = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_listed), AfterValidator(_turn_urls)
]
