"""Relays as rooms see them: the one in this process, or several processes and their control."""

from signaling.fleet.address import ControlAddress
from signaling.fleet.fleet import Fleet
from signaling.fleet.own import OwnRelay
from signaling.fleet.station import Station

__all__ = ["ControlAddress", "Fleet", "OwnRelay", "Station"]
