"""Background tasks of the gateway."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class TaskSet:
    """Holds references to running tasks: asyncio keeps weak ones only. A failed task is logged."""

    def __init__(self, on_end: Callable[[str], None] = lambda _name: None) -> None:
        """Begin without tasks; ``on_end`` is called with the name of each that ends without having been cancelled."""
        self._on_end = on_end
        self._cancelled = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a coroutine in a task of its own, which is returned."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    async def wait(self, timeout_s: float) -> None:
        """Wait until all tasks are done, or the time is over."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    def cancel(self) -> None:
        """Cancel the tasks that are still running; returns at once."""
        self._cancelled = True
        for task in self._tasks:
            task.cancel()

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task failed", task=task.get_name(), exc_info=error)
        if not self._cancelled and not task.cancelled():
            self._on_end(task.get_name())
