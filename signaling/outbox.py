"""What waits to be written to one socket: bounded, so that nobody slow holds up a room."""

import asyncio

from signaling.messages import Code, Ended, EndReason, Failure, ServerMessage

_LONGEST = 64


class Outbox:
    """Messages for one socket, in order, then its end.

    The room writes without waiting; one task takes. Whoever lets more than 64 messages wait is
    cut off as slow.
    """

    def __init__(self) -> None:
        self._waiting: list[ServerMessage] = []
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()

    def put(self, message: ServerMessage) -> None:
        """Queue a message; too many close the outbox with what is waiting thrown away."""
        if self.closed:
            return
        if len(self._waiting) >= _LONGEST:
            self._waiting = [Failure(Code.SLOW, "too many messages wait", fatal=True)]
            self._closed.set()
        else:
            self._waiting.append(message)
        self._wake.set()

    def end(self, reason: EndReason) -> None:
        """Tell the reason and close."""
        self.put(Ended(reason))
        self.close()

    def close(self) -> None:
        """Take nothing more; what waits is still written."""
        self._closed.set()
        self._wake.set()

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken."""
        return self._closed.is_set()

    async def wait_closed(self) -> None:
        """Wait until nothing more is taken."""
        await self._closed.wait()

    async def take(self) -> list[ServerMessage]:
        """Wait for messages and take them all; an empty list means that the end has come."""
        while not self._waiting and not self.closed:
            self._wake.clear()
            await self._wake.wait()
        taken, self._waiting = self._waiting, []
        return taken
