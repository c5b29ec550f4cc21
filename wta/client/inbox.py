"""Messages that wait for whoever iterates over them."""

import asyncio
from collections.abc import AsyncIterator

from wire.messages.server import AnyServerMessage


class Inbox:
    """Keeps messages from the beginning of a session on, until it is discarded: then they are only passed over."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[AnyServerMessage | None] | None = asyncio.Queue()

    def put(self, message: AnyServerMessage) -> None:
        """Append a message."""
        if self._messages is not None:
            self._messages.put_nowait(message)

    def close(self) -> None:
        """End the iteration behind the last message."""
        if self._messages is not None:
            self._messages.put_nowait(None)

    def discard(self) -> None:
        """Keep nothing from now on: no one iterates."""
        self._messages = None

    async def __aiter__(self) -> AsyncIterator[AnyServerMessage]:
        """Yield each message once."""
        while self._messages is not None and (message := await self._messages.get()) is not None:
            yield message
