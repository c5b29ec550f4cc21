"""Where the tasks of one process meet (``--pool=threads``): those that wait become one batch.

A lone utterance starts at once, and a batch forms while the one before it runs. Nobody waits for more than that one:
Celery gives the process at most ``--concurrency`` tasks, in the order of the queue, and a batch takes all of them.
"""

import queue
import threading
from concurrent.futures import Future

from stt_worker.engine import BatchEngine, Deadline, Hypothesis, Request, Task
from wire.audio import Samples

LARGEST = 64
"""Utterances of one batch, for the memory of a GPU: 64 of 10 s take about 3 GB with ``large``."""


class Batcher:
    """A transcriber for any number of threads, in front of an engine for one."""

    def __init__(self, engine: BatchEngine) -> None:
        self.name, self.revision = engine.name, engine.revision
        self._engine = engine
        self._waiting: queue.SimpleQueue[tuple[Task, Future[Hypothesis]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="batcher", daemon=True).start()

    def transcribe(self, audio: Samples, request: Request, deadline: Deadline) -> Hypothesis:
        """See ``Transcriber``."""
        done: Future[Hypothesis] = Future()
        self._waiting.put((Task(audio, request, deadline), done))
        return done.result()

    def _run(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < LARGEST and not self._waiting.empty():
                batch.append(self._waiting.get())
            try:
                outcomes = self._engine.transcribe_all([task for task, _ in batch])
                answers = list(zip(batch, outcomes, strict=True))
            except Exception as error:  # the boundary: whoever waits must hear of it
                answers = [(waiting, error) for waiting in batch]
            for (_, done), outcome in answers:
                if isinstance(outcome, Exception):
                    done.set_exception(outcome)
                else:
                    done.set_result(outcome)
