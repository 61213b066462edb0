"""A server's side of the greeting: it and the relay prove to each other that they know the secret."""

import asyncio
import hmac
import secrets

from signaling.fleet import wire
from signaling.fleet.wire import Challenge, Greeting, Load, Refused


class Refusal(Exception):
    """The relay takes no orders from us; the reason is for the operator."""


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, secret: bytes) -> Load:
    """Greet a relay that has just been connected to; give the load it tells.

    Raises Refusal, WireError, and what reading raises.
    """
    challenge = await wire.receive(reader, {"challenge": Challenge}, wire.LONGEST_GREETING)
    if challenge.version != wire.VERSION:
        raise Refusal(f"it speaks version {challenge.version}, this server {wire.VERSION}")
    nonces = (challenge.nonce, secrets.token_hex(16))
    mine = wire.proof(secret, "server", nonces)
    wire.send(writer, Greeting(wire.VERSION, nonces[1], mine))
    answer = await wire.receive(reader, wire.VERDICTS)
    if isinstance(answer, Refused):
        raise Refusal(answer.reason)
    expected = wire.proof(secret, "relay", nonces)
    if not hmac.compare_digest(answer.proof.encode(), expected.encode()):
        raise Refusal("secret")
    return answer.load
