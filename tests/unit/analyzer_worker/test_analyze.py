"""The analysis task: a supported language gets a sentiment, any other one the reason for having none."""

from typing import Any

import pytest

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, Support
from analyzer_worker.engines.routing import Routing
from analyzer_worker.scheduling.batcher import Batcher
from analyzer_worker.tasks.analyze import Analysis, Judgement, analyse, sentiment_of
from analyzer_worker.tasks.sentence import Sentences
from infra.ledger.ledger import Claim, Verdict
from infra.watchdog import Limits
from infra.worker import Worker
from tests.support.clock_steps import STEPS_S, step_during
from tests.support.speakers import text_job
from wire import names
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, segment_end


class Model(SentimentAnalyzer):
    """Labels every text positive, or raises ``failure``."""

    name = "cheerful"
    revision = "1"

    def __init__(
        self,
        languages: frozenset[str] | None = None,
        failure: Exception | None = None,
        zero_shot: frozenset[str] = frozenset(),
    ) -> None:
        self.languages = languages
        self.zero_shot = zero_shot
        self.failure = failure
        self.texts: list[str] = []

    def support(self, language: str) -> Support | None:
        if self.languages is None or language in self.languages:
            return "trained"
        return "zero-shot" if language in self.zero_shot else None

    def analyze(self, text: str, language: str) -> Probabilities:
        assert self.support(language)
        self.texts.append(text)
        if self.failure:
            raise self.failure
        return {"negative": 0.05, "neutral": 0.15, "positive": 0.8}


def batcher(model: Model) -> Batcher:
    return Batcher(lambda: Routing({"*": model}))


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
        self.kept: dict[str, str] = {}

    def mget(self, names: list[str]) -> list[str | None]:
        return [self.kept.get(name) for name in names]

    def put(self, name: str, session_id: str, value: str, ttl_s: int) -> None:
        assert session_id in name
        assert ttl_s > 0
        self.kept[name] = value

    def pipeline(self) -> "Redis":
        return self

    def xadd(self, _stream: str, fields: dict[str, str], **_: Any) -> None:
        self.published += fields.values()

    def publish(self, *_: str) -> None: ...

    def execute(self) -> None: ...


class Task:
    """One run of the task with a fake model, ledger and Redis."""

    def __init__(self, model: Model, *jobs: AnalyzeText, verdict: Verdict = "claimed") -> None:
        self.model, self.ledger, self.redis = model, Ledger(verdict), Redis()
        worker: Any = Worker("redis://127.0.0.1:1/0", names.ANALYZER_WORKER, Limits(deadline_s=20, max_rss_mb=0))
        worker.model, worker.ledger, worker.redis = batcher(self.model), self.ledger, self.redis
        analysis = Analysis(worker, Sentences(worker.redis), Judgement())
        for job in jobs:
            analysis.run(job)

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


@pytest.mark.parametrize("step_s", STEPS_S)
def test_length_of_an_analysis_is_right_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    step_during(monkeypatch, Model, "analyze", step_s)
    clock = Task(Model(), text_job(3)).final.clock
    assert clock.analysis_start is not None
    assert clock.analysed is not None
    assert 0 <= clock.analysed - clock.analysis_start < 0.4


def test_sentiment_of_probabilities_takes_the_most_probable_label() -> None:
    """The score is the probability of the label."""
    found = sentiment_of({"positive": 0.2, "negative": 0.5, "neutral": 0.3}, "some model", "en")
    assert (found.label, found.score) == ("negative", 0.5)
    assert found.probabilities == {"negative": 0.5, "neutral": 0.3, "positive": 0.2}
    assert list(found.probabilities) == ["negative", "neutral", "positive"]


def test_analysis_of_an_unsupported_language_publishes_the_reason() -> None:
    """The text is published without sentiment, the reason names the language, and the model does not run."""
    task = Task(Model(frozenset({"en", "de"})), text_job(text="오늘 날씨가 좋네요.", language="ko"))
    assert task.final.text == "오늘 날씨가 좋네요."
    assert task.final.sentiment is None
    assert task.final.sentiment_reason == "The sentiment model cheerful does not read this language (ko)."
    assert task.model.texts == []


