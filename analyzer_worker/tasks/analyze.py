"""The analysis task: claim a job, classify its text, publish the result."""

from dataclasses import dataclass

import structlog

from analyzer_worker.engines.base import NEUTRAL, Probabilities, most_probable
from analyzer_worker.scheduling.batcher import Batcher
from analyzer_worker.tasks.sentence import Sentences
from infra.celery_app import priority
from infra.clock import Stopwatch
from infra.worker import Worker
from wire.messages.jobs import AnalyzeText
from wire.messages.results import LABELS, Final, Sentiment

log = structlog.get_logger()


@dataclass(frozen=True)
class Judgement:
    """Settings that turn probabilities into a label."""

    margin: float = 0.0
    """Difference of the two highest probabilities below which the label is neutral and unsure, 0–1."""
    zero_shot: bool = True
    """True: languages are analysed, too, that the model was not trained with."""


class Analysis:
    """Runs analysis jobs; one instance per process."""

    def __init__(self, worker: Worker[Batcher], sentences: Sentences, judgement: Judgement) -> None:
        """Use the model, ledger and Redis of ``worker``.

        Args:
            worker: the process's frame around its models.
            sentences: joins an utterance with the beginning of its sentence.
            judgement: settings of the label.
        """
        self._worker = worker
        self._sentences = sentences
        self._judgement = judgement

    def run(self, job: AnalyzeText) -> None:
        """Analyse one utterance and publish its ``Final``; does nothing if the job is not to be claimed."""
        with self._sentences.in_order(job), self._worker.claimed(job, "analysis") as claim:
            if claim.verdict != "claimed":
                log.info("job skipped", session=job.session_id, segment=job.segment, verdict=claim.verdict)
                return
            work = Stopwatch()
            sentence = self._sentences.sentence_so_far(job)
            sentiment, reason = analyse(
                self._worker.model,
                sentence.text,
                job.transcript.language,
                job.session_id,
                self._judgement,
                priority(job),
            )
            clock = job.clock.at(analysis_start=work.started, analysed=work.now())
            final = Final.of(job.model_copy(update={"clock": clock}), sentiment, reason)
            if len(sentence.segments) > 1:
                first, before = sentence.segments[0], sentence.segments[-2]
                final = final.continuing(before, first, sentence.text)
            self._worker.publish(final)


def analyse(
    batcher: Batcher, text: str, language: str, session: str, judgement: Judgement, priority: int = 0
) -> tuple[Sentiment, None] | tuple[None, str]:
    """Return the sentiment of a session's text, or None and the reason: no model supports ``language``."""
    routing = batcher.routing
    model = routing.model_for(language)
    zero_shot = model is not None and model.support(language) == "zero-shot"
    if model is None:
        return None, routing.refusal(language)
    if zero_shot and not judgement.zero_shot:
        return None, f"The sentiment model {model.name} was not trained with this language ({language})."
    probabilities = batcher.analyze(model, text, language, session, priority)
    return sentiment_of(probabilities, model.name, language, judgement.margin, zero_shot), None


def sentiment_of(
    probabilities: Probabilities, model: str, language: str, margin: float = 0.0, zero_shot: bool = False
) -> Sentiment:
    """Make the message from an engine's answer: the most probable label, and all three probabilities.

    If the two most probable labels differ by less than ``margin``, the label is neutral and unsure.
    """
    label = most_probable(probabilities)
    first, second, _ = sorted(probabilities.values(), reverse=True)
    unsure = first - second < margin
    if unsure:
        label = NEUTRAL
    return Sentiment(
        label=label,
        score=probabilities[label],
        probabilities={name: probabilities[name] for name in LABELS},
        unsure=unsure,
        zero_shot=zero_shot,
        model=model,
        language=language,
    )
