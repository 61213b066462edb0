"""What a stream that is received asks of its receiver's transport."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from signaling.relay.sink import Sink


class Outlet(Protocol):
    """The transport of the receiving participant."""

    connected: bool
    struct: Any
    """The transport as the compiled part knows it (`struct leg`)."""

    @property
    def round_trip(self) -> float:
        """The seconds that the way to the participant and back takes, as far as known."""

    def standing(self, now: float) -> float:
        """Give the seconds that pictures stand in a queue on that way."""

    @property
    def queue(self) -> float:
        """The seconds that the way takes longer than it did at its best."""

    def replay(self, sink: "Sink", first: int, now: float) -> bool:
        """Show a sink all packets of its source from `first` on; False when one is gone."""

    def repeat(self, sink: "Sink", extended: int, sequence: int, now: float) -> bool | None:
        """Send a packet once more; False when it is not kept, None when that may not be now."""

    def room_for_a_picture(self) -> int | None:
        """Give the bit/s that each picture shown may take, None when nothing is known."""

    def try_a_picture(self) -> None:
        """Find out anew whether the receiver's network takes more than the voices."""

    def send_control(self, packet: bytes) -> None:
        """Protect and send RTCP."""
