"""Combines the utterances of the threads of one process (``--pool=threads``) into batches.

A single utterance starts at once; a batch forms while the one before it runs. Celery gives the process at most
``--concurrency`` tasks. The most urgent of them go first, and sessions take turns.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from infra.model_thread import ModelThread
from infra.watchdog import EXIT_BY_WATCHDOG
from stt_worker.engines.base import BatchEngine, DeviceLost, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline, PreemptibleDeadline
from wire.audio import Samples

log = structlog.get_logger()


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
    """A thread-safe transcriber in front of an engine that is not."""

    def __init__(self, load: Callable[[], BatchEngine], end_process: Callable[[int], NoReturn] = os._exit) -> None:
        """Start the thread, and wait for the engine.

        Args:
            load: called without arguments on the thread that the engine is used on; its exception is raised here.
            end_process: called with the exit code when the GPU is lost.
        """
        self._end_process = end_process
        self._thread = ModelThread(load, self._transcribe_in_time, lambda engine: engine.max_batch_size)
        self.name, self.revision = self._thread.model.name, self._thread.model.revision
        self.max_batch_size = self._thread.model.max_batch_size

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        deadline = self._preempted_by_own_queue(deadline, config.priority)
        pending = _PendingRequest(RecognitionRequest(audio, config, deadline))
        self._thread.put(pending, config.priority, config.session)
        return pending.future.result()

    def close(self) -> None:
        """Begin no further batch, and wait for the running one; see ``ModelThread``."""
        self._thread.close()

    def _preempted_by_own_queue(self, deadline: Deadline, priority: int) -> Deadline:
        """Let also what waits in this process preempt a preemptible deadline."""
        if not isinstance(deadline, PreemptibleDeadline):
            return deadline
        elsewhere = deadline.is_preempted
        return replace(deadline, is_preempted=lambda: self._thread.has_more_urgent(priority) or elsewhere())

    def _transcribe_in_time(self, engine: BatchEngine, taken: Sequence[_PendingRequest]) -> None:
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
