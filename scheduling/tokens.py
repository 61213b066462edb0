"""Tokens of links: random, shown once, stored as a digest only."""

from __future__ import annotations

import base64
import hashlib
import secrets

REFERENCE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters and digits that cannot be taken for each other when read aloud or typed."""


def new_token() -> str:
    """Return 192 random bits, safe in a URL."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """Return what is stored of a `token`: its SHA-256 in hex.

    The tokens are random and long, so a fast hash is enough (no salt, no stretching).
    """
    return hashlib.sha256(token.encode()).hexdigest()


def derive(token: str, purpose: str) -> str:
    """Return a token that follows from `token` and tells nothing about it.

    Confirming a hold twice must lead to the same link although links are stored hashed.
    """
    raw = hashlib.sha256(f"{purpose}\0{token}".encode()).digest()
    return base64.urlsafe_b64encode(raw[:24]).decode()


def new_reference() -> str:
    """Return a reference such as ``K7MP-4QXR``: 39 bits, readable on the phone."""
    letters = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"
