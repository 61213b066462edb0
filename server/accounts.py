"""Accounts of staff, as the command line adds them."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from scheduling.model import Kind
from scheduling.schema import resource, staff, staff_session
from scheduling.store import Store
from server.failure import CannotStart
from web.sign_in import StaffRole


async def add(
    store: Store,
    *,
    email: str,
    name: str,
    role: StaffRole,
    password_hash: str,
    caseworker: str | None = None,
) -> None:
    """Add an account, or give an existing one a new name, role and password.

    `caseworker` is the name under which this person stands in the plan. Raises `CannotStart`
    when nobody, or more than one, stands there by that name.
    """
    values = {
        "name": name,
        "role": role.value,
        "password_hash": password_hash,
        "active": True,
    }
    async with store.writing() as tx:
        if caseworker is not None:
            query = select(resource.c.id).where(
                resource.c.kind == Kind.CASEWORKER.value, resource.c.name == caseworker
            )
            found = (await tx.execute(query)).scalars().all()
            if len(found) != 1:
                raise CannotStart(f"{len(found)} caseworkers are called {caseworker!r} in the plan")
            values["resource_id"] = found[0]
        try:
            async with tx.begin_nested():
                await tx.execute(insert(staff).values(email=email.lower(), **values))
        except IntegrityError:
            account = staff.c.email == email.lower()
            await tx.execute(update(staff).where(account).values(**values))
            # Whoever is signed in with the old password is not any more.
            ids = select(staff.c.id).where(account)
            await tx.execute(delete(staff_session).where(staff_session.c.staff_id.in_(ids)))
