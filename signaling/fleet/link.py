"""A server's connection to one relay process: kept up, and given up when it falls silent."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import structlog

from signaling.fleet import wire
from signaling.fleet.address import ControlAddress
from signaling.fleet.greeting import Refusal, greet
from signaling.fleet.wire import (
    Accepted,
    Alive,
    Answer,
    Challenge,
    Dissolve,
    Failure,
    Heard,
    Layout,
    Leaving,
    Load,
    Offer,
    Order,
    Refused,
    Report,
    WireError,
)
from signaling.media import Condition, NoRelay, RelayState
from signaling.relay import BadOffer, Place

_BEAT = 1.0  # seconds
_MOST_UNANSWERED = 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server waits, in seconds."""

    connecting: float = 2.0
    silence: float = 3.0
    """Three reports of the load that did not come: the relay or the way to it is dead."""
    answer: float = 2.0
    first_pause: float = 0.1
    longest_pause: float = 1.0
    """Between two attempts to connect, before up to half of it is left off by chance."""
    after_refusal: float = 10.0


class Tenant(Protocol):
    """A room as a link knows it."""

    def placed(self, participant: str, places: tuple[Place, ...], *, told: bool) -> None:
        """Take a participant's layout; `told` when nobody asked for it."""

    def heard(self, packets: Mapping[str, int]) -> None:
        """Take how many media packets have come from everyone connected."""


@dataclass(slots=True)
class _Question:
    future: asyncio.Future[Answer]
    tenant: Tenant
    participant: str


