"""Signing in: argon2id, hashed sessions that end, and patience with guessers."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from scheduling.schema import staff, staff_session
from scheduling.store import Store
from server import accounts
from server.sign_in import PasswordSignIn, hash_password
from tests.conftest import Clock
from web.sign_in import StaffRole

EMAIL, PASSWORD = "mara@example.org", "correct horse battery"


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def sign_in(store: Store, password_hash: str):
    await accounts.add(
        store,
        email="Mara@Example.org",
        name="Mara Muster",
        role=StaffRole.RECEPTION,
        password_hash=password_hash,
    )
    sign_in = PasswordSignIn(store)
    yield sign_in
    sign_in.close()


async def test_the_right_password_opens_a_session_of_the_right_person(
    sign_in: PasswordSignIn, clock: Clock
) -> None:
    token = await sign_in.by_password(" MARA@example.org ", PASSWORD, clock())

    somebody = await sign_in.staff(token or "", clock())

    assert somebody is not None
    assert (somebody.name, somebody.email, somebody.role) == (
        "Mara Muster",
        EMAIL,
        StaffRole.RECEPTION,
    )


async def test_sessions_are_stored_hashed(
    sign_in: PasswordSignIn, store: Store, clock: Clock
) -> None:
    token = await sign_in.by_password(EMAIL, PASSWORD, clock())

    async with store.reading() as tx:
        stored = (await tx.execute(select(staff_session.c.token_hash))).scalar_one()
    assert token is not None
    assert token not in stored


async def test_a_wrong_password_and_an_unknown_address_are_refused_alike(
    sign_in: PasswordSignIn, clock: Clock
) -> None:
    assert await sign_in.by_password(EMAIL, "wrong", clock()) is None
    assert await sign_in.by_password("nobody@example.org", PASSWORD, clock()) is None


async def test_a_session_ends_after_twelve_hours(sign_in: PasswordSignIn, clock: Clock) -> None:
    token = await sign_in.by_password(EMAIL, PASSWORD, clock()) or ""
    clock.forward(hours=11, minutes=59)
    before = await sign_in.staff(token, clock())

    clock.forward(minutes=1)

    assert before is not None
    assert await sign_in.staff(token, clock()) is None


async def test_signing_out_ends_the_session(sign_in: PasswordSignIn, clock: Clock) -> None:
    token = await sign_in.by_password(EMAIL, PASSWORD, clock()) or ""

    await sign_in.forget(token)
    await sign_in.forget("unknown")

    assert await sign_in.staff(token, clock()) is None


async def test_a_deactivated_account_is_out_at_once(
    sign_in: PasswordSignIn, store: Store, clock: Clock
) -> None:
    token = await sign_in.by_password(EMAIL, PASSWORD, clock()) or ""

    async with store.writing() as tx:
        await tx.execute(update(staff).values(active=False))

    assert await sign_in.staff(token, clock()) is None
    assert await sign_in.by_password(EMAIL, PASSWORD, clock()) is None


async def test_guessing_makes_even_the_right_password_wait_a_while(
    sign_in: PasswordSignIn, clock: Clock
) -> None:
    for _ in range(5):
        await sign_in.by_password(EMAIL, "guess", clock())
    throttled = await sign_in.by_password(EMAIL, PASSWORD, clock())

    clock.forward(minutes=1)

    assert throttled is None
    assert await sign_in.by_password(EMAIL, PASSWORD, clock()) is not None


async def test_guessing_at_one_account_leaves_others_alone(
    sign_in: PasswordSignIn, clock: Clock
) -> None:
    for _ in range(6):
        await sign_in.by_password("other@example.org", "guess", clock())

    assert await sign_in.by_password(EMAIL, PASSWORD, clock()) is not None


async def test_a_new_password_ends_the_sessions_of_the_old_one(
    sign_in: PasswordSignIn, store: Store, clock: Clock, password_hash: str
) -> None:
    token = await sign_in.by_password(EMAIL, PASSWORD, clock()) or ""

    await accounts.add(
        store,
        email=EMAIL,
        name="Mara Muster",
        role=StaffRole.ADMIN,
        password_hash=password_hash,
    )

    assert await sign_in.staff(token, clock()) is None
    again = await sign_in.by_password(EMAIL, PASSWORD, clock()) or ""
    found = await sign_in.staff(again, clock())
    assert found is not None
    assert found.role is StaffRole.ADMIN


async def test_a_hash_of_weaker_parameters_is_replaced_at_the_next_sign_in(
    sign_in: PasswordSignIn, store: Store, clock: Clock
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD)
    async with store.writing() as tx:
        await tx.execute(update(staff).values(password_hash=weak))

    await sign_in.by_password(EMAIL, PASSWORD, clock())

    async with store.reading() as tx:
        assert (await tx.execute(select(staff.c.password_hash))).scalar_one() != weak
