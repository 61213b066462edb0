"""What is looked for in the plan, and what an answer names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduling.grid import TICK_SECONDS, Horizon, days_between, local_date, mask
from scheduling.model import Kind, Needs, Resource, Topic, TopicWay, Way

STAFF_HORIZON_DAYS = 365


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """What is looked for, between the days `first` and `last`, both included.

    `site_id` is where the claimant comes to; for video and phone it may stay open.
    `step_minutes` thins the starts for people to choose from (a multiple of 5).
    `for_staff` lifts notice, horizon and release. `ignore_appointment` is the one to be moved.
    """

    topic: Topic
    way: Way
    first: dt.date
    last: dt.date
    site_id: int | None = None
    needs: Needs = field(default_factory=Needs)
    caseworker_id: int | None = None
    ignore_appointment: int | None = None
    without: frozenset[int] = frozenset()
    """Resources that are not to be chosen."""
    keeps: frozenset[int] = frozenset()
    """Resources that are chosen before all others of their kind, if they are free."""
    with_people: tuple[int, ...] = ()
    """Caseworkers who take part as well, and so must be free at the same time."""
    step_minutes: int = 15
    for_staff: bool = False

    @property
    def offer(self) -> TopicWay:
        """The topic's terms for the wanted way."""
        return self.topic.ways[self.way]

    @property
    def features(self) -> frozenset[str]:
        """What the room must have: for the topic, and for whoever comes."""
        return self.needs.features | self.offer.features

    @property
    def ticks(self) -> int:
        """How many ticks the claimant gets."""
        return self.offer.minutes * 60 // TICK_SECONDS

    @property
    def busy_ticks(self) -> int:
        """How many ticks caseworkers give, with the buffer that follows."""
        return (self.offer.minutes + self.offer.buffer_minutes) * 60 // TICK_SECONDS

    def within_terms(self, now: dt.datetime) -> Horizon:
        """Return the days between `first` and `last` that the terms allow."""
        today = local_date(now)
        earliest, furthest = self.offer.earliest_day, self.offer.horizon_days
        if self.for_staff:
            earliest, furthest = 0, STAFF_HORIZON_DAYS
        return days_between(
            max(self.first, today + dt.timedelta(days=earliest)),
            min(self.last, today + dt.timedelta(days=furthest)),
        )

    def after_notice(self, horizon: Horizon, now: dt.datetime) -> int:
        """Return the ticks that leave the office the notice it wants."""
        # Where booking opens days ahead, the notice must not push into the first of them:
        # whoever books before midnight gets the next morning.
        lifted = self.for_staff or self.offer.earliest_day
        notice = 0 if lifted else self.offer.notice_minutes
        earliest = now + dt.timedelta(minutes=notice, seconds=TICK_SECONDS - 1)
        return mask(max(0, horizon.tick(earliest)), horizon.ticks)


class Option(NamedTuple):
    """Who and what could take one start."""

    caseworker: Resource
    place_id: int
    """The site at which the appointment is kept."""

    others: tuple[Resource, ...] = ()

    def first(self, *kinds: Kind) -> Resource | None:
        """Return what of those kinds is taken beside the caseworker."""
        return next((one for one in self.others if one.kind in kinds), None)

    @property
    def room(self) -> Resource | None:
        """The room or counter."""
        return self.first(Kind.ROOM, Kind.COUNTER)
