"""Passwords and sessions of staff: argon2id, hashed session tokens, back-off per account."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling.schema import staff, staff_session
from scheduling.store import Store
from scheduling.tokens import digest, new_token
from web.sign_in import Staff, StaffRole

SESSION = dt.timedelta(hours=12)
"""A working day: nobody stays signed in on a shared tablet overnight."""

FREE_TRIES = 5
LONGEST_WAIT = dt.timedelta(minutes=1)
REMEMBERED_ACCOUNTS = 10_000

HASHER = PasswordHasher()  # argon2id, RFC 9106 section 4, second recommended option


def hash_password(password: str) -> str:
    """Return the argon2id hash to store (takes tens of milliseconds of one core)."""
    return HASHER.hash(password)


def _matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, password)  # at the cost that `stored` names
    except (VerificationError, InvalidHashError):
        return False


@dataclass(slots=True)
class _Tries:
    failed: int = 0
    not_before: dt.datetime | None = None


class BackOff:
    """Slows down guessing at one account: after five failures each try doubles the wait.

    The wait ends at a minute, so that nobody can lock a colleague out for long. Kept in memory
    for the accounts tried last; addresses are kept hashed.
    """

    def __init__(self) -> None:
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def allows(self, account: str, now: dt.datetime) -> bool:
        """Whether `account` may be tried now."""
        tries = self._tries.get(digest(account))
        return tries is None or tries.not_before is None or now >= tries.not_before

    def failed(self, account: str, now: dt.datetime) -> None:
        """Note a failure."""
        key = digest(account)
        tries = self._tries.setdefault(key, _Tries())
        self._tries.move_to_end(key)
        tries.failed += 1
        if tries.failed >= FREE_TRIES:
            doubled = dt.timedelta(seconds=2 ** min(tries.failed - FREE_TRIES, 16))
            tries.not_before = now + min(doubled, LONGEST_WAIT)
        if len(self._tries) > REMEMBERED_ACCOUNTS:
            self._tries.popitem(last=False)

    def succeeded(self, account: str) -> None:
        """Forget the failures."""
        self._tries.pop(digest(account), None)


class PasswordSignIn:
    """Signs staff in by mail address and password; `hasher` sets what guessing costs."""

    def __init__(self, store: Store, hasher: PasswordHasher = HASHER) -> None:
        self._store = store
        self._hasher = hasher
        self._back_off = BackOff()
        # Two at a time: hashing holds 64 MiB each, and pages must stay quick meanwhile.
        self._executor = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._nobody = hasher.hash(secrets.token_hex())

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def by_password(self, email: str, password: str, now: dt.datetime) -> str | None:
        """Return a new session's token, or None when refused.

        An unknown or deactivated account costs the same hash as a wrong password.
        """
        email = email.strip().lower()
        if not self._back_off.allows(email, now):
            return None
        # Counted before the hash is done: tries made at once must not all be free.
        self._back_off.failed(email, now)
        async with self._store.reading() as tx:
            query = select(staff.c.id, staff.c.password_hash).where(staff.c.email == email)
            account = (await tx.execute(query.where(staff.c.active))).one_or_none()
        stored = account.password_hash if account else self._nobody
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self._executor, _matches, stored, password)
        if account is None or not matches:
            return None
        self._back_off.succeeded(email)
        rehashed = None
        if self._hasher.check_needs_rehash(stored):
            rehashed = await loop.run_in_executor(self._executor, self._hasher.hash, password)
        async with self._store.writing() as tx:
            if rehashed:
                change = update(staff).where(staff.c.id == account.id)
                await tx.execute(change.values(password_hash=rehashed))
            return await _new_session(tx, account.id, now)

    async def staff(self, session_token: str, now: dt.datetime) -> Staff | None:
        """Return whose session it is; None for unknown, expired or deactivated."""
        query = (
            select(staff)
            .join(staff_session, staff_session.c.staff_id == staff.c.id)
            .where(staff_session.c.token_hash == digest(session_token))
            .where(staff_session.c.expires_at > now)
            .where(staff.c.active)
        )
        async with self._store.reading() as tx:
            found = (await tx.execute(query)).one_or_none()
        if found is None:
            return None
        return Staff(
            id=found.id,
            name=found.name,
            email=found.email,
            role=StaffRole(found.role),
            resource_id=found.resource_id,
        )

    async def forget(self, session_token: str) -> None:
        """End a session; an unknown token is no error."""
        async with self._store.writing() as tx:
            await tx.execute(
                delete(staff_session).where(staff_session.c.token_hash == digest(session_token))
            )


async def _new_session(tx: AsyncConnection, staff_id: int, now: dt.datetime) -> str:
    token = new_token()
    await tx.execute(
        insert(staff_session).values(
            token_hash=digest(token), staff_id=staff_id, created_at=now, expires_at=now + SESSION
        )
    )
    return token
