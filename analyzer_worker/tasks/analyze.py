"""One task of the analysis stage: claim, analyse, report."""

import structlog

from analyzer_worker.engines.base import SentimentAnalyzer
from infra.results import publish_result
from infra.worker import Worker, retry_while_unavailable
from wire.messages.base import now
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, Sentiment

log = structlog.get_logger()


class Analysis:
    """The stage; one instance per process."""

    def __init__(self, worker: Worker[SentimentAnalyzer]) -> None:
        self._worker = worker

    def run(self, job: AnalyzeText) -> None:
        with self._worker.claimed(job, "analysis") as claim:
            if claim.verdict != "claimed":
                log.info("not claimed", session=job.session_id, segment=job.segment, verdict=claim.verdict)
                return
            started = now()
            with self._worker.watched():
                sentiment, reason = analyse(self._worker.model, job.transcript.text, job.transcript.language)
            clock = job.clock.at(analysis_start=started, analysed=now())
            final = Final.of(job.model_copy(update={"clock": clock}), sentiment, reason)
            retry_while_unavailable(lambda: publish_result(self._worker.redis, final))


def analyse(model: SentimentAnalyzer, text: str, language: str) -> tuple[Sentiment | None, str | None]:
    """The sentiment of a text, or the reason why there is none: a language the model does not know is not guessed."""
    if model.languages is not None and language not in model.languages:
        known = ", ".join(sorted(model.languages))
        return None, f"The sentiment model {model.name} knows {known}, but this is {language}."
    found = model.analyze(text)
    return Sentiment(
        label=found.label,  # type: ignore[arg-type]  # one of LABELS, checked by pydantic
        score=found.score,
        probabilities=found.probabilities,  # type: ignore[arg-type]
        model=model.name,
        language=language,
    ), None
