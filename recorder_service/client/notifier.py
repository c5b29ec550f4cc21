"""How tasks tell each other that something has changed."""

import asyncio
from contextlib import suppress


class Bell:
    """Wakes everybody who waits for something to change."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, longest_s: float | None = None) -> None:
        """Until the next ring, or for ``longest_s`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._rung.wait()
