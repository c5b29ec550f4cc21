"""A condition without a lock: tasks wait for the next change."""

import asyncio
from contextlib import suppress


class Notifier:
    """Wakes all waiting tasks at once."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake every task that waits now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, longest_s: float | None = None) -> None:
        """Wait until the next notification, at most ``longest_s`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._event.wait()
