"""Where the tasks of one process meet (``--pool=threads``): those that wait become one batch.

A lone utterance starts at once, and a batch forms while the one before it runs. Celery gives the process at most
``--concurrency`` tasks; of these the most urgent go first, and each session in its turn.
"""

import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import NoReturn

import structlog

from infra.worker import EXIT_BY_WATCHDOG
from stt_worker.engines.base import BatchEngine, Deadline, DeviceLost, Hypothesis, Outcome, Request, Task, Yielding
from stt_worker.scheduling.fair_queue import FairQueue
from wire.audio import Samples

log = structlog.get_logger()

LEAVE_S = 5.0
"""Longest time that the end of the process waits for what the engine is at: to end under a thread that is inside torch
is to abort."""


@dataclass(frozen=True)
class _Asked:
    """An utterance, and the thread that waits for its text."""

    audio: Samples
    request: Request
    deadline: Deadline
    done: Future[Hypothesis] = field(default_factory=Future)

    def task(self) -> Task:
        return Task(self.audio, self.request, self.deadline, self.tell)

    def tell(self, outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(outcome)

    def is_wanted(self) -> bool:
        """Whether it is still in time; who asked hears if not."""
        try:
            self.deadline.check()
        except Exception as error:  # the boundary: whatever a deadline raises is for who asked
            self.tell(error)
        return not self.done.done()


class Batcher:
    """A transcriber for any number of threads, in front of an engine for one."""

    def __init__(self, load: Callable[[], BatchEngine], end_process: Callable[[int], NoReturn] = os._exit) -> None:
        """``load`` runs on the thread that the engine is used on; what it raises is raised here.

        Each thread that works with torch gets a team of OpenMP threads. With two teams there are more threads than
        cores, and OpenMP then lets them sleep after each product instead of waiting for the next one, which makes the
        encoder a quarter slower.
        """
        self._end_process = end_process
        self._waiting: FairQueue[_Asked] = FairQueue()
        self._working = threading.Lock()
        loaded: Future[BatchEngine] = Future()
        atexit.register(self._working.acquire, timeout=LEAVE_S)
        threading.Thread(target=self._run, args=(load, loaded), name="batcher", daemon=True).start()
        engine = loaded.result()
        self.name, self.revision = engine.name, engine.revision

    def transcribe(self, audio: Samples, request: Request, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        asked = _Asked(audio, request, self._also_for_who_waits_here(deadline, request.priority))
        self._waiting.put(asked, request.priority, request.session)
        return asked.done.result()

    def _also_for_who_waits_here(self, deadline: Deadline, priority: int) -> Deadline:
        if not isinstance(deadline, Yielding):
            return deadline
        elsewhere = deadline.outranked
        return replace(deadline, outranked=lambda: self._waiting.holds_more_urgent(priority) or elsewhere())

    def _run(self, load: Callable[[], BatchEngine], loaded: Future[BatchEngine]) -> None:
        try:
            with self._working:
                engine = load()
        except BaseException as error:  # the boundary: who waits for it shall have it
            atexit.unregister(self._working.acquire)
            loaded.set_exception(error)
            return
        loaded.set_result(engine)
        while True:
            if batch := [asked for asked in self._waiting.take(engine.at_once) if asked.is_wanted()]:
                with self._working:
                    self._work(engine, batch)

    def _work(self, engine: BatchEngine, batch: Sequence[_Asked]) -> None:
        """A batch that fails is tried in halves: it was too large for the memory, or one of it breaks the engine."""
        if not batch:
            return
        try:
            engine.transcribe_all([asked.task() for asked in batch])
        except DeviceLost:
            log.critical("the GPU is lost: this process ends", exc_info=True)
            self._end_process(EXIT_BY_WATCHDOG)
        except Exception as error:  # the boundary: whoever waits must hear of it
            if len(batch) > 1:
                log.warning("batch failed: tried in halves", utterances=len(batch), exc_info=True)
            elif not batch[0].done.done():
                batch[0].tell(error)
        left = [asked for asked in batch if not asked.done.done()]
        if left and len(batch) == 1:
            left[0].tell(AssertionError("the engine gave no outcome"))
        elif left:
            middle = -(-len(left) // 2)
            self._work(engine, left[:middle])
            self._work(engine, left[middle:])
