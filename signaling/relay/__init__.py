"""The media relay: ICE-lite, DTLS-SRTP and packet forwarding on one UDP and one TCP port."""

from signaling.relay.conference import BadOffer, Conference, Place
from signaling.relay.relay import Relay, RelayConfig
from signaling.relay.tcp_port import TcpPortTaken

__all__ = ["BadOffer", "Conference", "Place", "Relay", "RelayConfig", "TcpPortTaken"]
