"""Where a participant is: its credentials, the address that media goes to, and consent to send there.

A new address takes over once authentic STUN nominates it, or authentic media comes from it. What
still comes by the ones before is taken until they are retired (make before break).
"""

from collections.abc import Callable
from typing import Any

from signaling.relay.batch_line import BatchLine
from signaling.relay.ingress import Credentials, Reachable
from signaling.relay.line import Address
from signaling.relay.plane.library import ffi
from signaling.relay.site import Site

CONSENT = 30.0  # seconds
"""How long media is sent after a binding request, RFC 7675 section 5.1."""


class Path:
    """The way to one participant; `on_move` is called when `address` has changed.

    `struct` is the participant as the compiled part knows them, `owner` as the sockets do.
    """

    def __init__(
        self, site: Site, owner: Reachable, struct: Any, on_move: Callable[[], None]
    ) -> None:
        self.address: Address | None = None
        self._site = site
        self._owner = owner
        self._struct = struct
        self._on_move = on_move
        self._credentials: list[Credentials] = []
        self._consented = 0.0

    @property
    def credentials(self) -> Credentials:
        """The newest ones, after the first `invite`."""
        return self._credentials[-1]

    def invite(self, remote_ufrag: str) -> None:
        """Have credentials for a client's ufrag; another ufrag is an ICE restart.

        At most two are valid at a time: those in use and those that a restart brings.
        """
        if self._credentials and self.credentials.remote_ufrag == remote_ufrag:
            return
        for outdated in self._credentials[:-1]:
            self._site.ingress.revoke(outdated)
        fresh = self._site.ingress.issue(self._owner, remote_ufrag)
        self._credentials = [*self._credentials[-1:], fresh]

    def consent(self, credentials: Credentials, address: Address, now: float) -> None:
        """Move to `address`, which authenticated STUN nominated."""
        if credentials is not self.credentials:
            if address != self.address and self.address is not None:
                return  # a nomination from before the ICE restart
        elif len(self._credentials) > 1:
            self._site.ingress.revoke(self._credentials.pop(0))
        self._take(address, now)

    def follow(self, address: Address, now: float) -> None:
        """Move to `address`, from where authentic media came."""
        self._take(address, now)

    def fall_back(self, address: Address | None) -> None:
        """Go on at another address, or wait for one."""
        self._move(address)

    def check(self, now: float) -> None:
        """Send nothing more where consent has ended; some times a second."""
        self._site.ingress.retire(self._owner, now - CONSENT)
        if self.address is not None and now - self._consented > CONSENT:
            self._site.counters.add("consent_expired")
            self._site.ingress.forget(self._owner)
            self._move(None)

    def send(self, datagram: bytes) -> None:
        """Send bytes as they are; nothing while there is no address."""
        if self.address is not None:
            self._site.endpoint.send(datagram, self.address)

    def post(self, start: int, length: int) -> None:
        """Send bytes of the slab; nothing while there is no address."""
        if self.address is not None:
            self._site.endpoint.line(self.address).post(self.address, start, length)

    def close(self) -> None:
        """Be reached no more."""
        for each in self._credentials:
            self._site.ingress.revoke(each)
        self._site.ingress.forget(self._owner)

    def _take(self, address: Address, now: float) -> None:
        if self.address not in {None, address}:
            self._site.counters.add("participants_moved")
        self._consented = now
        if self.address != address:
            self._move(address)

    def _move(self, address: Address | None) -> None:
        self.address = address
        struct = self._struct
        struct.line, struct.round, struct.uncut = ffi.NULL, 0, False
        if address is not None:
            line = self._site.endpoint.line(address)
            if isinstance(line, BatchLine):
                struct.line, struct.name = line.line, address
        self._on_move()
