"""Rooms, the wire protocol and sockets; `signaling.relay` carries the media."""
