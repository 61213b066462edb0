"""What the timeline draws, in the language of the page; times are those of the office's clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from aiohttp import web

from scheduling.closures import Closed
from scheduling.model import Span, Status, Way
from scheduling.overview import Booked, Lane, Overview
from web import words
from web.keys import LOCALE, SETTINGS
from web.translations import N_, catalogue

CLOSURES = {
    "absence": N_("away"),
    "closure": N_("closed"),
    "outage": N_("no network"),
}
HOURS = {
    frozenset({Way.VIDEO, Way.PHONE}): N_("Video and phone only"),
    frozenset({Way.VIDEO}): N_("Video only"),
    frozenset({Way.PHONE}): N_("Phone only"),
}


def is_closed_by(lane: Lane, closure: Closed) -> bool:
    """Tell whether a closure is of the lane's resource or of its house."""
    return closure.resource_id == lane.resource.id or closure.site_id == lane.site.id


def _only(ways: frozenset[Way], lane: Lane, there: frozenset[Way]) -> bool:
    return there == ways and lane.resource.ways != ways


class Drawing:
    """Turns the plan into what the timeline understands, in the language of the page."""

    def __init__(self, request: web.Request, seen: Overview, *, several_sites: bool) -> None:
        self._say = catalogue(request[LOCALE]).gettext
        self._language = request[LOCALE]
        self._zone = request.app[SETTINGS].timezone
        self._seen = seen
        self._several_sites = several_sites

    def hours(self) -> tuple[int, int]:
        """Return the whole hours that a day must show: all work and all appointments."""
        spans = [one.appointment.span for one in self._seen.booked]
        spans += [one.session.span for one in self._seen.gatherings]
        starts = [span.start.astimezone(self._zone).hour for span in spans]
        ends = [span.end.astimezone(self._zone) for span in spans]
        opens = min([self._seen.opens // 60, *starts])
        closes = max([-(-self._seen.closes // 60), *(end.hour + bool(end.minute) for end in ends)])
        return opens, min(closes, 24)

    def lane(self, lane: Lane) -> dict[str, Any]:
        """Return a lane with its name and how much of it is booked."""
        return {
            "id": str(lane.resource.id),
            "title": lane.resource.name,
            "extendedProps": {
                "kind": lane.resource.kind,
                "site": lane.site.name if self._several_sites else "",
                "share": lane.share,
                "note": self._away(lane),
            },
        }

    def _away(self, lane: Lane) -> str:
        """Return why a lane has no working time left at all, if something closes it."""
        if lane.share is not None:
            return ""
        return next((self._note(one) for one in self._seen.closures if is_closed_by(lane, one)), "")

    def _note(self, closure: Closed) -> str:
        return closure.note or self._say(CLOSURES.get(closure.kind, closure.kind))

    def booked(self, one: Booked, *, movable: bool, now: dt.datetime) -> dict[str, Any]:
        """Return an appointment; `movable` says whether the reader may drag what is to come."""
        appointment = one.appointment
        way = words.WAYS[appointment.way]
        open_still = appointment.status is Status.BOOKED and appointment.span.end > now
        topic = appointment.topic.title
        return {
            "id": str(appointment.id),
            "resourceIds": [str(resource_id) for resource_id in one.resource_ids],
            "start": self._clock(appointment.span.start),
            "end": self._clock(appointment.span.end),
            "title": appointment.person.name,
            "editable": movable and open_still,
            "classNames": ["appointment", f"way-{appointment.way}", f"is-{appointment.status}"],
            "extendedProps": {
                "icon": way.icon,
                "way": self._say(way.name),
                "topic": topic.get(self._language) or topic["de"],
                "caseworker": appointment.caseworker.name,
                "sequence": appointment.sequence,
            },
        }

    def gatherings(self) -> Iterator[dict[str, Any]]:
        """Yield the group sessions, which lead to their own pages."""
        for one in self._seen.gatherings:
            session, way = one.session, words.WAYS[one.session.way]
            title = session.topic.title
            yield {
                "id": f"group-{session.id}",
                "resourceIds": [str(resource_id) for resource_id in one.resource_ids],
                "start": self._clock(session.span.start),
                "end": self._clock(session.span.end),
                "title": f"{session.seats}/{session.capacity}",
                "editable": False,
                "classNames": ["appointment", f"way-{session.way}", f"is-{session.status}"],
                "extendedProps": {
                    "icon": way.icon,
                    "way": self._say(way.name),
                    "topic": title.get(self._language) or title["de"],
                    "caseworker": session.caseworker.name,
                    "address": f"/plan/groups/{session.id}",
                },
            }

    def held(self) -> Iterator[dict[str, Any]]:
        """Yield what somebody is booking right now."""
        for number, hold in enumerate(self._seen.held):
            yield {
                "id": f"held-{number}",
                "resourceIds": [str(hold.resource_id)],
                "start": self._clock(hold.span.start),
                "end": self._clock(hold.span.end),
                "title": self._say(N_("being booked")),
                "editable": False,
                "classNames": ["held"],
            }

    def hours_off(self) -> Iterator[dict[str, Any]]:
        """Yield when people are not there and things of no use, closures apart."""
        yield from self._background("off", "", lambda _lane, ways: not ways)

    def hours_without_visits(self) -> Iterator[dict[str, Any]]:
        """Yield when people who receive visitors at other times do not: at home, on the phone."""
        for ways, name in HOURS.items():
            wanted = partial(_only, ways)
            yield from self._background("remote", self._say(name), wanted)

    def _background(
        self, style: str, title: str, wanted: Callable[[Lane, frozenset[Way]], bool]
    ) -> Iterator[dict[str, Any]]:
        # Most people keep the same hours as others: each time is drawn once for all of them.
        spans: dict[Span, list[str]] = {}
        for lane in self._seen.lanes:
            for stretch in lane.stretches:
                if wanted(lane, stretch.ways):
                    spans.setdefault(stretch.span, []).append(str(lane.resource.id))
        for number, (span, lanes) in enumerate(sorted(spans.items())):
            yield {
                "id": f"{style}-{title}-{number}",
                "display": "background",
                "resourceIds": lanes,
                "start": self._clock(span.start),
                "end": self._clock(span.end),
                "title": title,
                "classNames": [style],
            }

    def closures(self) -> Iterator[dict[str, Any]]:
        """Yield absences, closures and outages, with what is said of them."""
        for closure in self._seen.closures:
            lanes = [lane for lane in self._seen.lanes if is_closed_by(lane, closure)]
            yield {
                "id": f"closure-{closure.id}",
                "display": "background",
                "resourceIds": [str(lane.resource.id) for lane in lanes],
                "start": self._clock(closure.span.start),
                "end": self._clock(closure.span.end),
                "title": self._note(closure),
                "classNames": ["closure"],
            }

    def _clock(self, instant: dt.datetime) -> str:
        return instant.astimezone(self._zone).replace(tzinfo=None).isoformat()
