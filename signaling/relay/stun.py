"""STUN binding requests and responses as bytes (RFC 8489), as far as an ICE-lite agent needs them."""

import hashlib
import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass

MAGIC_COOKIE = 0x2112A442
BINDING_REQUEST = 0x0001
BINDING_SUCCESS = 0x0101

HEADER_LENGTH = 20
INTEGRITY_LENGTH = 24
FINGERPRINT_LENGTH = 8
FINGERPRINT_MASK = 0x5354554E

USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028

_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")


class MalformedStun(ValueError):
    """The datagram is no STUN binding request that ICE allows."""


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A binding request whose shape and fingerprint are right; nothing is authenticated yet."""

    transaction: bytes
    """Twelve bytes that the response repeats."""
    local_ufrag: str
    """The part of the username before the colon: whom the request is for."""
    remote_ufrag: str
    """The part after the colon: who claims to send it."""
    nominated: bool
    """Whether USE-CANDIDATE is present (RFC 8445 section 7.1.2)."""
    integrity_offset: int
    """Where the MESSAGE-INTEGRITY attribute starts in the datagram."""


def read_request(datagram: bytes) -> BindingRequest:
    """Read a binding request with username, integrity and fingerprint (RFC 8445 section 7.1).

    Raises MalformedStun for anything else, also for requests that ICE forbids because the
    integrity or the fingerprint is missing.
    """
    if len(datagram) < HEADER_LENGTH:
        raise MalformedStun("shorter than a header")
    kind, length, cookie, transaction = _HEADER.unpack_from(datagram)
    if kind != BINDING_REQUEST or cookie != MAGIC_COOKIE or length + HEADER_LENGTH != len(datagram):
        raise MalformedStun("not a whole binding request")
    fields = _fields(datagram)
    if not {USERNAME, MESSAGE_INTEGRITY, FINGERPRINT} <= fields.keys():
        raise MalformedStun("username, integrity or fingerprint is missing")
    fingerprint, integrity = fields[FINGERPRINT], fields[MESSAGE_INTEGRITY]
    if not _fingerprint_is_right(datagram, fingerprint.start - 4) or len(integrity) != 20:
        raise MalformedStun("the fingerprint is wrong")
    username = datagram[fields[USERNAME].start : fields[USERNAME].stop]
    local, colon, remote = username.partition(b":")
    if not colon or not username.isascii():
        raise MalformedStun("a username without its two halves")
    return BindingRequest(
        transaction,
        local.decode("ascii"),
        remote.decode("ascii"),
        USE_CANDIDATE in fields,
        integrity.start - 4,
    )


def is_authentic(datagram: bytes, request: BindingRequest, password: str) -> bool:
    """Tell whether the request's MESSAGE-INTEGRITY was made with `password` (constant time)."""
    start = request.integrity_offset
    expected = _integrity(datagram[:start], password)
    return hmac.compare_digest(expected, datagram[start + 4 : start + INTEGRITY_LENGTH])


def build_success(request: BindingRequest, host: str, port: int, password: str) -> bytes:
    """Build the response that tells the sender the address it was seen from.

    `host` is an IP literal; an IPv4 address mapped into IPv6 is told as IPv4.
    """
    mapped = _xor_mapped_address(host, port, request.transaction)
    return _seal(BINDING_SUCCESS, request.transaction, mapped, password)


def build_request(
    transaction: bytes, *, username: str, password: str, nominate: bool = False
) -> bytes:
    """Build a binding request as a client sends it."""
    name = username.encode("ascii")
    attributes = _ATTRIBUTE.pack(USERNAME, len(name)) + name + bytes(-len(name) % 4)
    if nominate:
        attributes += _ATTRIBUTE.pack(USE_CANDIDATE, 0)
    return _seal(BINDING_REQUEST, transaction, attributes, password)


def _fields(datagram: bytes) -> dict[int, range]:
    # Where each attribute's value stands; of two alike, the first counts (RFC 8489 section 14).
    fields: dict[int, range] = {}
    position = HEADER_LENGTH
    while position < len(datagram):
        if position + 4 > len(datagram) or FINGERPRINT in fields:
            raise MalformedStun("something follows the last attribute")
        attribute, size = _ATTRIBUTE.unpack_from(datagram, position)
        start = position + 4
        position = start + size + (-size % 4)
        if position > len(datagram):
            raise MalformedStun("an attribute longer than the message")
        # Section 14.5: what follows the integrity is ignored, but for the fingerprint.
        if MESSAGE_INTEGRITY not in fields or attribute == FINGERPRINT:
            fields.setdefault(attribute, range(start, start + size))
    return fields


def _fingerprint_is_right(datagram: bytes, start: int) -> bool:
    expected = (zlib.crc32(datagram[:start]) ^ FINGERPRINT_MASK).to_bytes(4, "big")
    return datagram[start + 4 : start + FINGERPRINT_LENGTH] == expected


def _integrity(covered: bytes, password: str) -> bytes:
    # RFC 8489 section 14.5: the length counts up to and including the integrity itself.
    length = len(covered) - HEADER_LENGTH + INTEGRITY_LENGTH
    adjusted = covered[:2] + length.to_bytes(2, "big") + covered[4:]
    # SHA-1 is what ICE prescribes (RFC 8445 section 7.1.2 by way of RFC 5389); HMAC keeps it sound.
    return hmac.digest(password.encode("ascii"), adjusted, hashlib.sha1)


def _seal(kind: int, transaction: bytes, attributes: bytes, password: str) -> bytes:
    head = _HEADER.pack(kind, len(attributes), MAGIC_COOKIE, transaction)
    integrity = _integrity(head + attributes, password)
    length = len(attributes) + INTEGRITY_LENGTH + FINGERPRINT_LENGTH
    message = b"".join(
        (
            _HEADER.pack(kind, length, MAGIC_COOKIE, transaction),
            attributes,
            _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20),
            integrity,
        )
    )
    fingerprint = zlib.crc32(message) ^ FINGERPRINT_MASK
    return message + _ATTRIBUTE.pack(FINGERPRINT, 4) + fingerprint.to_bytes(4, "big")


def _xor_mapped_address(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    packed = address.packed
    mask = MAGIC_COOKIE.to_bytes(4, "big") + transaction
    xored = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    family = 1 if address.version == 4 else 2
    body = struct.pack("!BBH", 0, family, port ^ (MAGIC_COOKIE >> 16)) + xored
    return _ATTRIBUTE.pack(XOR_MAPPED_ADDRESS, len(body)) + body
