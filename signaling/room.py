"""One consultation: who waits, who is in, and what each message does to it."""

import secrets
from collections.abc import Callable
from datetime import timedelta

from signaling.media import MediaRoom, NoRelay
from signaling.member import Identity, Member
from signaling.messages import (
    Admitted,
    Answer,
    Changed,
    Code,
    EndReason,
    Gone,
    Layout,
    Moved,
    OfferMessage,
    Participant,
    Phase,
    ProtocolError,
    Quality,
    Role,
    Slot,
    Welcome,
)
from signaling.moment import Moment
from signaling.outbox import Outbox
from signaling.relay import BadOffer
from signaling.text import Returned, Text, Written
from signaling.turn import Turn
from signaling.visits import Ending, Stay

MOST_IN_ROOM = 4
MOST_WAITING = 8
HEARTBEAT = 15  # seconds
RECONNECT = timedelta(seconds=20)


class Room:
    """The members of one consultation and the rules between them.

    `changed` is called when the lobby or the presence changed; `arrive` begins the stay of an identity's key. `turn` grants the office's TURN servers, where
    it has some.
    """

    def __init__(
        self,
        conference: MediaRoom,
        clock: Callable[[], Moment],
        changed: Callable[[], None],
        arrive: Callable[[str], Stay],
        turn: Turn,
    ) -> None:
        self.members: dict[str, Member] = {}
        self.hosted = False
        self.empty_since: Moment | None = clock()
        self._conference = conference
        self._clock = clock
        self._changed = changed
        self._arrive = arrive
        self._turn = turn
        self._ids: dict[str, str] = {}
        self._admitted: set[str] = set()
        self._dismissed: set[str] = set()
        self._answering: set[str] = set()
        conference.on_layout = self._layout_changed
        conference.on_moved = self._moved

    def join(
        self, identity: Identity, outbox: Outbox, *, audio: bool, video: bool
    ) -> Member | None:
        """Let a person in, to the lobby or the room; an older socket of theirs is replaced.

        Gives None after telling a dismissed person that it is over; raises ProtocolError with
        `room_full`.
        """
        key = identity.key
        member_id = self._ids.setdefault(key, secrets.token_urlsafe(9))
        member = self.members.get(member_id)
        if key in self._dismissed:
            outbox.end(EndReason.DISMISSED)
            return None
        known = member is not None
        if member is None:
            member = self._enter(member_id, identity)
        elif member.outbox is not None:
            member.outbox.end(EndReason.REPLACED)
        member.outbox, member.lost = outbox, None
        member.audio, member.video = audio, video
        self.empty_since = None
        self._welcome(member)
        self.hosted = self.hosted or identity.role is Role.HOST
        self._announce(member)
        if member.phase is Phase.ROOM:
            self._conference.admit(member.id)
            if known:
                self._pass_on(Returned(member.id), member)
        return member

    def renew(self, member: Member) -> None:
        """Send new credentials for TURN when the last ones are old; called now and then."""
        if self._turn.is_due(member.granted or member.since):
            member.granted = self._clock().wall
            member.tell(self._turn.grant())

    async def offer(self, member: Member, message: OfferMessage) -> None:
        """Answer an offer and tell the layout.

        Raises ProtocolError with `bad_offer`, or with `no_relay` when no relay answers in time.
        """
        outbox = member.outbox
        self._answering.add(member.id)
        try:
            answer = await self._conference.offer(member.id, message.sdp)
        except BadOffer as error:
            raise ProtocolError(Code.BAD_OFFER, str(error)) from error
        except NoRelay as error:
            raise ProtocolError(Code.NO_RELAY, "no relay answers at the moment") from error
        finally:
            self._answering.discard(member.id)
        if outbox is not None and member.outbox is outbox:
            outbox.put(Answer(message.id, answer))
            self._layout_changed(member.id)

    def set_state(self, member: Member, *, audio: bool, video: bool) -> None:
        """Note microphone and camera on or off."""
        member.audio, member.video = audio, video
        self._announce(member)

    def set_quality(self, member: Member, quality: Quality) -> bool:
        """Note how well a member finds itself connected; tells whether that is new."""
        new = member.quality != quality
        member.quality = quality
        if new:
            self._show(member)
        return new

    def write(self, member: Member, text: Text) -> None:
        """Pass a member's lines on to the others in the room, or to one; raises ProtocolError."""
        if member.phase is not Phase.ROOM:
            raise ProtocolError(Code.NOT_ALLOWED, "nobody writes from the lobby")
        if (
            not self._pass_on(Written(member.id, text.lines), member, text.to)
            and text.to is not None
        ):
            raise ProtocolError(Code.UNKNOWN_PARTICIPANT, "nobody of that id is in the room")

    def admit(self, host: Member, participant: str) -> None:
        """Let a waiting guest in; raises ProtocolError."""
        guest = self._guest(host, participant)
        if guest.phase is Phase.ROOM:
            return
        if len(self._in_room()) >= MOST_IN_ROOM:
            raise ProtocolError(Code.ROOM_FULL, "four people are in the room", fatal=False)
        guest.phase = Phase.ROOM
        self._admitted.add(guest.identity.key)
        guest.stay.admit(self._clock())
        guest.tell(Admitted(self._others_seen_by(guest)))
        self._announce(guest)
        self._conference.admit(guest.id)

    def dismiss(self, host: Member, participant: str) -> None:
        """Turn a guest away for as long as the room exists; raises ProtocolError."""
        guest = self._guest(host, participant)
        self._dismissed.add(guest.identity.key)
        self._admitted.discard(guest.identity.key)
        if guest.outbox is not None:
            guest.outbox.end(EndReason.DISMISSED)
        self.remove(guest, Ending.DISMISSED)

    def lose(self, member: Member, outbox: Outbox) -> None:
        """Note that a socket broke without a word; the person has time to come back."""
        if member.outbox is outbox:
            member.outbox = None
            member.lost = self._clock()

    def remove(self, member: Member, ending: Ending = Ending.LEFT) -> None:
        """Take a member out and tell the others."""
        if self.members.get(member.id) is not member:
            return
        if member.lost is None:
            self._watch(member, self._clock())  # who stays for less than a second counts as well
        del self.members[member.id]
        member.outbox = None
        member.stay.leave(self._clock(), ending)
        self._conference.remove(member.id)
        for other in self.members.values():
            if other.sees(member):
                other.tell(Gone(member.id))
        if not self.members:
            self.empty_since = self._clock()
        self._changed()

    def sweep(self) -> None:
        """Look at every stay; remove members who lost their socket and did not come back in time."""
        now = self._clock()
        for member in tuple(self.members.values()):
            self._watch(member, now)
            if member.lost is not None and now - member.lost >= RECONNECT:
                self.remove(member, Ending.LOST)

    def _watch(self, member: Member, now: Moment) -> None:
        before = member.stay.interrupted
        # Browsers send nothing to an empty room, nor without any device.
        talking = member.phase is Phase.ROOM and len(self._in_room()) > 1
        member.stay.watch(
            now,
            self._conference.received(member.id),
            expected=talking and (member.audio or member.video),
            lost=member.lost,
        )
        if member.stay.interrupted != before:
            self._show(member)

    def end(self, reason: EndReason) -> None:
        """Tell everyone the reason and take them out."""
        ending = Ending.SHUTDOWN if reason is EndReason.SHUTDOWN else Ending.ENDED
        members = tuple(self.members.values())
        for member in members:
            if member.outbox is not None:
                member.outbox.end(reason)
        for member in members:
            self.remove(member, ending)

    def _welcome(self, member: Member) -> None:
        ice = self._turn.grant()
        member.granted = self._clock().wall
        member.tell(
            Welcome(
                member.id,
                member.identity.role,
                member.phase,
                self._others_seen_by(member),
                HEARTBEAT,
                ice.iceServers,
                ice.iceTransportPolicy,
            )
        )

    def _enter(self, member_id: str, identity: Identity) -> Member:
        inside = identity.role is Role.HOST or identity.key in self._admitted
        lobby = len(self.members) - len(self._in_room())
        if (len(self._in_room()) >= MOST_IN_ROOM) if inside else (lobby >= MOST_WAITING):
            raise ProtocolError(Code.ROOM_FULL, "four people are in the room")
        phase = Phase.ROOM if inside else Phase.LOBBY
        member = Member(member_id, identity, phase, self._clock().wall, self._arrive(identity.key))
        if inside:
            member.stay.admit(self._clock())
        self.members[member_id] = member
        return member

    def _in_room(self) -> list[Member]:
        return [each for each in self.members.values() if each.phase is Phase.ROOM]

    def _pass_on(self, message: Written | Returned, by: Member, to: str | None = None) -> bool:
        others = [each for each in self._in_room() if each is not by and to in {None, each.id}]
        for each in others:
            each.tell(message)
        return bool(others)

    def require_host(self, member: Member) -> None:
        """Raise ProtocolError with `not_allowed` unless the member is a host."""
        if member.identity.role is not Role.HOST:
            raise ProtocolError(Code.NOT_ALLOWED, "only a host may do this")

    def _guest(self, host: Member, participant: str) -> Member:
        self.require_host(host)
        guest = self.members.get(participant)
        if guest is None:
            raise ProtocolError(Code.UNKNOWN_PARTICIPANT, "nobody of that id is here")
        if guest.identity.role is not Role.GUEST:
            raise ProtocolError(Code.NOT_ALLOWED, "a host is not admitted or dismissed")
        return guest

    def _others_seen_by(self, viewer: Member) -> tuple[Participant, ...]:
        others = [each for each in self.members.values() if each is not viewer]
        return tuple(each.seen() for each in others if viewer.sees(each))

    def _announce(self, member: Member) -> None:
        self._show(member)
        self._changed()

    def _show(self, member: Member) -> None:
        for other in self.members.values():
            if other is not member and other.sees(member):
                other.tell(Changed(member.seen()))

    def _layout_changed(self, participant: str) -> None:
        member = self.members.get(participant)
        if member is not None and participant not in self._answering:
            places = self._conference.layout(participant)
            member.tell(
                Layout(tuple(Slot(each.audio, each.video, each.participant) for each in places))
            )

    def _moved(self) -> None:
        for member in self.members.values():
            member.tell(Moved())
