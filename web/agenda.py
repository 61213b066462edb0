"""The lines of a day: single appointments, and group sessions with those who take part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scheduling.model import Appointment, Span, Status
from scheduling.seats import GroupSession


@dataclass(frozen=True, slots=True)
class Entry:
    """An appointment of its own, or a `session` with its seats."""

    session: GroupSession | None
    appointments: tuple[Appointment, ...]

    @property
    def span(self) -> Span:
        """When it takes place."""
        return self.session.span if self.session else self.appointments[0].span

    @property
    def booked(self) -> Appointment | None:
        """One appointment that can still take place; None where all are cancelled or over."""
        return next((one for one in self.appointments if one.status is Status.BOOKED), None)

    def running(self, now: dt.datetime) -> bool:
        """Tell whether it takes place now."""
        status = (self.session or self.appointments[0]).status
        return status is Status.BOOKED and self.span.start <= now < self.span.end


def entries(listed: Iterable[Appointment], sessions: Collection[GroupSession]) -> list[Entry]:
    """Put the seats of each of the `sessions` together; return all in order of time.

    A session that was cancelled before anybody had a seat in it is left out.
    """
    seats: dict[int, list[Appointment]] = {one.id: [] for one in sessions}
    found = []
    for appointment in listed:
        if appointment.session_id in seats:
            seats[appointment.session_id].append(appointment)
        else:
            found.append(Entry(None, (appointment,)))
    found += [
        Entry(session, tuple(seats[session.id]))
        for session in sessions
        if seats[session.id] or session.status is not Status.CANCELLED
    ]
    return sorted(found, key=lambda entry: entry.span.start)
