"""A client of the signaling protocol: a real WebSocket, messages as dictionaries."""

import asyncio
import json

from aiohttp import WSMsgType

ORIGIN = "https://termin.example"
_PATIENCE = 5.0


class Caller:
    """One open socket; messages that were not asked for yet are kept in order."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.seen = []

    async def say(self, kind, **fields):
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def hello(self, **fields):
        await self.say("hello", **{"version": 1, "audio": True, "video": True, **fields})
        return await self.hear("welcome")

    async def hear(self, kind, **wanted):
        """Wait for the next message of this type, keeping the ones before it in `seen`."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                frame = await self.socket.receive()
                assert frame.type is WSMsgType.TEXT, f"closed while waiting for {kind}: {self.seen}"
                message = json.loads(frame.data)
                self.seen.append(message)
                if message["type"] == kind and wanted.items() <= message.items():
                    return message

    async def closed(self):
        """Wait for the end and give all messages until then."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                frame = await self.socket.receive()
                if frame.type is not WSMsgType.TEXT:
                    return self.seen
                self.seen.append(json.loads(frame.data))

    async def fails(self, code):
        """Wait for an error with this code."""
        message = await self.hear("error")
        assert message["code"] == code
        return message


async def admitted(dial, *guests):
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
