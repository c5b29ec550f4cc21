"""The analysis task: a supported language gets a sentiment, any other one the reason for having none."""

from typing import Any

import pytest

from analyzer_worker.engines.base import Probabilities
from analyzer_worker.tasks.analyze import Analysis, analyse, sentiment_of
from infra.ledger.ledger import Claim, Verdict
from infra.watchdog import Limits
from infra.worker import Worker
from tests.support.speakers import text_job
from wire import names
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, segment_end


class Model:
    """Labels every text positive, or raises ``failure``."""

    name = "cheerful"
    revision = "1"

    def __init__(self, languages: frozenset[str] | None = None, failure: Exception | None = None) -> None:
        self.languages = languages
        self.failure = failure
        self.texts: list[str] = []

    def analyze(self, text: str) -> Probabilities:
        self.texts.append(text)
        if self.failure:
            raise self.failure
        return {"negative": 0.05, "neutral": 0.15, "positive": 0.8}


class Ledger:
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.errors: list[str] = []

    def claim(self, _job: AnalyzeText, stage: str, _worker: str) -> Claim:
        assert stage == "analysis"
        return Claim(self.verdict, 1, None)

    def abandon(self, _job: AnalyzeText, _worker: str, error: str) -> None:
        self.errors.append(error)


class Redis:
    def __init__(self) -> None:
        self.published: list[str] = []

    def pipeline(self) -> "Redis":
        return self

    def xadd(self, _stream: str, fields: dict[str, str], **_: Any) -> None:
        self.published += fields.values()

    def publish(self, *_: str) -> None: ...

    def execute(self) -> None: ...


class Task:
    """One run of the task with a fake model, ledger and Redis."""

    def __init__(self, model: Model, job: AnalyzeText, verdict: Verdict = "claimed") -> None:
        self.model, self.ledger, self.redis = model, Ledger(verdict), Redis()
        worker: Any = Worker("redis://127.0.0.1:1/0", names.ANALYZER_WORKER, Limits(deadline_s=20, max_rss_mb=0))
        worker.model, worker.ledger, worker.redis = self.model, self.ledger, self.redis
        Analysis(worker).run(job)

    @property
    def final(self) -> Final:
        (published,) = self.redis.published
        end = segment_end.validate_json(published)
        assert isinstance(end, Final)
        return end


def test_analysis_publishes_the_transcript_with_its_sentiment() -> None:
    """The ``Final`` has the unchanged transcript, the sentiment, and two more clock readings."""
    job = text_job(3, room="kitchen", text="I am hugely pleased")
    final = Task(Model(), job).final
    assert (final.session_id, final.room, final.segment) == (job.session_id, "kitchen", 3)
    assert (final.text, final.stt_model, final.avg_logprob) == ("I am hugely pleased", "base", -0.25)
    assert final.sentiment is not None
    assert (final.sentiment.label, final.sentiment.score, final.sentiment.model) == ("positive", 0.8, "cheerful")
    assert sum(final.sentiment.probabilities.values()) == pytest.approx(1)
    assert final.sentiment_reason is None
    assert final.clock.analysed is not None
    assert final.clock.analysis_start is not None
    assert final.clock.analysis_start <= final.clock.analysed


def test_sentiment_of_probabilities_takes_the_most_probable_label() -> None:
    """The score is the probability of the label."""
    found = sentiment_of({"positive": 0.2, "negative": 0.5, "neutral": 0.3}, "some model", "en")
    assert (found.label, found.score) == ("negative", 0.5)
    assert found.probabilities == {"negative": 0.5, "neutral": 0.3, "positive": 0.2}
    assert list(found.probabilities) == ["negative", "neutral", "positive"]


def test_analysis_of_an_unsupported_language_publishes_the_reason() -> None:
    """The text is published without sentiment, the reason names the supported languages, and the model does not run."""
    task = Task(Model(frozenset({"en", "de"})), text_job(text="오늘 날씨가 좋네요.", language="ko"))
    assert task.final.text == "오늘 날씨가 좋네요."
    assert task.final.sentiment is None
    assert task.final.sentiment_reason == "The sentiment model cheerful knows de, en, but this is ko."
    assert task.model.texts == []


@pytest.mark.parametrize("languages", [None, frozenset({"en"})])
def test_analyse_with_a_supported_language_returns_a_sentiment(languages: frozenset[str] | None) -> None:
    """A model without a list of languages supports all."""
    sentiment, reason = analyse(Model(languages), "fine", "en")
    assert sentiment is not None
    assert (sentiment.language, reason) == ("en", None)


@pytest.mark.parametrize("verdict", ["gone", "taken", "exhausted"])
def test_analysis_of_an_unclaimed_job_does_nothing(verdict: Verdict) -> None:
    """The model does not run, and nothing is published."""
    task = Task(Model(), text_job(), verdict)
    assert task.model.texts == []
    assert task.redis.published == []
    assert task.ledger.errors == []


def test_analysis_with_a_failing_model_abandons_the_claim() -> None:
    """Nothing is published, and the library's message, which may hold the text, is not repeated."""
    task = Task(Model(failure=ValueError("bad token in: only between us")), text_job())
    assert task.redis.published == []
    assert task.ledger.errors == ["internal error (ValueError)"]
