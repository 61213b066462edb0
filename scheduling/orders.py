"""Orders for appointments: who takes each of them, and how several are booked in one go.

Whatever arrives while the store is busy is booked together (`scheduling.desk`), so that the
statements of a booking, and its commit, are shared.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import appointments, catalog, claims, outbox, rows, schema, slots
from scheduling.changes import history_row, link_row
from scheduling.grid import local_date
from scheduling.model import (
    Appointment,
    Change,
    Kind,
    Needs,
    Part,
    Person,
    Site,
    SlotTaken,
    Span,
    Status,
    Topic,
    Way,
)
from scheduling.slots import Option, SlotQuery
from scheduling.tokens import new_reference, new_token

RETENTION_DAYS = 90
"""How long after its end an appointment's personal data are kept, unless configured."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A booking. `created` is false when the same hold had been confirmed before.

    `companion_token` is the companion's own link, empty where none was asked for.
    """

    appointment: Appointment
    link_token: str
    created: bool
    companion_token: str = ""


Letter = Callable[[Confirmed], bytes]
"""Writes what the claimant is told of a booking."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be booked, for whom, and by whom.

    `link_token` is the claimant's link where it is to be a certain one; the store knows each but
    once. A companion whose name is given gets a link of their own.
    """

    topic: Topic
    way: Way
    start: dt.datetime
    site_id: int | None
    person: Person
    needs: Needs
    locale: str
    now: dt.datetime
    actor: str
    caseworker_id: int | None = None
    keep_days: int = RETENTION_DAYS
    for_staff: bool = True
    link_token: str | None = None
    companion: str = ""
    letter: Letter | None = None

    @property
    def query(self) -> SlotQuery:
        """The search for whoever could take it."""
        date = local_date(self.start)
        return SlotQuery(
            self.topic, self.way, date, date, self.site_id, self.needs, self.caseworker_id,
            for_staff=self.for_staff,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """An order with who and what takes it. `site` is where the appointment is kept.

    `held` is what was held for it beforehand; the topic's terms may have changed since.
    """

    order: Order
    option: Option
    site: Site
    held: Span | None = None

    @property
    def span(self) -> Span:
        """What the claimant gets, without buffer."""
        if self.held is not None:
            return self.held
        minutes = self.order.topic.ways[self.order.way].minutes
        return Span(self.order.start, self.order.start + dt.timedelta(minutes=minutes))

    @property
    def wanted(self) -> Mapping[int, Span]:
        """What it claims, by resource id."""
        return claims.needed(self.order.topic.ways[self.order.way], self.option, self.span)

    def confirmed(self, appointment_id: int) -> Confirmed:
        """Return the booking that comes of it under that id."""
        order, option, span = self.order, self.option, self.span
        appointment = Appointment(
            id=appointment_id,
            uid=str(uuid.uuid4()),
            reference=new_reference(),
            topic=order.topic,
            way=order.way,
            site=self.site,
            caseworker=option.caseworker,
            room=option.room,
            span=span,
            status=Status.BOOKED,
            sequence=0,
            person=order.person,
            needs=order.needs,
            locale=order.locale,
            changed_at=order.now,
            delete_after=span.end + dt.timedelta(days=order.keep_days),
            tablet=option.first(Kind.TABLET),
            camera=option.first(Kind.CAMERA),
            interpreter=option.first(Kind.INTERPRETER),
        )
        companion = new_token() if order.companion else ""
        return Confirmed(
            appointment, order.link_token or new_token(), created=True, companion_token=companion
        )


async def place(
    tx: AsyncConnection, orders: Iterable[Order], turn: int = 0
) -> list[Placed | SlotTaken]:
    """Return who takes each of the `orders`, first come first served, in their order.

    None of them gets what an earlier one gets, be it a link. Nothing is written: what others take
    meanwhile shows when it is booked. `turn` decides between equals (`slots.options`).
    """
    given: dict[int, list[Span]] = {}
    links: set[str] = set()
    placed: list[Placed | SlotTaken] = []
    for order in orders:
        one = None if order.link_token in links else await _place(tx, order, given, turn)
        placed.append(one or SlotTaken())
        if one and order.link_token:
            links.add(order.link_token)
        for resource_id, span in one.wanted.items() if one else ():
            given.setdefault(resource_id, []).append(span)
    return placed


async def _place(
    tx: AsyncConnection, order: Order, given: Mapping[int, Sequence[Span]], turn: int
) -> Placed | None:
    query = order.query
    while found := await slots.options(tx, query, order.start, order.now, turn=turn):
        catalogue = await catalog.current(tx)
        gone: set[int] = set()
        for option in found:
            one = Placed(order, option, catalogue.site(option.place_id))
            theirs = {
                resource_id
                for resource_id, span in one.wanted.items()
                if any(span.overlaps(other) for other in given.get(resource_id, ()))
            }
            if not theirs:
                return one
            gone |= theirs
        # Perhaps there is another room beside the one that everybody was to have.
        query = replace(query, without=query.without | gone)
    return None


async def book(
    tx: AsyncConnection, placed: Sequence[Placed], ids: Sequence[int] = ()
) -> list[Confirmed]:
    """Book all of them or none, each with its history, links and letter.

    `ids` are those that the appointments get, where some have been drawn (`rows.Numbers`).

    To be called in `claims.attempt`, or in a transaction that is given up when a constraint
    refuses one of them (`sqlalchemy.exc.IntegrityError`).
    """
    ids = ids or await rows.new_ids(tx, schema.appointment, len(placed))
    confirmed = [one.confirmed(number) for one, number in zip(placed, ids, strict=True)]
    wanted = [
        (claims.ForAppointment(number), one.wanted) for one, number in zip(placed, ids, strict=True)
    ]
    told = [*zip([one.order for one in placed], confirmed, strict=True)]
    now = min(order.now for order, _ in told)
    await claims.take_together(tx, wanted, _stored(told), now)
    return confirmed


async def book_held(tx: AsyncConnection, placed: Placed, hold_id: int) -> Confirmed:
    """Book what was held, with its history, links and letter.

    Raises `SlotTaken` when somebody has taken any of it; the transaction is to be given up then.
    """
    (number,) = await rows.new_ids(tx, schema.appointment, 1)
    confirmed = placed.confirmed(number)
    ids = {placed.option.caseworker.id, *(one.id for one in placed.option.others)}
    await claims.hand_over(tx, hold_id, number, ids, _stored([(placed.order, confirmed)]))
    return confirmed


def _stored(told: Sequence[tuple[Order, Confirmed]]) -> rows.Rows:
    """Return all rows of those bookings but their claims."""
    return {
        schema.appointment: [_row(*one) for one in told],
        schema.history: [row for one in told for row in _history(*one)],
        schema.participant_link: [row for one in told for row in _links(*one)],
        schema.outbox: [row for one in told for row in _letters(*one)],
    }


def _row(order: Order, confirmed: Confirmed) -> dict[str, object]:
    return appointments.row(confirmed.appointment) | {"outcome": "", "created_at": order.now}


def _history(order: Order, confirmed: Confirmed) -> Iterable[dict[str, object]]:
    number, start = confirmed.appointment.id, order.start.astimezone(dt.UTC).isoformat()
    yield history_row(number, order.actor, Change.BOOKED, {"start": start}, order.now)
    if confirmed.companion_token:
        part = {"part": Part.COMPANION}
        yield history_row(number, order.actor, Change.LINK_ADDED, part, order.now)


def _links(order: Order, confirmed: Confirmed) -> Iterable[dict[str, object]]:
    made = confirmed.appointment
    yield link_row(
        made, part=Part.CLAIMANT, name=order.person.name, token=confirmed.link_token, now=order.now
    )
    if token := confirmed.companion_token:
        yield link_row(
            made, part=Part.COMPANION, name=order.companion, token=token, now=order.now
        )  # fmt: skip


def _letters(order: Order, confirmed: Confirmed) -> Iterable[dict[str, object]]:
    # Who booked by telephone may have no address; there is nobody to write to then.
    if order.letter is not None and order.person.email:
        yield outbox.letter_row(order.person.email, order.letter(confirmed), order.now)
