"""Ends a worker process whose model hangs or whose memory swells; the supervisor starts another one."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import structlog

EXIT_BY_WATCHDOG = 70
"""Exit code ``EX_SOFTWARE`` of sysexits.h."""
CHECK_INTERVAL_S = 1.0
MEMORY_MARGIN = 1.25
"""Share of the memory limit at which a running task is not waited for; also the limit's least share of the memory that
the loaded model takes."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Limits:
    """Resources that one worker process may use."""

    deadline_s: float
    """Seconds for one task. The engine checks it while decoding; the watchdog waits twice as long."""
    max_rss_mb: int
    """Resident memory, MiB; 0 for no limit."""


class Watchdog:
    """Ends the process when a task is far over its deadline or memory over its limit.

    Celery's solo and threads pools enforce no time limit and recycle no process. The ledger sends the utterance to
    another worker.
    ``watched`` may be entered from any thread.
    """

    def __init__(self, limits: Limits) -> None:
        self._deadline_s = 2 * limits.deadline_s
        self._max_rss_mb = limits.max_rss_mb
        self._running: dict[int, float] = {}
        """Thread id → monotonic seconds at which it entered ``watched``."""
        self._is_stopping = False

    def start(self) -> None:
        """Start the thread. Call this when the model is loaded."""
        self._raise_low_memory_limit()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Put this around each use of the model, which alone can hang: Redis commands have time-outs of their own."""
        thread = threading.get_ident()
        self._running[thread] = time.monotonic()
        try:
            yield
        finally:
            del self._running[thread]

    def _run(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL_S)
            started = min(self._running.copy().values(), default=None)
            if started is not None and time.monotonic() - started > self._deadline_s:
                log.critical("task exceeded 2× deadline, exiting", limit_s=self._deadline_s)
                os._exit(EXIT_BY_WATCHDOG)
            if self._max_rss_mb:
                self._check_memory(_rss_mb(), is_idle=started is None)

    def _check_memory(self, rss_mb: int, *, is_idle: bool) -> None:
        if rss_mb <= self._max_rss_mb:
            return
        if not is_idle and rss_mb > self._max_rss_mb * MEMORY_MARGIN:
            log.critical("memory limit far exceeded, exiting", rss_mb=rss_mb, limit_mb=self._max_rss_mb)
            os._exit(EXIT_BY_WATCHDOG)
        if not self._is_stopping:
            self._is_stopping = True
            log.critical("memory limit exceeded, exiting", rss_mb=rss_mb, limit_mb=self._max_rss_mb)
            os.kill(os.getpid(), signal.SIGTERM)  # Celery finishes the current task first

    def _raise_low_memory_limit(self) -> None:
        """Raise a limit below what the model takes: it would end every process as soon as it is ready."""
        if self._max_rss_mb and (needed := round(_rss_mb() * MEMORY_MARGIN)) > self._max_rss_mb:
            log.warning("memory limit raised to fit the model", limit_mb=self._max_rss_mb, raised_mb=needed)
            self._max_rss_mb = needed


def _rss_mb() -> int:
    """Return the resident memory of this process, MiB."""
    return int(psutil.Process().memory_info().rss) >> 20
