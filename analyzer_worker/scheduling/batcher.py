"""Combines the utterances of the threads of one process (``--pool=threads``) into batches.

A single utterance starts at once; a batch forms while the one before it runs. Sessions take turns: one with many
utterances delays only itself.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import structlog

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer
from analyzer_worker.engines.routing import Routing
from infra.model_thread import ModelThread

MAX_TAKEN = 16
"""Texts that are taken from the queue at once, and sorted by their models; Celery gives the process no more."""

log = structlog.get_logger()


@dataclass(frozen=True)
class _PendingText:
    """A text, and the future that its thread waits for."""

    model: SentimentAnalyzer
    text: str
    language: str
    future: Future[Probabilities] = field(default_factory=Future)


class Batcher:
    """The models of a process behind one thread, on which they are loaded and used."""

    def __init__(
        self, load: Callable[[], Routing], watched: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        """Start the thread, and wait for the models.

        Args:
            load: returns the models; called on the thread. Its exception is raised here.
            watched: around each use of a model; see ``infra.watchdog``.
        """
        self._watched = watched
        self._thread: ModelThread[Routing, _PendingText] = ModelThread(load, self._analyze_taken, lambda _: MAX_TAKEN)
        self.routing = self._thread.model
        self.name, self.revision = self.routing.name, self.routing.revision

    @property
    def waiting(self) -> int:
        """Texts that wait for the thread."""
        return self._thread.waiting()

    def analyze(
        self, model: SentimentAnalyzer, text: str, language: str, session: str, priority: int = 0
    ) -> Probabilities:
        """Return the probabilities by ``model``, one of ``routing``; the most urgent go first, sessions take turns."""
        pending = _PendingText(model, text, language)
        self._thread.put(pending, priority, session)
        return pending.future.result()

    def _analyze_taken(self, _: Routing, taken: Sequence[_PendingText]) -> None:
        for model in {id(pending.model): pending.model for pending in taken}.values():
            texts = [pending for pending in taken if pending.model is model]
            for start in range(0, len(texts), model.max_batch):
                self._analyze(model, texts[start : start + model.max_batch])

    def _analyze(self, model: SentimentAnalyzer, batch: Sequence[_PendingText]) -> None:
        """Analyse a batch. If that fails, try each text alone, so that only the one that breaks the model fails."""
        try:
            with self._watched():
                answers = model.analyze_all([(pending.text, pending.language) for pending in batch])
        except Exception as error:  # the boundary: every thread must get an answer
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            log.warning("batch failed, each text tried alone", utterances=len(batch), error=type(error).__name__)
        else:
            for pending, answer in zip(batch, answers, strict=True):
                pending.future.set_result(answer)
            return
        for pending in batch:
            self._analyze(model, [pending])
