"""An appointment as it was at one moment, kept for a letter that is written later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments
from scheduling.model import Appointment, Resource

_INSTANTS = ("starts_at", "ends_at", "changed_at", "delete_after")


def taken(appointment: Appointment) -> dict[str, Any]:
    """Return the columns of `appointment` in values that JSON knows (RFC 8259)."""
    return {
        "id": appointment.id,
        "uid": appointment.uid,
        "reference": appointment.reference,
        "topic_id": appointment.topic.id,
        "way": appointment.way,
        "site_id": appointment.site.id,
        "caseworker_id": appointment.caseworker.id,
        "room_id": _id(appointment.room),
        "device_id": _id(appointment.device),
        "interpreter_id": _id(appointment.interpreter),
        "starts_at": appointment.span.start.isoformat(),
        "ends_at": appointment.span.end.isoformat(),
        "status": appointment.status,
        "sequence": appointment.sequence,
        "name": appointment.person.name,
        "email": appointment.person.email,
        "phone": appointment.person.phone,
        "step_free": appointment.needs.step_free,
        "interpreter": appointment.needs.interpreter,
        "companion": appointment.needs.companion,
        "locale": appointment.locale,
        "changed_at": appointment.changed_at.isoformat(),
        "delete_after": appointment.delete_after.isoformat(),
    }


async def restored(tx: AsyncConnection, columns: Mapping[str, Any]) -> Appointment:
    """Return the appointment that was `taken`, with the names its place and people have now."""
    instants = {name: dt.datetime.fromisoformat(columns[name]) for name in _INSTANTS}
    return await appointments.made(tx, {**columns, **instants})


def _id(resource: Resource | None) -> int | None:
    return resource.id if resource else None
