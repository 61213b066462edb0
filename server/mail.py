"""Delivery of letters from the outbox: over SMTP, or into a demo office's folder.

A letter is marked as sent after the mail server took it, so a crash in between sends it twice
(with the same Message-ID) and never loses it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import aiosmtplib
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import outbox
from scheduling.outbox import Letter
from scheduling.store import Store
from server.backlog import anything_due
from server.config import Config

log = structlog.get_logger()

SECONDS_PER_COMMAND = 20
LETTERS_PER_ROUND = 20
"""Few enough that even a slow mail server takes them within the lease (`scheduling.outbox`)."""

SECONDS_BETWEEN_ROUNDS = 1.0


class DeliveryFailed(Exception):
    """The letter did not go out this time; it may later."""


class DeliveryRefused(DeliveryFailed):
    """The mail server will never take this letter (RFC 5321 section 4.2.1, replies 5yz)."""


class Carrier(Protocol):
    """Takes one letter after the other out of the building."""

    async def carry(self, letter: Letter) -> None:
        """Hand the letter over; raise `DeliveryFailed` or `DeliveryRefused` if not taken."""


class Delivery(Protocol):
    """The way out of the building."""

    def open(self) -> contextlib.AbstractAsyncContextManager[Carrier]:
        """Open the way for a few letters; entering raises `DeliveryFailed` if it is closed."""


class Smtp:
    """The office's mail server; one connection carries a round of letters."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._tls = ssl.create_default_context()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Carrier]:
        """Connect, encrypt and sign in as configured."""
        config = self._config
        client = aiosmtplib.SMTP(
            hostname=config.smtp_host,
            port=config.smtp_port,
            use_tls=config.smtp_security == "tls",
            start_tls=config.smtp_security == "starttls",
            username=config.smtp_user,
            password=config.smtp_password.get_secret_value() if config.smtp_password else None,
            timeout=SECONDS_PER_COMMAND,
            tls_context=self._tls,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(_described(error)) from None
        try:
            yield SmtpCarrier(client, config.sender)
        finally:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            client.close()


class SmtpCarrier:
    """One open connection to the mail server."""

    def __init__(self, client: aiosmtplib.SMTP, sender: str) -> None:
        self._client = client
        self._sender = sender

    async def carry(self, letter: Letter) -> None:
        """Hand one letter to the mail server as it is stored, byte for byte."""
        try:
            await self._client.sendmail(self._sender, [letter.recipient], letter.message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _failure(error.recipients[0]) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise DeliveryFailed(_described(error)) from None


def _failure(error: aiosmtplib.SMTPResponseException) -> DeliveryFailed:
    permanent = 500 <= error.code < 600
    return (DeliveryRefused if permanent else DeliveryFailed)(_described(error))


def _described(error: Exception) -> str:
    # The server's words may quote the address, so its reply code alone is kept.
    match error:
        case aiosmtplib.SMTPResponseException():
            return f"reply {error.code}"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return type(error).__name__


class Folder:
    """A demo office's way out: every letter becomes a file, and none leaves the machine."""

    def __init__(self, path: Path, clock: Callable[[], dt.datetime]) -> None:
        self._path = path
        self._clock = clock

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Carrier]:
        """Make the folder."""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DeliveryFailed(_described(error)) from None
        yield self

    async def carry(self, letter: Letter) -> None:
        """Write one letter, named by time and number so that names sort by age."""
        name = f"{self._clock():%Y%m%dT%H%M%S}-{letter.id:06d}.eml"
        try:
            await asyncio.to_thread(self._write, name, letter.message)
        except OSError as error:
            raise DeliveryFailed(_described(error)) from None

    def _write(self, name: str, message: bytes) -> None:
        # Renamed into place, so that the mail view never shows half a letter.
        draft = self._path / f".{name}.draft"
        draft.write_bytes(message)
        draft.rename(self._path / name)


def delivery_of(config: Config, clock: Callable[[], dt.datetime]) -> Delivery:
    """Return how this office's letters leave: by SMTP, or not at all in a demo."""
    return Folder(config.mail_folder, clock) if config.demo else Smtp(config)


Write = Callable[[AsyncConnection, bytes], Awaitable[bytes]]
"""Makes the RFC 5322 message of what the outbox holds."""


class Post:
    """The worker that empties the outbox; `sent`, `failed` and `refused` count since start."""

    def __init__(
        self, store: Store, delivery: Delivery, write: Write, clock: Callable[[], dt.datetime]
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._write = write
        self._clock = clock
        self.sent = self.failed = self.refused = 0

    async def run(self) -> None:
        """Deliver what is due, for ever; a new letter waits a second at most."""
        while True:
            if await self.deliver_due() < LETTERS_PER_ROUND:
                await asyncio.sleep(SECONDS_BETWEEN_ROUNDS)

    async def deliver_due(self) -> int:
        """Try some of the letters that are due once; return how many, 0 if none can leave now."""
        async with self._store.reading() as tx:
            if not await anything_due(tx, self._clock()):
                return 0
        async with self._store.writing() as tx:
            letters = await outbox.due(tx, self._clock(), LETTERS_PER_ROUND)
        try:
            async with self._delivery.open() as carrier:
                for letter in letters:
                    await self._deliver(carrier, letter)
        except DeliveryFailed as failure:
            # Those behind them would fail alike: they are left alone until some time has passed.
            log.warning("mail cannot leave", reason=str(failure), waiting=len(letters))
            self.failed += len(letters)
            async with self._store.writing() as tx:
                await outbox.put_off(tx, letters, str(failure), self._clock())
            return 0
        return len(letters)

    async def _deliver(self, carrier: Carrier, letter: Letter) -> None:
        try:
            await carrier.carry(await self._written(letter))
        except DeliveryFailed as failure:
            log.warning("letter not taken", letter=letter.id, reason=str(failure))
            await self._mark_failed(letter, failure)
            return
        async with self._store.writing() as tx:
            await outbox.sent(tx, letter.id, self._clock())
        self.sent += 1

    async def _written(self, letter: Letter) -> Letter:
        try:
            async with self._store.reading() as tx:
                return replace(letter, message=await self._write(tx, letter.message))
        except (LookupError, TypeError, ValueError) as error:
            # One note that cannot be read must not keep other letters from going out.
            log.exception("letter cannot be written", letter=letter.id)
            raise DeliveryFailed("cannot be written") from error

    async def _mark_failed(self, letter: Letter, failure: DeliveryFailed) -> None:
        for_good = isinstance(failure, DeliveryRefused)
        self.refused += for_good
        self.failed += not for_good
        async with self._store.writing() as tx:
            await outbox.failed(tx, letter.id, str(failure), self._clock(), for_good=for_good)
