"""Sorts arriving datagrams (RFC 7983) to participants; authenticates STUN, as an ICE-lite agent."""

import secrets
from collections.abc import Iterable
from typing import Any, Protocol

from signaling.relay import stun
from signaling.relay.counters import Counters
from signaling.relay.endpoint import Endpoint
from signaling.relay.happenings import Happenings
from signaling.relay.line import Address, Line
from signaling.relay.plane.library import ffi, lib
from signaling.relay.slab import ssrc_name, ufrag_name
from signaling.relay.tcp_connection import Carried, Connection
from signaling.relay.tcp_line import TcpLine

_REMEMBERED_TRANSACTIONS = 4096
_RECORD = 12 + 8  # bytes of a transaction's id (RFC 8489 section 5) and of a hash
_HASH = (1 << 64) - 1
_ADDRESSES_PER_LEG = 16
_SUSPECTS = 4  # whose keys are tried on one datagram


class Reachable(Carried, Protocol):
    """A participant's transport as the sockets see it."""

    struct: Any
    """The participant as the compiled part knows them (`struct leg`)."""

    @property
    def address(self) -> Address | None:
        """Where media for the participant goes."""

    def fall_back(self, address: Address | None) -> None:
        """Learn that the present path is gone; go on at another known address, if there is one."""

    def receive_dtls(self, datagram: bytes) -> None:
        """Take a DTLS datagram."""

    def follow(self, address: Address, start: int, length: int, now: float) -> bool:
        """Move to an unknown address if the media from there, in the slab, is authentic."""

    def consent(self, credentials: "Credentials", address: Address, now: float) -> None:
        """Learn that the participant answers for `address` and wants media there."""


