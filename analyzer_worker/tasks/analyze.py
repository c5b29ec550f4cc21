"""The analysis task: claim a job, classify its text, publish the result."""

import structlog

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, most_probable
from infra.worker import Worker
from wire.messages.base import now
from wire.messages.jobs import AnalyzeText
from wire.messages.results import LABELS, Final, Sentiment

log = structlog.get_logger()


class Analysis:
    """Runs analysis jobs; one instance per process."""

    def __init__(self, worker: Worker[SentimentAnalyzer]) -> None:
        """Use the model, ledger and Redis of ``worker``."""
        self._worker = worker

    def run(self, job: AnalyzeText) -> None:
        """Analyse one utterance and publish its ``Final``; does nothing if the job is not to be claimed."""
        with self._worker.claimed(job, "analysis") as claim:
            if claim.verdict != "claimed":
                log.info("job skipped", session=job.session_id, segment=job.segment, verdict=claim.verdict)
                return
            started = now()
            with self._worker.watched():
                sentiment, reason = analyse(self._worker.model, job.transcript.text, job.transcript.language)
            clock = job.clock.at(analysis_start=started, analysed=now())
            self._worker.publish(Final.of(job.model_copy(update={"clock": clock}), sentiment, reason))


def analyse(model: SentimentAnalyzer, text: str, language: str) -> tuple[Sentiment | None, str | None]:
    """Return the sentiment of a text, or None and the reason: the model does not support ``language``."""
    if model.languages is not None and language not in model.languages:
        known = ", ".join(sorted(model.languages))
        return None, f"The sentiment model {model.name} knows {known}, but this is {language}."
    return sentiment_of(model.analyze(text), model.name, language), None


def sentiment_of(probabilities: Probabilities, model: str, language: str) -> Sentiment:
    """Make the message from an engine's answer: the most probable label, and all three probabilities."""
    label = most_probable(probabilities)
    return Sentiment(
        label=label,
        score=probabilities[label],
        probabilities={name: probabilities[name] for name in LABELS},
        model=model,
        language=language,
    )
