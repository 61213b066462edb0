"""The relay itself: starts on a port, keeps time, opens conferences, closes all of it."""

import asyncio
import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from aioice.ice import get_host_addresses

from signaling.relay import tcp_port
from signaling.relay.conference import Conference
from signaling.relay.counters import Counters
from signaling.relay.dtls import Certificate
from signaling.relay.endpoint import Endpoint
from signaling.relay.happenings import Happenings
from signaling.relay.ingress import Ingress
from signaling.relay.leg import Leg
from signaling.relay.line import Calls
from signaling.relay.rounds import PAUSE, Rounds
from signaling.relay.site import Site
from signaling.relay.tcp_line import TcpLine

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RelayConfig:
    """Where the relay listens and how clients are told to reach it.

    `port` and `tcp_port` 0 take a free one; `tcp_port` None leaves TCP alone. `advertised` are IP literals; when empty, the machine's own
    addresses and loopback are told. `host_v6` None keeps the relay on IPv4.
    """

    host_v4: str = "0.0.0.0"  # noqa: S104  clients come from everywhere
    host_v6: str | None = "::"
    port: int = 0
    tcp_port: int | None = 0
    advertised: tuple[str, ...] = ()
    calls: Calls = Calls.SEGMENTED


class Relay:
    """Forwards media between the participants of conferences, on one UDP and one TCP port."""

    def __init__(
        self,
        endpoint: Endpoint,
        advertised: tuple[str, ...],
        counters: Counters,
        tcp: TcpLine | None = None,
    ) -> None:
        self.port = endpoint.port
        self.tcp_port = tcp.port if tcp is not None else None
        self.advertised = advertised
        self._tcp = tcp
        self._counters = counters
        self._endpoint = endpoint
        happenings = Happenings(endpoint.slab)
        endpoint.act = happenings.act
        ingress = Ingress(endpoint, counters, happenings)
        self._rounds = Rounds(endpoint.slab, endpoint.flush)
        self._site = Site(
            endpoint, ingress, happenings, self._rounds, Certificate(), counters, advertised,
            self.tcp_port,
        )  # fmt: skip
        if tcp is not None:
            tcp.on_lost = ingress.lose
            endpoint.add(tcp)
        self._conferences: dict[str, Conference] = {}
        self._gone = (0, 0)
        self._closing: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        endpoint.listen(ingress.receive)
        self._timer = self._loop.call_later(PAUSE, self._tick)

    @classmethod
    async def start(cls, config: RelayConfig) -> "Relay":
        """Bind the ports and start.

        Raises OSError when one is in use or not ours to bind, TcpPortTaken for the TCP port, and
        ValueError when an advertised address is no IP literal.
        """
        counters = Counters()
        endpoint = Endpoint.bind(
            config.host_v4, config.host_v6, config.port, counters, config.calls
        )
        tcp = None
        try:
            if config.tcp_port is not None:
                tcp = TcpLine(
                    tcp_port.listen(config.host_v4, config.host_v6, config.tcp_port),
                    endpoint.slab,
                    counters,
                )
            advertised = config.advertised or own_addresses(v6=config.host_v6 is not None)
            for address in advertised:
                ipaddress.ip_address(address)
        except (ValueError, OSError):
            endpoint.close()
            if tcp is not None:
                tcp.close()
            raise
        relay = cls(endpoint, advertised, counters, tcp)
        _log.info(
            "relay listens", port=relay.port, tcp_port=relay.tcp_port, addresses=len(advertised)
        )
        return relay

    @property
    def counters(self) -> Mapping[str, int]:
        """What was forwarded and dropped since the start, and who is here now."""
        legs = [leg for each in self._conferences.values() for leg in each.legs]
        forwarded = [leg.forwarded for leg in legs]
        for name, index in (("packets_forwarded", 0), ("bytes_forwarded", 1)):
            self._counters.set(name, self._gone[index] + sum(each[index] for each in forwarded))
        self._counters.set("rooms", len(self._conferences))
        self._counters.set("participants", len(legs))
        self._counters.set("participants_connected", sum(leg.connected for leg in legs))
        return self._counters

    def conference(self, room: str) -> Conference:
        """Give the conference of a room, opening it when it is new."""
        if room not in self._conferences:
            self._conferences[room] = Conference(self._site, self._discard, time.monotonic)
        return self._conferences[room]

    def dissolve(self, room: str) -> None:
        """Close the conference of a room and all its transports."""
        conference = self._conferences.pop(room, None)
        if conference is not None:
            conference.close()

    async def close(self) -> None:
        """Close everything and free the port."""
        self._timer.cancel()
        for room in tuple(self._conferences):
            self.dissolve(room)
        await asyncio.gather(*self._closing)
        self._endpoint.close()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(PAUSE, self._tick)
        self._rounds.turn(time.monotonic())
        if self._tcp is not None:
            self._tcp.tick()
        self._endpoint.flush()

    def _discard(self, leg: Leg) -> None:
        leg.detach()
        # Nothing is counted per packet: what was sent is in the streams, also of those gone.
        packets, octets = leg.forwarded
        self._gone = (self._gone[0] + packets, self._gone[1] + octets)
        task = self._loop.create_task(leg.close(), name="close leg")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def own_addresses(*, v6: bool) -> tuple[str, ...]:
    """Give the machine's addresses that a client could reach, link-local ones left out."""
    found = [ipaddress.ip_address(each) for each in get_host_addresses(use_ipv4=True, use_ipv6=v6)]
    usable = [each for each in found if not (each.is_link_local or each.is_loopback)]
    # IPv4 first: where both work, paths of the office's own network are the better kept ones.
    ordered = sorted(usable, key=lambda each: each.version)
    return (*map(str, ordered), "127.0.0.1", *(["::1"] if v6 else []))
