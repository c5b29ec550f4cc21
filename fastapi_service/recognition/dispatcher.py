"""Jobs on their way to the queue: sent from a few threads, since ``send_task`` blocks, and kept until that worked."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import stamina
import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from wire.messages.jobs import AnalyzeText, TranscribeAudio, TranscribePartial

THREADS = 4
MOST_WAITING = 1_000
"""Jobs of all sessions together; then sessions wait, and their sockets with them."""

log = structlog.get_logger()


Promised = TranscribeAudio | AnalyzeText
"""What is in the ledger."""


class Dispatcher:
    def __init__(self, send: Callable[[Promised | TranscribePartial], None]) -> None:
        self._send = send
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="dispatch")
        self._room = asyncio.Semaphore(MOST_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._away = False

    async def offer(self, draft: TranscribePartial) -> None:
        """Send a draft once.

        Raises:
            OperationalError, RedisError, OSError: it is not sent.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._send, draft)

    async def dispatch(self, job: Promised) -> None:
        """Take a job; returns when there is room for it, before it is sent."""
        await self._room.acquire()
        task = asyncio.create_task(self._deliver(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, timeout_s: float) -> None:
        """Wait for what is under way. What is left then is in the ledger, and the sweeper sends it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _deliver(self, job: Promised) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for attempt in stamina.retry_context(
                on=self._survives, attempts=None, timeout=None, wait_initial=0.1, wait_max=2
            ):
                with attempt:
                    await loop.run_in_executor(self._pool, self._send, job)
            self._away = False
        finally:
            self._room.release()

    def _survives(self, error: Exception) -> bool:
        if not isinstance(error, OperationalError | RedisError | OSError):
            return False
        if not self._away:  # one line for an outage, not one for each job and attempt
            log.warning("jobs wait for the queue", error=type(error).__name__)
        self._away = True
        return True
