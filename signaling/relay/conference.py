"""Who is shown to whom in one room: legs by participant, and the seats others take in them."""

from collections.abc import Callable
from dataclasses import dataclass

from signaling.relay.agreement import Seat
from signaling.relay.leg import Leg
from signaling.relay.offer import BadOffer, read_offer
from signaling.relay.site import Site

__all__ = ["BadOffer", "Conference", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a participant's layout: the mids of a pair and whom it carries."""

    audio: str
    video: str
    participant: str | None


class Conference:
    """The media side of a room. Nothing is forwarded from or to anyone not admitted.

    `discard` takes legs that are over, to be closed in the background; `clock` gives monotonic
    seconds.
    """

    def __init__(
        self, site: Site, discard: Callable[[Leg], None], clock: Callable[[], float]
    ) -> None:
        self._site = site
        self._discard = discard
        self._clock = clock
        self._legs: dict[str, Leg] = {}
        self._admitted: dict[str, None] = {}
        self.on_layout: Callable[[str], None] | None = None

    @property
    def legs(self) -> tuple[Leg, ...]:
        """All transports of the room, admitted or waiting."""
        return tuple(self._legs.values())

    def offer(self, participant: str, sdp: str) -> str:
        """Answer an offer of a participant.

        An offer of the same peer connection (a renegotiation, an ICE restart) keeps its
        association and keys; any other replaces it. Raises BadOffer.
        """
        offer = read_offer(sdp)
        leg = self._legs.get(participant)
        if leg is not None and leg.identity == offer.identity:
            answer = leg.answer(offer)
        else:
            fresh = Leg(self._site, offer, self._ended)
            answer = fresh.answer(offer)
            if leg is not None:
                self._discard(leg)
            self._legs[participant] = fresh
        self.arrange()
        return answer

    def admit(self, participant: str) -> None:
        """Begin to forward between the participant and everyone else admitted."""
        self._admitted[participant] = None
        self.arrange()

    def remove(self, participant: str) -> None:
        """Stop forwarding and close the participant's transport."""
        self._admitted.pop(participant, None)
        leg = self._legs.pop(participant, None)
        if leg is not None:
            self._discard(leg)
        self.arrange()

    def layout(self, participant: str) -> tuple[Place, ...]:
        """Tell which pair of the participant carries whom; empty without a transport."""
        leg = self._legs.get(participant)
        seats = leg.seats if leg is not None else []
        return tuple(Place(each.audio_mid, each.video_mid, each.occupant) for each in seats)

    def received(self) -> dict[str, int]:
        """Count the media packets so far of everyone who is connected."""
        return {
            participant: sum(
                each.reception.received for source in leg.sources for each in source.encodings
            )
            for participant, leg in self._legs.items()
            if leg.connected
        }

    def close(self) -> None:
        """Close all transports."""
        for participant in tuple(self._legs):
            self.remove(participant)

    def arrange(self) -> None:
        """Seat everyone with everyone else; whoever sits keeps the seat."""
        now = self._clock()
        for viewer, leg in self._legs.items():
            others = [each for each in self._admitted if each != viewer]
            if viewer not in self._admitted:
                others = []
            before = self.layout(viewer)
            _seat(leg.seats, others)
            for seat in leg.seats:
                shown = self._legs.get(seat.occupant) if seat.occupant else None
                seat.audio.bind(shown.source("audio") if shown else None, now)
                seat.video.bind(shown.source("video") if shown else None, now)
            if self.on_layout is not None and self.layout(viewer) != before:
                self.on_layout(viewer)

    def _ended(self, leg: Leg) -> None:
        for participant, each in tuple(self._legs.items()):
            if each is leg:
                del self._legs[participant]
                self._discard(leg)
                self.arrange()


def _seat(seats: list[Seat], others: list[str]) -> None:
    for seat in seats:
        if seat.occupant not in others:
            seat.occupant = None
    seated = {seat.occupant for seat in seats}
    # Seats nobody sat in come first: their streams begin fresh in the browser.
    free = sorted((seat for seat in seats if seat.occupant is None), key=lambda seat: seat.used)
    newcomers = [each for each in others if each not in seated]
    for seat, newcomer in zip(free, newcomers, strict=False):
        seat.occupant = newcomer
        seat.used = True
