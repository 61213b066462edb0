"""The configuration: one frozen value, read once from ``SPRECHZEIT_*`` variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import EmailStr, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.failure import CannotStart
from server.setting_types import (
    Addresses,
    AddressOrNone,
    Control,
    Controls,
    DatabaseUrl,
    Origin,
    Port,
    TurnUrls,
)

PREFIX = "SPRECHZEIT_"


class Config(BaseSettings):
    """Everything an operator can set; each field's description is its line in the table."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    host: str = Field("localhost", description="Name or address the pages are served on.")
    port: Port = Field(8080, description="TCP port of the pages; 0 takes any free one.")
    data: Path = Field(
        Path("var"), description="Folder for the SQLite store, the secret and the demo's mail."
    )
    database_url: DatabaseUrl | None = Field(
        None, description="`sqlite:///…` or `postgresql://…`; default: SQLite in the data folder."
    )
    public_url: Origin | None = Field(
        None, description="Origin people reach the pages at; default: `http://localhost:PORT`."
    )
    office: str = Field(
        "Sprechzeit", min_length=1, max_length=200, description="Name of the office."
    )
    organizer_email: EmailStr | None = Field(
        None, description="Sender of the letters and organizer of the calendar invitations."
    )
    demo: bool = Field(
        default=False, description="Demo office: letters are kept in the data folder, never sent."
    )
    secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key of form tokens, 32 characters or more; default: made once and kept "
        "in the data folder.",
    )
    lobby_minutes: int = Field(
        15, ge=0, le=240, description="How long before its start a video lobby opens."
    )
    hold_minutes: int = Field(
        10, ge=1, le=60, description="How long a chosen slot is kept while details are typed."
    )
    undo_seconds: int = Field(
        30,
        ge=0,
        le=600,
        description="How long letters about changes on the console wait: "
        "undoing the change takes them back.",
    )
    retention_days: int = Field(
        90, ge=0, le=3650, description="How long after its end an appointment is kept."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=8, description="Reverse proxies in front that append to `X-Forwarded-For`."
    )
    rate_limit_factor: float = Field(
        1.0, gt=0, description="Multiplies how often one client address may book or sign in."
    )
    smtp_host: str = Field("localhost", min_length=1, description="Mail server.")
    smtp_port: Port = Field(25, description="Port of the mail server.")
    smtp_security: Literal["none", "starttls", "tls"] = Field(
        "none", description="Encryption to the mail server: `none`, `starttls` or `tls`."
    )
    smtp_user: str | None = Field(None, description="User at the mail server.")
    smtp_password: SecretStr | None = Field(None, description="Password at the mail server.")
    relay_host_v4: AddressOrNone = Field(
        "0.0.0.0",  # noqa: S104  (a relay on loopback alone would carry no call)
        description="IPv4 address the relay receives media on.",
    )
    relay_host_v6: AddressOrNone = Field(
        "::", description="IPv6 address the relay receives media on; `none` switches IPv6 off."
    )
    relay_port: Port = Field(8443, description="UDP port of the relay; 0 takes any free one.")
    relay_tcp_port: Port | Literal["none"] | None = Field(
        None,
        description="TCP port of the relay, for networks without UDP; default: the number of "
        "the UDP port; 0 takes any free one, `none` switches TCP off.",
    )
    relay_advertised: Addresses = Field(
        (),
        description="Addresses browsers send media to, comma-separated; default: this host's own.",
    )
    relays: Controls = Field(
        (),
        description="Relay processes that carry the calls, comma-separated: `unix:/path` or "
        "`tcp://host:port` of their `RELAY_CONTROL`; default: this process does.",
    )
    relay_control: Control = Field(
        "", description="Where `sprechzeit relay` takes orders: `unix:/path` or `tcp://host:port`."
    )
    relay_secret: SecretStr | None = Field(
        None,
        min_length=32,
        description="What servers and relay processes prove to each other, 32 characters or more; "
        "needed for `tcp://`.",
    )
    turn_urls: TurnUrls = Field(
        (),
        description="The office's own TURN servers, comma-separated, e.g. "
        "`turns:turn.example.org:443?transport=tcp`.",
    )
    turn_secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="The TURN servers' `static-auth-secret`, 16 characters or more.",
    )
    turn_only: bool = Field(
        default=False, description="Browsers reach the relay through the TURN servers alone."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="`console`, `json`, or by whether standard error is a terminal."
    )

    @model_validator(mode="after")
    def _letters_have_a_sender(self) -> Self:
        if not self.demo and self.organizer_email is None:
            raise ValueError("ORGANIZER_EMAIL must be set unless SPRECHZEIT_DEMO is on")
        if (self.smtp_user is None) != (self.smtp_password is None):
            raise ValueError("SMTP_USER and SPRECHZEIT_SMTP_PASSWORD belong together")
        return self

    @model_validator(mode="after")
    def _relays_can_be_reached(self) -> Self:
        if self.relay_host_v4 == "none":
            raise ValueError("RELAY_HOST_V4 must be an address")
        controls = (*self.relays, self.relay_control)
        if self.relay_secret is None and any(each.startswith("tcp:") for each in controls):
            raise ValueError("RELAY_SECRET must be set where control goes over tcp://")
        return self

    @model_validator(mode="after")
    def _turn_is_whole(self) -> Self:
        if bool(self.turn_urls) != (self.turn_secret is not None):
            raise ValueError("TURN_URLS and SPRECHZEIT_TURN_SECRET belong together")
        if self.turn_only and not self.turn_urls:
            raise ValueError("TURN_ONLY needs SPRECHZEIT_TURN_URLS")
        return self

    @property
    def origin(self) -> str:
        """The public origin, without a trailing slash."""
        return self.public_url or f"http://localhost:{self.port}"

    @property
    def tcp_port(self) -> int | None:
        """The relay's TCP port, None for none."""
        if self.relay_tcp_port == "none":
            return None
        return self.relay_port if self.relay_tcp_port is None else self.relay_tcp_port

    @property
    def sender(self) -> str:
        """The organizer's address."""
        return str(self.organizer_email or "termine@example.org")

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store."""
        if self.database_url:
            return self.database_url
        return f"sqlite+prompt:///{self.data.absolute() / 'sprechzeit.sqlite3'}"

    @property
    def mail_folder(self) -> Path:
        """Where a demo office keeps its letters."""
        return self.data / "mail"


class RelayProcess(Config):
    """The same settings for a process that carries calls alone."""

    @model_validator(mode="after")
    def _letters_have_a_sender(self) -> Self:
        return self  # no letter leaves from a relay

    @model_validator(mode="after")
    def _orders_can_come(self) -> Self:
        if not self.relay_control:
            raise ValueError("RELAY_CONTROL must be set for `sprechzeit relay`")
        return self


C = TypeVar("C", bound=Config)


def read_config(**overrides: Any) -> Config:
    """Read the environment; `overrides` (from the command line) win.

    Raises `CannotStart` naming every variable that is wrong.
    """
    return _read(Config, overrides)


def read_relay_config() -> RelayProcess:
    """Read the environment for a relay process; raises as `read_config` does."""
    return _read(RelayProcess, {})


def _read(kind: type[C], overrides: Mapping[str, Any]) -> C:
    try:
        return kind(**overrides)
    except ValidationError as error:
        raise CannotStart("; ".join(_complaints(error))) from None


def _complaints(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        message = fault["msg"].removeprefix("Value error, ")
        if fault["loc"]:
            yield f"{PREFIX}{str(fault['loc'][0]).upper()}: {message}"
        else:
            yield f"{PREFIX}{message}"


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that look like settings and are none, e.g. a mistyped one."""
    known = {PREFIX + name.upper() for name in Config.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def table() -> str:
    """Return all variables as a Markdown table, for ``docs/configuration.md``."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Config.model_fields.items():
        rows.append(f"| `{PREFIX}{name.upper()}` | {_shown(field.default)} | {field.description} |")
    return "\n".join(rows)


def _shown(default: object) -> str:
    match default:
        case None | () | "":
            return ""
        case bool():
            return "`on`" if default else "`off`"
        case _:
            return f"`{default}`"
