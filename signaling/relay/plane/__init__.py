"""The compiled part of the relay: packets from datagram to datagram. Described in `plane.h`."""
