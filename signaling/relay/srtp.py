"""SRTP in place (RFC 3711, 7714): libsrtp as pylibsrtp brings it, called by the compiled part.

pylibsrtp's own methods copy every packet twice. Its binding has the addresses of libsrtp's
functions; `PRIVATE_PARTS` and `BINDING_PARTS` name what is used beyond its public interface, and a
contract test checks them.
"""
# ruff: noqa: SLF001  (private parts of pylibsrtp: this module exists to hold them)

from typing import Any

from pylibsrtp import Session, _binding

from signaling.relay.plane.library import ffi

PYLIBSRTP_VERSION = "1.0.0"
PRIVATE_PARTS = ("_srtp",)
BINDING_PARTS = ("srtp_protect", "srtp_unprotect", "srtp_protect_rtcp", "srtp_unprotect_rtcp")


def function(name: str) -> Any:
    """Give the address of one of libsrtp's functions.

    Each takes (session, pointer to the packet, pointer to its length) and returns 0 when it
    succeeded, with the new length in place of the old. They fail on packets that are forged,
    repeated, or too short to be any.
    """
    address = _binding.ffi.addressof(_binding.lib, name)
    return ffi.cast("int (*)(void *, void *, int *)", int(_binding.ffi.cast("intptr_t", address)))


def handle(session: Session) -> Any:
    """Give libsrtp's own session, usable as long as `session` lives."""
    return ffi.cast("void *", int(_binding.ffi.cast("intptr_t", session._srtp[0])))