@pytest.mark.parametrize("languages", [None, frozenset({"en"})])
def test_analyse_with_a_supported_language_returns_a_sentiment(languages: frozenset[str] | None) -> None:
    """A model without a list of languages supports all."""
    sentiment, reason = analyse(batcher(Model(languages)), "fine", "en", "s", Judgement())
    assert sentiment is not None
    assert (sentiment.language, reason) == ("en", None)


def test_a_language_without_training_is_marked_or_refused() -> None:
    """Zero-shot results say so; the setting turns them off, and then the reason is that of any other language."""
    models = batcher(Model(frozenset({"en"}), zero_shot=frozenset({"fr"})))
    for language, marked in (("en", False), ("fr", True)):
        sentiment, reason = analyse(models, "bien", language, "s", Judgement())
        assert sentiment is not None
        assert (sentiment.zero_shot, reason) == (marked, None)
    refused = (("fr", Judgement(zero_shot=False), "was not trained with"), ("mi", Judgement(), "does not read"))
    for language, judgement, reason_begins in refused:
        sentiment, reason = analyse(models, "bien", language, "s", judgement)
        assert sentiment is None
        assert reason == f"The sentiment model cheerful {reason_begins} this language ({language})."


@pytest.mark.parametrize(
    ("probabilities", "label", "unsure"),
    [
        ((0.10, 0.40, 0.50), "positive", False),
        ((0.10, 0.41, 0.49), "neutral", True),
        ((0.48, 0.08, 0.44), "neutral", True),
        ((0.43, 0.47, 0.10), "neutral", True),
        ((0.20, 0.60, 0.20), "neutral", False),
    ],
)
def test_a_label_without_a_margin_is_neutral_and_unsure(
    probabilities: tuple[float, float, float], label: str, unsure: bool
) -> None:
    """The score stays the probability of the label that is shown."""
    negative, neutral, positive = probabilities
    found = sentiment_of({"negative": negative, "neutral": neutral, "positive": positive}, "m", "en", margin=0.09)
    assert (found.label, found.unsure) == (label, unsure)
    assert found.score == found.probabilities[found.label]


def test_an_utterance_is_judged_with_the_beginning_of_its_sentence() -> None:
    """The model reads the sentence so far; the message has the utterance's own text."""
    first = text_job(0, text="Ask not what your country")
    second = text_job(1, text="can do for you.").model_copy(
        update={"session_id": first.session_id, "start_ms": first.end_ms + 600, "end_ms": first.end_ms + 1_600}
    )
    task = Task(Model(), first, second)
    assert task.model.texts == ["Ask not what your country", "Ask not what your country can do for you."]
    ends = [segment_end.validate_json(published) for published in task.redis.published]
    assert [end.text for end in ends if isinstance(end, Final)] == ["Ask not what your country", "can do for you."]
    begins, continues = (end for end in ends if isinstance(end, Final))
    assert begins == begins.alone()
    assert continues == continues.continuing(0, 0, "Ask not what your country can do for you.")


@pytest.mark.parametrize("verdict", ["gone", "taken", "exhausted"])
def test_analysis_of_an_unclaimed_job_does_nothing(verdict: Verdict) -> None:
    """The model does not run, and nothing is published."""
    task = Task(Model(), text_job(), verdict=verdict)
    assert task.model.texts == []
    assert task.redis.published == []
    assert task.ledger.errors == []


def test_analysis_with_a_failing_model_abandons_the_claim() -> None:
    """Nothing is published, and the library's message, which may hold the text, is not repeated."""
    task = Task(Model(failure=ValueError("bad token in: only between us")), text_job())
    assert task.redis.published == []
    assert task.ledger.errors == ["internal error (ValueError)"]
