"""The media relay: ICE-lite, DTLS-SRTP and packet forwarding on one UDP port."""

from signaling.relay.conference import BadOffer, Conference, Place
from signaling.relay.relay import Relay, RelayConfig

__all__ = ["BadOffer", "Conference", "Place", "Relay", "RelayConfig"]
