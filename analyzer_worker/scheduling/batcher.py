"""Combines the utterances of the threads of one process (``--pool=threads``) into batches.

A single utterance starts at once; a batch forms while the one before it runs. Sessions take turns: one with many
utterances delays only itself.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer
from analyzer_worker.engines.routing import Routing
from infra.model_thread import ModelThread

MAX_BATCH = 8
"""Utterances in a batch: a sentence of 12 tokens takes 7.4 ms alone, 2.9 ms among 8 and 2.6 ms among 16."""

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

    def __init__(self, load: Callable[[], Routing]) -> None:
        """Start the thread, and wait for the models; what ``load`` raises is raised here."""
        self._thread: ModelThread[Routing, _PendingText] = ModelThread(load, _analyze_by_model, lambda _: MAX_BATCH)
        self.routing = self._thread.model
        self.name, self.revision = self.routing.name, self.routing.revision

    def analyze(self, model: SentimentAnalyzer, text: str, language: str, session: str) -> Probabilities:
        """Return what ``model``, one of ``routing``, says of a text; sessions take turns."""
        pending = _PendingText(model, text, language)
        self._thread.put(pending, 0, session)
        return pending.future.result()

    def close(self) -> None:
        """Begin no further batch, and wait for the running one; see ``ModelThread``."""
        self._thread.close()


def _analyze_by_model(_: Routing, taken: Sequence[_PendingText]) -> None:
    for model in {id(pending.model): pending.model for pending in taken}.values():
        _analyze(model, [pending for pending in taken if pending.model is model])


def _analyze(model: SentimentAnalyzer, batch: Sequence[_PendingText]) -> None:
    """Analyse a batch. If that fails, try each text alone, so that only the one that breaks the model fails."""
    try:
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
        _analyze(model, [pending])
