"""How a claimant can be reached: what a consultation by phone needs and others may lack."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import schema


async def set_phone(tx: AsyncConnection, appointment_id: int, phone: str) -> None:
    """Store the number (E.164) on which the claimant is called; no history: it is personal."""
    row = schema.appointment
    await tx.execute(update(row).where(row.c.id == appointment_id).values(phone=phone))
