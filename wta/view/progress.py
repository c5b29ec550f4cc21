"""Progress bars for files, on standard error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import rich.progress
from rich.console import Console

from wta.client.event_stream import FileProgress
from wta.view.view import printable

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
    async def following(self, name: str, state: Callable[[], FileProgress]) -> AsyncIterator[None]:
        """Show how far a file is.

        Args:
            name: of the file.
            state: returns how far it is.
        """
        name = printable(name)
        bar = self._bars.add_task(name, total=None)

        def show() -> None:
            done_s, total_s = state().transcribed_s, state().total_s
            so_far = f"{name}, {done_s:.0f} s" if total_s is None else name
            self._bars.update(bar, completed=done_s, total=total_s, description=so_far)

        async def follow() -> None:
            while True:
                show()
                await asyncio.sleep(REFRESH_S)

        following = asyncio.create_task(follow())
        try:
            yield
            show()
            whole_s = state().total_s or state().transcribed_s
            self._bars.update(bar, completed=whole_s, total=whole_s)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
