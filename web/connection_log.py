"""Writes who was connected when into the plan, and tells it in sentences.

What is written comes from the server's own observation of the rooms, at most once a second and
all of it in one transaction; what cannot be written now is written later.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import connections
from scheduling.connections import Side, Stay
from scheduling.store import Store
from signaling.visits import Ending, Visit, Visits
from web.calls import subject_of
from web.translations import N_

_PAUSE = 1.0  # seconds between two transactions
_LAST_WORDS = 2.0  # seconds
STILL = dt.timedelta(seconds=90)
"""Who was seen within this time and has not gone is still there."""

_log = structlog.get_logger(__name__)

SIDES: Mapping[Side, str] = {
    Side.CLAIMANT: N_("Claimant"),
    Side.COMPANION: N_("Companion"),
    Side.INTERPRETER: N_("Interpreter"),
    Side.CASEWORKER: N_("Caseworker"),
}

ENDINGS: Mapping[str, str] = {
    "": N_("The end is not known: the server stopped."),
    Ending.LEFT: N_("Left the call."),
    Ending.LOST: N_("Then the connection broke off."),
    Ending.ENDED: N_("Then the consultation was ended for all."),
    Ending.DISMISSED: N_("Was turned away."),
    Ending.SHUTDOWN: N_("Then the server was restarted."),
}
"""What is said of how a stay ended."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stay as the page tells it; `how` names the sentence."""

    stay: Stay
    side: str
    how: str
    ending: str
    still: bool


def lines(stays: list[Stay], now: dt.datetime) -> list[Line]:
    """Return the log of an appointment for its page, the earliest first."""
    return [_line(stay, now) for stay in connections.joined(stays)]


def _line(stay: Stay, now: dt.datetime) -> Line:
    still = not stay.ending and now - stay.seen < STILL
    how = "waited"
    if stay.admitted is not None:
        how = "connected" if stay.connected is not None else "unconnected"
    return Line(stay, SIDES[stay.side], how, "" if still else ENDINGS[stay.ending], still)


class ConnectionLog:
    """Writes the visits of all rooms into the store. A store that fails keeps no call waiting."""

    def __init__(self, store: Store, visits: Visits) -> None:
        self._store = store
        self._visits = visits

    async def run(self) -> None:
        """Write what changes for as long as the store takes it; raises what it raises."""
        while True:
            await self._visits.wait()
            await self._write()
            await asyncio.sleep(_PAUSE)

    async def finish(self) -> None:
        """Write what is left when the server stops; a store that is away does not hold it up."""
        try:
            async with asyncio.timeout(_LAST_WORDS):
                await self._write()
        except (SQLAlchemyError, OSError):
            _log.warning("connection log is incomplete", exc_info=True)

    async def _write(self) -> None:
        if not (taken := self._visits.take()):
            return
        try:
            async with self._store.writing() as tx:
                for visit in taken:
                    await _note(tx, visit)
        except BaseException:
            self._visits.give_back(taken)
            raise


async def _note(tx: AsyncConnection, visit: Visit) -> None:
    values: dict[str, Any] = {
        "arrived_at": visit.arrived,
        "seen_at": max(visit.arrived, visit.seen),
        "admitted_at": visit.admitted,
        "connected_at": visit.connected,
        "interruptions": visit.interruptions,
        "interrupted_seconds": round(visit.interrupted.total_seconds()),
        "ending": visit.ending,
    }
    who, _, number = visit.key.partition(":")
    if who == "link":
        await connections.note_guest(tx, int(number), visit.id, **values)
    else:
        appointment_id, session_id = subject_of(visit.room)
        await connections.note_staff(
            tx, visit.id, appointment_id=appointment_id, session_id=session_id, **values
        )
