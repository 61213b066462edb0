"""A client of the signaling protocol: a real WebSocket, messages as dictionaries."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType

ORIGIN = "https://termin.example"
_PATIENCE = 5.0

Message = dict[str, Any]


class Caller:
    """One open socket; messages that were not asked for yet are kept in order."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Message] = []

    async def say(self, kind: str, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def hello(self, **fields: object) -> Message:
        await self.say("hello", **{"version": 1, "audio": True, "video": True, **fields})
        return await self.hear("welcome")

    async def hear(self, kind: str, **wanted: object) -> Message:
        """Wait for the next message of this type, keeping the ones before it in `seen`."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                frame = await self.socket.receive()
                assert frame.type is WSMsgType.TEXT, f"closed while waiting for {kind}: {self.seen}"
                message: Message = json.loads(frame.data)
                self.seen.append(message)
                if message["type"] == kind and wanted.items() <= message.items():
                    return message

    async def closed(self) -> list[Message]:
        """Wait for the end and give all messages until then."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                frame = await self.socket.receive()
                if frame.type is not WSMsgType.TEXT:
                    return self.seen
                self.seen.append(json.loads(frame.data))

    async def fails(self, code: str) -> Message:
        """Wait for an error with this code."""
        message = await self.hear("error")
        assert message["code"] == code
        return message


async def admitted(
    dial: Callable[[str], Awaitable[Caller]], *guests: str
) -> tuple[list[Caller], list[str]]:
    """Open a room with a host and admitted guests; give the callers and the guests' ids."""
    host = await dial("host")
    await host.hello()
    callers, ids = [host], []
    for name in guests:
        guest = await dial(name)
        ids.append((await guest.hello())["you"])
        await host.say("admit", participant=ids[-1])
        await guest.hear("admitted")
        callers.append(guest)
    return callers, ids