class Link:
    """One relay as a server sees it.

    `on_change` is called with the link whenever its condition changed.
    """

    def __init__(
        self,
        address: ControlAddress,
        secret: bytes,
        on_change: Callable[["Link"], None],
        patience: Patience,
    ) -> None:
        self.address = address
        self.condition = Condition.DOWN
        self.load: Load | None = None
        self.tenants: dict[int, Tenant] = {}
        self.since_load = 0
        """Rooms that were opened there since it told its load."""
        self.tried = asyncio.Event()
        """Set once the first attempt to connect came to an end."""
        self._secret = secret
        self._on_change = on_change
        self._patience = patience
        self._reason = ""
        self._writer: asyncio.StreamWriter | None = None
        self._questions: dict[int, _Question] = {}
        self._numbers: Iterator[int] = count(1)
        self._heard = 0.0
        self._retired = False

    @property
    def state(self) -> RelayState:
        """How the relay is, for monitoring."""
        load = self.load
        if load is None:
            return RelayState(str(self.address), self.condition, reason=self._reason)
        return RelayState(
            str(self.address),
            self.condition,
            load.port,
            load.tcp_port,
            load.cpu,
            counters=load.counters,
        )

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        pause = self._patience.first_pause
        while True:
            try:
                await self._live()
            except Refusal as refusal:
                self._become(Condition.REFUSED, str(refusal))
                pause = self._patience.after_refusal
            except (WireError, asyncio.IncompleteReadError, OSError, TimeoutError) as error:
                was_up = self.load is not None
                self._become(Condition.DOWN, type(error).__name__)
                longest = self._patience.longest_pause
                pause = self._patience.first_pause if was_up else min(2 * pause, longest)
            except BaseException:
                self._become(Condition.DOWN)
                raise
            self.tried.set()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  no secret

    def open(self, tenant: Tenant) -> int:
        """Give a room a number on this relay; it is opened by the first order about it."""
        number = next(self._numbers)
        self.tenants[number] = tenant
        self.since_load += 1
        return number

    def dissolve(self, number: int) -> None:
        """Close a room."""
        if self.tenants.pop(number, None) is not None:
            self.post(Dissolve(number))

    def forsake(self) -> None:
        """Forget all rooms without closing them: the relay ends, or has ended."""
        self.tenants.clear()

    def retire(self) -> None:
        """Give no more orders."""
        self.forsake()
        self._writer = None
        self._retired = True
        self._give_up()

    def post(self, order: Order) -> None:
        """Give an order that has no answer; a relay that is away gets none."""
        if self._writer is not None:
            wire.send(self._writer, order)

    async def offer(self, room: int, participant: str, sdp: str) -> str:
        """Give a participant's offer to the relay.

        Raises BadOffer, or NoRelay when the relay is away or does not answer in time.
        """
        tenant = self.tenants.get(room)
        if self._writer is None or tenant is None or len(self._questions) >= _MOST_UNANSWERED:
            raise NoRelay
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._questions[number] = _Question(future, tenant, participant)
        self.post(Offer(number, room, participant, sdp))
        try:
            async with asyncio.timeout(self._patience.answer):
                answer: Answer = await future
        except TimeoutError:
            _log.warning("relay answers late", relay=str(self.address))
            raise NoRelay from None
        finally:
            self._questions.pop(number, None)
        return answer.sdp

    async def _live(self) -> None:
        """Connect, obey reports until the connection is lost; always raises."""
        async with asyncio.timeout(self._patience.connecting):
            reader, writer = await self.address.connect()
        try:
            async with asyncio.timeout(self._patience.connecting):
                load = await greet(reader, writer, self._secret)
            await self._listen(reader, writer, load)
        finally:
            self._writer = None
            writer.close()  # what is still to be written is

    async def _listen(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, load: Load
    ) -> None:
        self._writer = writer
        self.load, self.since_load = load, 0
        self._become(Condition.UP)
        self.tried.set()
        self._heard = asyncio.get_running_loop().time()
        keeper = asyncio.create_task(self._keep(writer), name="relay keeper")
        try:
            while True:
                report = await wire.receive(reader, wire.REPORTS)
                self._heard = asyncio.get_running_loop().time()
                self._take(report)
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _keep(self, writer: asyncio.StreamWriter) -> None:
        """Tell that this server lives, and give a relay up that fell silent."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            self.post(Alive())
            await asyncio.sleep(_BEAT / 2)
            if loop.time() - before > _BEAT:
                self._heard = loop.time()  # this process stood still, not the relay
            elif loop.time() - self._heard > self._patience.silence:
                _log.warning("relay is silent", relay=str(self.address))
                writer.transport.abort()

    def _take(self, report: Report) -> None:
        match report:
            case Load():
                self.load, self.since_load = report, 0
            case Answer(number):
                if question := self._asked(number):
                    question.tenant.placed(question.participant, report.places, told=False)
                    question.future.set_result(report)
            case Failure(number, bad, message):
                if question := self._asked(number):
                    question.future.set_exception(BadOffer(message) if bad else NoRelay())
            case Layout() | Heard():
                self._tell(report)
            case Leaving():
                self._become(Condition.LEAVING)
            case Challenge() | Refused() | Accepted():
                raise WireError("a greeting in between")

    def _tell(self, report: Layout | Heard) -> None:
        tenant = self.tenants.get(report.room)
        if tenant is None:
            return
        if isinstance(report, Heard):
            tenant.heard(report.packets)
        else:
            tenant.placed(report.participant, report.places, told=True)

    def _asked(self, number: int) -> _Question | None:
        question = self._questions.get(number)
        return question if question is not None and not question.future.done() else None

    def _become(self, condition: Condition, reason: str = "") -> None:
        if self._retired:
            return
        if condition in {Condition.DOWN, Condition.REFUSED}:
            self.load = None
        if (condition, reason) != (self.condition, self._reason):
            log = _log.info if condition is Condition.UP else _log.warning
            log("relay", relay=str(self.address), state=str(condition), reason=reason)
        changed = condition is not self.condition
        self.condition, self._reason = condition, reason
        if changed:
            self._on_change(self)
        if condition in {Condition.DOWN, Condition.REFUSED}:
            self._give_up()

    def _give_up(self) -> None:
        questions, self._questions = self._questions, {}
        for question in questions.values():
            if not question.future.done():
                question.future.set_exception(NoRelay())
