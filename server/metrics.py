"""Counters and gauges of this process for Prometheus at ``/metrics``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from server.backlog import read_backlog
from server.journal import route_of
from server.mail import Post
from signaling.media import Carrier, Condition
from web.keys import CLOCK, STORE

log = structlog.get_logger()

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The figures of one application; nothing in them names a person or holds a link."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "sprechzeit_http_requests",
            "Answers by route template.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "sprechzeit_http_request_seconds",
            "Time to answer by route template; sockets and event streams are left out.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._waiting = Gauge(
            "sprechzeit_outbox_waiting", "Letters still to be sent.", registry=self.registry
        )
        self._refused = Gauge(
            "sprechzeit_outbox_refused",
            "Letters that the mail server refused for good.",
            registry=self.registry,
        )
        self._tasks = Gauge(
            "sprechzeit_tasks", "Tasks of the event loop now.", registry=self.registry
        )
        self._age = Gauge(
            "sprechzeit_outbox_oldest_seconds",
            "How long the oldest unsent letter has waited.",
            registry=self.registry,
        )

    def watch(self, carrier: Carrier, post: Post) -> None:
        """Report what these two count, too."""
        self.registry.register(_RelayFigures(carrier))
        self.registry.register(_PostFigures(post))

    def count(self, request: web.Request, status: int, seconds: float) -> None:
        """Note one answered request."""
        route = route_of(request)
        self._requests.labels(request.method, route, str(status)).inc()
        if status != HTTPStatus.SWITCHING_PROTOCOLS and not route.endswith("/events"):
            self._seconds.labels(route).observe(seconds)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer ``GET /metrics``."""
        async with request.app[STORE].reading() as tx:
            backlog = await read_backlog(tx, request.app[CLOCK]())
        self._waiting.set(backlog.waiting)
        self._refused.set(backlog.refused)
        self._age.set(backlog.oldest_seconds)
        self._tasks.set(len(asyncio.all_tasks()))
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


METRICS: web.AppKey[Metrics] = web.AppKey("metrics")


RELAY_GAUGES = frozenset({"rooms", "participants", "participants_connected"})
"""What the relay reports as it is now; everything else only rises."""


class _RelayFigures:
    """The relays' own counters, read when asked; those of other processes as last told."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "sprechzeit_relay",
            "What a relay counted since its start.",
            labels=("kind", "relay"),
        )
        gauges = {
            kind: GaugeMetricFamily(
                f"sprechzeit_relay_{kind}", f"{kind} now".replace("_", " "), labels=("relay",)
            )
            for kind in sorted(RELAY_GAUGES)
        }
        up = GaugeMetricFamily("sprechzeit_relay_up", "1 while it takes rooms.", labels=("relay",))
        cpu = GaugeMetricFamily(
            "sprechzeit_relay_cpu", "Part of a core a relay process takes.", labels=("relay",)
        )
        for state in self._carrier.states:
            up.add_metric((state.name,), state.condition is Condition.UP)
            if state.cpu is not None:
                cpu.add_metric((state.name,), state.cpu)
            for kind, value in sorted(state.counters.items()):
                if kind in RELAY_GAUGES:
                    gauges[kind].add_metric((state.name,), value)
                else:
                    events.add_metric((kind, state.name), value)
        moves = CounterMetricFamily(
            "sprechzeit_room_moves", "How often a room came to another relay.", self._carrier.moves
        )
        yield from (events, *gauges.values(), up, cpu, moves)


class _PostFigures:
    """What the mail worker did since this process started."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(
            "sprechzeit_mail", "Deliveries tried since the start, by outcome.", labels=("outcome",)
        )
        for outcome in ("sent", "failed", "refused"):
            family.add_metric((outcome,), getattr(self._post, outcome))
        yield family


@web.middleware
async def count_requests(request: web.Request, handler: Any) -> web.StreamResponse:
    """Count each answer, also those that were raised, and log it at level debug."""
    began = time.perf_counter()
    status = 500
    try:
        response: web.StreamResponse = await handler(request)
        status = response.status
    except web.HTTPException as refusal:
        status = refusal.status
        raise
    else:
        return response
    finally:
        seconds = time.perf_counter() - began
        request.app[METRICS].count(request, status, seconds)
        log.debug(
            "request",
            method=request.method,
            route=route_of(request),
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )
