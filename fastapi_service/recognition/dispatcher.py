"""Sends jobs to the queue from a few threads, since ``send_task`` blocks, and tries each until that works."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import stamina
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from fastapi_service.recognition.ports import LedgerJob
from infra.outage_log import OutageLog
from wire.messages.jobs import TranscribePartial

THREADS = 4
MAX_WAITING = 1_000
"""Jobs of all sessions together; then sessions wait, and their sockets with them."""


class Dispatcher:
    """One gateway's way to the queue."""

    def __init__(self, send: Callable[[LedgerJob | TranscribePartial], None]) -> None:
        """Start the threads when they are needed.

        Args:
            send: called in a thread with each job; may block, and may raise OperationalError, RedisError or OSError.
        """
        self._send = send
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="dispatch")
        self._slots = asyncio.Semaphore(MAX_WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outage = OutageLog("job dispatch")

    async def send_once(self, job: TranscribePartial) -> None:
        """Send a job that may get lost.

        Raises:
            OperationalError, RedisError, OSError: it is not sent.
        """
        await asyncio.get_running_loop().run_in_executor(self._pool, self._send, job)

    async def dispatch(self, job: LedgerJob) -> None:
        """Take a job; returns when there is room for it, before it is sent."""
        await self._slots.acquire()
        task = asyncio.create_task(self._send_until_ok(job), name="dispatch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, timeout_s: float) -> None:
        """Wait for jobs that are being sent. The sweeper sends the rest: they are in the ledger."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _send_until_ok(self, job: LedgerJob) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for attempt in stamina.retry_context(
                on=self._should_retry, attempts=None, timeout=None, wait_initial=0.1, wait_max=2
            ):
                with attempt:
                    await loop.run_in_executor(self._pool, self._send, job)
            self._outage.recovered()
        finally:
            self._slots.release()

    def _should_retry(self, error: Exception) -> bool:
        if not isinstance(error, OperationalError | RedisError | OSError):
            return False
        self._outage.failed(error)
        return True
