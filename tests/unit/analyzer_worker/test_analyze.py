"""One sentiment task: a known language gets a sentiment, another one gets the reason why not."""

from typing import Any

import pytest

from analyzer_worker.engines.base import Sentiment
from analyzer_worker.tasks.analyze import Analysis, analyse
from infra.ledger.ledger import Claim, Verdict
from infra.worker import Limits, Worker
from tests.support.speakers import text_job
from wire import names
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, segment_end


class Model:
    """Finds everything positive, or fails."""

    name = "cheerful"
    revision = "1"

    def __init__(self, languages: frozenset[str] | None = None, failure: Exception | None = None) -> None:
        self.languages = languages
        self.failure = failure
        self.asked: list[str] = []

    def analyze(self, text: str) -> Sentiment:
        self.asked.append(text)
        if self.failure:
            raise self.failure
        return Sentiment.from_probabilities({"negative": 0.05, "neutral": 0.15, "positive": 0.8})


class Ledger:
    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.given_back: list[str] = []

    def claim(self, _job: AnalyzeText, stage: str, _worker: str) -> Claim:
        assert stage == "analysis"
        return Claim(self.verdict, 1, None)

    def release(self, _job: AnalyzeText, _worker: str, error: str) -> None:
        self.given_back.append(error)


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
    """One run of the stage with hand-made surroundings."""

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


def test_text_gets_its_sentiment() -> None:
    """The result has the transcript as it was, how it is meant, and two more readings of the clock."""
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


def test_language_that_the_model_does_not_know_is_not_guessed() -> None:
    """The text arrives all the same; the reason names the languages that would work, and the model is not asked."""
    task = Task(Model(frozenset({"en", "de"})), text_job(text="오늘 날씨가 좋네요.", language="ko"))
    assert task.final.text == "오늘 날씨가 좋네요."
    assert task.final.sentiment is None
    assert task.final.sentiment_reason == "The sentiment model cheerful knows de, en, but this is ko."
    assert task.model.asked == []


@pytest.mark.parametrize("languages", [None, frozenset({"en"})])
def test_language_that_the_model_knows_is_analysed(languages: frozenset[str] | None) -> None:
    """A model without a list of languages takes any."""
    sentiment, reason = analyse(Model(languages), "fine", "en")
    assert sentiment is not None
    assert (sentiment.language, reason) == ("en", None)


@pytest.mark.parametrize("verdict", ["gone", "taken", "exhausted"])
def test_a_job_that_is_not_ours_costs_nothing(verdict: Verdict) -> None:
    """The model does not run, and nothing is published twice."""
    task = Task(Model(), text_job(), verdict)
    assert task.model.asked == []
    assert task.redis.published == []
    assert task.ledger.given_back == []


def test_a_model_that_breaks_gives_the_claim_back() -> None:
    """Nothing is made up; what the library said may hold the text, so it is not repeated."""
    task = Task(Model(failure=ValueError("bad token in: only between us")), text_job())
    assert task.redis.published == []
    assert task.ledger.given_back == ["internal error (ValueError)"]
