"""SRTP in place (RFC 3711, 7714): libsrtp on a slab's memory, without a copy or an object.

pylibsrtp's own methods copy every packet twice. This module calls the same library through the
binding that pylibsrtp brings; `PRIVATE_PARTS` names what is used beyond its public interface, and
a contract test checks it.
"""
# ruff: noqa: SLF001  (private parts of pylibsrtp: this module exists to hold them)

from typing import Any

from pylibsrtp import Session, _binding

from signaling.relay.slab import Slab

PYLIBSRTP_VERSION = "1.0.0"
PRIVATE_PARTS = ("_srtp",)
BINDING_PARTS = ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp")

# Each takes (handle, pointer to the packet, pointer to its length) and returns 0 when it
# succeeded, with the new length in place of the old. They fail on packets that are forged,
# repeated, or too short to be any.
protect = _binding.lib.srtp_protect
unprotect = _binding.lib.srtp_unprotect
protect_rtcp = _binding.lib.srtp_protect_rtcp
unprotect_rtcp = _binding.lib.srtp_unprotect_rtcp

_ffi = _binding.ffi


def handle(session: Session) -> Any:
    """Give libsrtp's own session, usable as long as `session` lives."""
    return session._srtp[0]


def pointer(slab: Slab) -> Any:
    """Give a pointer to the slab's beginning; adding a byte offset points into it."""
    return _ffi.cast("unsigned char *", slab.address)


def length_cell() -> Any:
    """Give a pointer to one length, a C int; its value is at index 0."""
    return _ffi.new("int *")
