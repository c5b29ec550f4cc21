"""Combines the utterances of the threads of one process (``--pool=threads``) into batches.

A single utterance starts at once; a batch forms while the one before it runs. Celery gives the process at most
``--concurrency`` tasks. The most urgent of them go first, and sessions take turns.
"""

import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from infra.watchdog import EXIT_BY_WATCHDOG
from stt_worker.engines.base import BatchEngine, DeviceLost, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, PreemptibleDeadline
from stt_worker.scheduling.fair_queue import FairQueue
from wire.audio import Samples

log = structlog.get_logger()

EXIT_TIMEOUT_S = 5.0
"""Longest time that the exit of the process waits for the running batch."""


@dataclass(frozen=True)
class _PendingRequest:
    """An utterance, and the future that its thread waits for."""

    request: RecognitionRequest
    future: Future[Hypothesis] = field(default_factory=Future)

    def resolve(self, outcome: Outcome) -> None:
        """Give the caller its outcome."""
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)

    def is_in_time(self) -> bool:
        """True if the deadline has not passed; otherwise the caller gets the error."""
        try:
            self.request.deadline.check()
        except Exception as error:  # the boundary: whatever a deadline raises belongs to the caller
            self.resolve(error)
            return False
        return True


class Batcher:
    """A thread-safe transcriber in front of an engine that is not: one thread loads and uses the engine.

    Each thread that works with torch gets a team of OpenMP threads. With two teams there are more threads than cores;
    OpenMP then lets threads sleep after each product instead of spinning, which makes the encoder a quarter slower.
    """

    def __init__(self, load: Callable[[], BatchEngine], end_process: Callable[[int], NoReturn] = os._exit) -> None:
        """Start the thread, and wait for the engine.

        Args:
            load: called without arguments on the thread that the engine is used on; its exception is raised here.
            end_process: called with the exit code when the GPU is lost.
        """
        self._end_process = end_process
        self._queue: FairQueue[_PendingRequest] = FairQueue()
        loaded: Future[BatchEngine] = Future()
        self._thread = threading.Thread(target=self._run, args=(load, loaded), name="batcher", daemon=True)
        atexit.register(self.close)
        self._thread.start()
        engine = loaded.result()
        self.name, self.revision = engine.name, engine.revision

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        deadline = self._preempted_by_own_queue(deadline, config.priority)
        pending = _PendingRequest(RecognitionRequest(audio, config, deadline))
        self._queue.put(pending, config.priority, config.session)
        return pending.future.result()

    def close(self) -> None:
        """Begin no further batch, and wait for the running one: to exit while a thread is inside torch is to abort.

        Runs at exit, when no caller waits for a result.
        """
        self._queue.close()
        self._thread.join(EXIT_TIMEOUT_S)

    def _preempted_by_own_queue(self, deadline: Deadline, priority: int) -> Deadline:
        """Let also what waits in this process preempt a preemptible deadline."""
        if not isinstance(deadline, PreemptibleDeadline):
            return deadline
        elsewhere = deadline.is_preempted
        return replace(deadline, is_preempted=lambda: self._queue.has_more_urgent(priority) or elsewhere())

    def _run(self, load: Callable[[], BatchEngine], loaded: Future[BatchEngine]) -> None:
        try:
            engine = load()
        except BaseException as error:  # the boundary: the constructor raises it
            atexit.unregister(self.close)
            loaded.set_exception(error)
            return
        loaded.set_result(engine)
        while taken := self._queue.take(engine.max_batch_size):
            self._transcribe([pending for pending in taken if pending.is_in_time()], engine)

    def _transcribe(self, batch: Sequence[_PendingRequest], engine: BatchEngine) -> None:
        """Transcribe a batch. If it fails, try its halves: memory was too small, or one utterance breaks the engine."""
        if not batch:
            return
        unresolved = dict(enumerate(batch))
        try:
            for index, outcome in engine.transcribe_all([pending.request for pending in batch]):
                unresolved.pop(index).resolve(outcome)
        except DeviceLost:
            log.critical("gpu lost, process ended", exc_info=True)
            self._end_process(EXIT_BY_WATCHDOG)
        except Exception as error:  # the boundary: every caller must get an outcome
            if len(batch) > 1:
                log.warning("batch failed, halves tried", utterances=len(batch), exc_info=True)
            elif unresolved:
                unresolved.pop(0).resolve(error)
        # The error is gone here: its traceback holds the tensors of the failed batch, which the halves need room for.
        remaining = list(unresolved.values())
        if len(batch) == 1:
            for pending in remaining:
                pending.resolve(AssertionError("the engine gave no outcome"))
            return
        middle = (len(remaining) + 1) // 2
        self._transcribe(remaining[:middle], engine)
        self._transcribe(remaining[middle:], engine)
