"""What all participants of one relay share."""

from dataclasses import dataclass

from signaling.relay.counters import Counters
from signaling.relay.dtls import Certificate
from signaling.relay.endpoint import Endpoint
from signaling.relay.happenings import Happenings
from signaling.relay.ingress import Ingress
from signaling.relay.rounds import Rounds


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of one relay, and how clients are told to reach it."""

    endpoint: Endpoint
    ingress: Ingress
    happenings: Happenings
    rounds: Rounds
    certificate: Certificate
    counters: Counters
    advertised: tuple[str, ...]
    tcp_port: int | None = None