class Credentials:
    """One ufrag and password of one participant; an ICE restart makes another."""

    def __init__(self, leg: Reachable, remote_ufrag: str) -> None:
        self.leg = leg
        self.remote_ufrag = remote_ufrag
        # RFC 8839 section 5.4: at least 24 and 128 random bits, in ice-chars.
        self.ufrag = secrets.token_hex(lib.PLANE_UFRAG // 2)
        self.password = secrets.token_hex(16)
        self._seen = bytearray()
        self._oldest = 0

    def is_replay(self, transaction: bytes, address: tuple[str, int]) -> bool:
        """Tell whether the request was seen from another address before, and remember it.

        STUN has no protection against replay; without this, whoever sees one request could
        draw the participant's media to any address. Clients ask every few seconds as long as a
        call lasts, so each request costs a few bytes, not objects.
        """
        # The hash of a text is keyed (PEP 456): nobody can look for an address with the same one.
        record = transaction + (hash(address) & _HASH).to_bytes(8, "big")
        at = self._seen.find(transaction)
        while at > 0 and at % _RECORD:
            at = self._seen.find(transaction, at + 1)
        if at >= 0:
            return self._seen[at : at + _RECORD] != record
        if len(self._seen) < _RECORD * _REMEMBERED_TRANSACTIONS:
            self._seen += record
        else:
            self._seen[self._oldest : self._oldest + _RECORD] = record
            self._oldest = (self._oldest + _RECORD) % len(self._seen)
        return False


class Ingress:
    """Tables of who is behind which ufrag and address, and the way in for every datagram."""

    def __init__(self, endpoint: Endpoint, counters: Counters, happenings: Happenings) -> None:
        self._endpoint = endpoint
        self._slab = endpoint.slab
        self._plane = endpoint.slab.plane
        self._happenings = happenings
        self._memory = endpoint.slab.memory
        self._counters = counters
        self._by_ufrag: dict[str, Credentials] = {}
        self._by_address: dict[Address, Reachable] = {}
        self._by_ssrc: dict[int, list[Reachable]] = {}
        self._ssrcs: dict[Reachable, tuple[int, ...]] = {}
        self._addresses: dict[Reachable, dict[Address, float]] = {}  # when each was proved last
        happenings.on(lib.EVENT_OTHER, self._other_arrived)
        happenings.on(lib.EVENT_STRANGER, self._media_arrived_from_stranger)

    def issue(self, leg: Reachable, remote_ufrag: str) -> Credentials:
        """Make new credentials for a participant whose client chose `remote_ufrag`."""
        credentials = Credentials(leg, remote_ufrag)
        self._by_ufrag[credentials.ufrag] = credentials
        self._slab.settle(ufrag_name(credentials.ufrag), leg.struct)
        return credentials

    def revoke(self, credentials: Credentials) -> None:
        """Stop answering to these credentials."""
        if self._by_ufrag.pop(credentials.ufrag, None) is not None:
            self._slab.leave(ufrag_name(credentials.ufrag))

    def declare(self, leg: Reachable, ssrcs: Iterable[int]) -> None:
        """Learn which streams a participant sends, by which its media is known anywhere.

        Who declared an SSRC first is tried first, so that nobody who declares it too can take it.
        """
        before, declared = self._ssrcs.pop(leg, ()), tuple(dict.fromkeys(ssrcs))
        for ssrc in before:
            if ssrc not in declared:
                self._withdraw(leg, ssrc)
        if declared:
            self._ssrcs[leg] = declared
        for ssrc in declared:
            known = self._by_ssrc.setdefault(ssrc, [])
            if leg not in known:
                known.append(leg)
                self._slab.settle(ssrc_name(ssrc), known[0].struct)

    def forget(self, leg: Reachable) -> None:
        """Stop taking anything from the participant's addresses."""
        for address in self._addresses.pop(leg, {}):
            self._part(leg, address)

    def retire(self, leg: Reachable, before: float) -> None:
        """Take nothing more from addresses that were not proved since, but for the present one.

        They were kept beside it for what is still under way, and in case that it breaks.
        """
        known = self._addresses.get(leg, {})
        if len(known) < 2:
            return
        for address in [each for each, proved in known.items() if proved < before]:
            if address != leg.address:
                del known[address]
                self._part(leg, address)

    def lose(self, address: Address) -> None:
        """Forget an address that nothing reaches any more; media goes on at the last one before."""
        leg = self._by_address.pop(address, None)
        if leg is None:
            return
        others = self._addresses[leg]
        del others[address]
        if leg.address == address:
            self._counters.add("paths_lost")
            leg.fall_back(max(others, key=others.__getitem__, default=None))

    def receive(self, line: Line) -> int:
        """Take what waits on a line, from anyone; give the number of datagrams."""
        return line.receive(self._sort, self._endpoint.flush)

    def _sort(self, source: Address, start: int, length: int, arrived: int) -> None:
        leg = self._by_address.get(source)
        is_media = length > 0 and 128 <= self._memory[start] <= 191
        if leg is not None and is_media:
            lib.plane_media(self._plane, leg.struct, start, length, arrived)
            self._happenings.act()
            self._endpoint.make_room()
            return
        known = leg.struct if leg is not None else ffi.NULL
        if lib.plane_refuses(self._plane, known, start, length, arrived):
            return
        datagram = self._memory[start : start + length].tobytes()
        if is_media:
            self._receive_from_stranger(datagram, source, start, arrived / 1_000_000)
        else:
            self._receive_other(datagram, source, leg, arrived / 1_000_000)

    def _other_arrived(self, event: Any) -> None:
        name, start, now = bytes(event.name), event.start, event.arrived / 1_000_000
        datagram = self._memory[start : start + event.length].tobytes()
        self._receive_other(datagram, name, self._by_address.get(name), now)

    def _media_arrived_from_stranger(self, event: Any) -> None:
        name, start, arrived = bytes(event.name), event.start, event.arrived
        datagram = self._memory[start : start + event.length].tobytes()
        leg = self._by_address.get(name)
        if leg is None:
            self._receive_from_stranger(datagram, name, start, arrived / 1_000_000)
        else:  # what came just before it was proof enough
            lib.plane_media(self._plane, leg.struct, start, len(datagram), arrived)

    def _receive_other(
        self, datagram: bytes, address: Address, leg: Reachable | None, now: float
    ) -> None:
        # Strangers get no answer but to authentic STUN.
        if datagram[0] <= 1:
            self._receive_stun(datagram, address, now)
        elif leg is not None:
            leg.receive_dtls(datagram)
        else:  # it was a participant's when it came
            self._counters.add("dropped_dtls_from_stranger")

    def _receive_from_stranger(
        self, datagram: bytes, address: Address, start: int, now: float
    ) -> None:
        # A device that came to another network does not know it when a router changed the
        # address: it sends on, and asks by STUN only seconds later. What it sends proves who it is.
        at = 4 if 192 <= datagram[1] <= 223 else 8
        suspects = self._by_ssrc.get(int.from_bytes(datagram[at : at + 4], "big"), [])
        # A new connection is told from its first STUN request; only ports change unnoticed.
        for leg in () if isinstance(address, Connection) else suspects[:_SUSPECTS]:
            before = leg.address
            self._memory[start : start + len(datagram)] = datagram  # the last trial has spent it
            if not leg.follow(address, start, len(datagram), now):
                continue
            # The former address is a stranger's from now on, so that coming back is seen as well.
            addresses = self._addresses.get(leg, {})
            if before in addresses:
                del addresses[before]
                self._part(leg, before)
            self._admit(leg, address, now)
            return
        self._counters.add("dropped_media_from_stranger")

    def _receive_stun(self, datagram: bytes, address: Address, now: float) -> None:
        try:
            request = stun.read_request(datagram)
        except stun.MalformedStun:
            self._counters.add("dropped_malformed_stun")
            return
        credentials = self._by_ufrag.get(request.local_ufrag)
        if (
            credentials is None
            or request.remote_ufrag != credentials.remote_ufrag
            or not stun.is_authentic(datagram, request, credentials.password)
        ):
            self._counters.add("dropped_unauthentic_stun")
            return
        host, port = self._endpoint.line(address).host_and_port(address)
        if credentials.is_replay(request.transaction, (host, port)):
            self._counters.add("dropped_replayed_stun")
            return
        self._counters.add("stun_answered")
        self._endpoint.send(stun.build_success(request, host, port, credentials.password), address)
        leg = credentials.leg
        self._admit(leg, address, now)
        if request.nominated or leg.address is None or leg.address == address:
            leg.consent(credentials, address, now)

    def _admit(self, leg: Reachable, address: Address, now: float) -> None:
        line = self._endpoint.line(address)
        if isinstance(line, TcpLine):
            line.admit(address, leg)
        addresses = self._addresses.setdefault(leg, {})
        if self._by_address.get(address) is leg:
            addresses[address] = now
            return
        if len(addresses) >= _ADDRESSES_PER_LEG:
            oldest = next(each for each in addresses if each != leg.address)
            del addresses[oldest]
            self._part(leg, oldest)
        addresses[address] = now
        self._by_address[address] = leg
        if isinstance(address, bytes):
            self._slab.settle(address, leg.struct)

    def _withdraw(self, leg: Reachable, ssrc: int) -> None:
        known = self._by_ssrc[ssrc]
        known.remove(leg)
        if known:
            self._slab.settle(ssrc_name(ssrc), known[0].struct)
        else:
            del self._by_ssrc[ssrc]
            self._slab.leave(ssrc_name(ssrc))

    def _part(self, leg: Reachable, address: Address) -> None:
        if self._by_address.get(address) is leg:
            del self._by_address[address]
            if isinstance(address, bytes):
                self._slab.leave(address)
        if isinstance(address, Connection):
            address.expires = 0.0
