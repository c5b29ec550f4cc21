"""Progress bars for files, on standard error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import rich.progress
from rich.console import Console

from wire.audio import SAMPLE_RATE

REFRESH_S = 0.2


class Progress:
    """A bar for each file: its audio that the gateway has acknowledged. Nothing where there is no terminal."""

    def __init__(self, *, hidden: bool = False) -> None:
        console = Console(stderr=True)
        columns = (
            rich.progress.TextColumn("{task.description}", markup=False),
            rich.progress.BarColumn(),
            rich.progress.TaskProgressColumn(),
            rich.progress.TimeRemainingColumn(),
        )
        self._bars = rich.progress.Progress(*columns, console=console, disable=hidden or not console.is_terminal)

    def __enter__(self) -> Self:
        """Show the bars."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @asynccontextmanager
    async def following(self, name: str, seconds: float | None, done: Callable[[], int]) -> AsyncIterator[None]:
        """Show how far a file is.

        Args:
            name: of the file.
            seconds: its length; None if it does not say it.
            done: returns the samples that are done, at 16 kHz.
        """
        bar = self._bars.add_task(name, total=seconds)

        async def follow() -> None:
            while True:
                self._bars.update(bar, completed=done() / SAMPLE_RATE)
                await asyncio.sleep(REFRESH_S)

        following = asyncio.create_task(follow())
        try:
            yield
            self._bars.update(bar, completed=seconds or done() / SAMPLE_RATE)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
